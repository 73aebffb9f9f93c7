"""Connections cut by an idle timer."""

import polars as pl

from pipeline.hypothesis import Case, hypothesis, recorded_case
from pipeline.transforms.ways import Ways


@hypothesis(
    "Connections that had been silent for about four minutes were cut.",
    name="an idle timer that cut connections",
    prior=0.04,
    do_first="Send keep-alives, or close pooled connections before the idle timer does.",
)
def idle_timeout_reset(ways: Ways) -> Case:
    """Connections cut by an idle timer."""
    return recorded_case(
        ways,
        pl.col("fault") == "idle_closed",
        "say that an established connection was closed under them",
        figure="T3",
        would_decide=("VNet flow logs, or a capture, that show which side closed the connection."),
    )
