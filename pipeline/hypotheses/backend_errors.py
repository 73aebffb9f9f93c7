"""Errors that the backend itself answered."""

import polars as pl

from pipeline.hypothesis import Case, hypothesis, recorded_case
from pipeline.transforms.ways import Ways


@hypothesis(
    "The backend answered, and its answer was an error.",
    name="errors of the backend",
    prior=0.15,
    do_first=("Page the backend's owners: they have the answers that the gateway only passed on."),
)
def backend_errors(ways: Ways) -> Case:
    """Errors that the backend itself answered."""
    return recorded_case(
        ways,
        pl.col("backend_status") >= 500,
        "carry an HTTP status of 500 or more from the backend",
        figure="T3",
        would_decide="The backend's own logs of these requests, by correlation id.",
    )
