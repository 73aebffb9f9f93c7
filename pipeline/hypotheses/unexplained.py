"""None of the mechanisms in the catalogue."""

import polars as pl

from pipeline.finding import Verdict
from pipeline.hypothesis import Case, hypothesis, share_speaks
from pipeline.transforms.ways import Ways
from pipeline.wording import share


@hypothesis(
    "Something that is not in this catalogue.",
    name="nothing in this catalogue",
    prior=0.05,
    do_first="Collect one of the sources that this report could not see.",
)
def unexplained(ways: Ways) -> Case:
    """Failures of which the logs say nothing: no reason, no text, no backend status."""
    silent = ways.failures - ways.told
    other = ways.count(pl.col("fault") == "other", ~ways.in_gateway)
    says = (
        f"{silent:,.0f} of {ways.failures:,.0f} failures ({share(ways.share(silent))}) carry "
        f"neither a reason nor a backend status; {other:,.0f} carry a text that fits no known "
        "cause."
    )
    return Case(
        Verdict.UNDECIDED,
        [share_speaks(ways.share(silent + other), says, "T3")],
        "Any of the sources that this report could not see.",
    )
