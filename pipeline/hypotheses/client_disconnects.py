"""Callers that hung up first."""

import polars as pl

from pipeline.hypothesis import Case, hypothesis, recorded_case
from pipeline.transforms.ways import Ways


@hypothesis(
    "Callers gave up before the answer came.",
    name="callers that hung up",
    prior=0.05,
    do_first="Look for what made the answers slow: callers who leave are a symptom.",
)
def client_disconnects(ways: Ways) -> Case:
    """Callers that hung up first."""
    return recorded_case(
        ways,
        pl.col("outcome") == "aborted",
        "were given up by their caller",
        figure="T3",
        would_decide="The callers' own time-outs and logs.",
    )
