"""Names that did not resolve."""

import polars as pl

from pipeline.hypothesis import Case, hypothesis, recorded_case
from pipeline.transforms.ways import Ways


@hypothesis(
    "The backend's name could not be resolved.",
    name="names that did not resolve",
    prior=0.03,
    do_first="Check the gateway's DNS servers and the record of the host.",
)
def dns_failure(ways: Ways) -> Case:
    """Names that did not resolve."""
    return recorded_case(
        ways,
        pl.col("fault") == "dns",
        "say that a name could not be resolved",
        figure="T3",
        would_decide="DNS logs of the gateway's network.",
    )
