"""Calls that the backend throttled."""

import polars as pl

from pipeline.hypothesis import Case, hypothesis, recorded_case
from pipeline.transforms.ways import Ways


@hypothesis(
    "The backend turned calls away because there were too many.",
    name="throttling by the backend",
    prior=0.06,
    do_first="Spread or cache the calls, or ask the backend's owners for a higher limit.",
)
def destination_throttling(ways: Ways) -> Case:
    """Calls that the backend throttled."""
    return recorded_case(
        ways,
        pl.col("backend_status") == 429,
        "were turned away by the backend with 429",
        figure="T3",
        would_decide="The backend's own rate-limit counters.",
    )
