"""TLS or certificates that did not fit."""

import polars as pl

from pipeline.hypothesis import Case, hypothesis, recorded_case
from pipeline.transforms.ways import Ways


@hypothesis(
    "The connection came up, but TLS could not be agreed.",
    name="a TLS failure",
    prior=0.03,
    do_first="Check the backend's certificate chain, its dates and its TLS versions.",
)
def tls_failure(ways: Ways) -> Case:
    """TLS or certificates that did not fit."""
    return recorded_case(
        ways,
        pl.col("fault") == "tls",
        "tell of SSL, TLS or a certificate",
        figure="T3",
        would_decide="A TLS handshake to the destination from the gateway's network.",
    )
