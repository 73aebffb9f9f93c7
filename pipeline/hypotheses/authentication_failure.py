"""Credentials that the backend refused."""

import polars as pl

from pipeline.hypothesis import Case, hypothesis, recorded_case
from pipeline.transforms.ways import Ways


@hypothesis(
    "The backend no longer accepted the gateway's credentials.",
    name="refused credentials",
    prior=0.04,
    do_first=("Check the credentials that the gateway sends, and when they were last changed."),
)
def authentication_failure(ways: Ways) -> Case:
    """Credentials that the backend refused."""
    return recorded_case(
        ways,
        pl.col("backend_status").is_in([401, 403]),
        "were turned away by the backend with 401 or 403",
        figure="T3",
        would_decide="The backend's sign-in logs.",
    )
