"""Spread: how far values usually are from their median."""

import polars as pl

from pipeline.transforms.departures import MAD_TO_SIGMA


def spread_of(usual: pl.Series) -> float:
    """The usual spread, as a standard deviation that a few odd minutes do not move.

    The median deviation is zero where traffic jumps between two levels; the quartiles see both.
    """
    deviation = float((usual - usual.median()).abs().median())  # type: ignore[arg-type]
    quartiles = float((usual.quantile(0.75) or 0) - (usual.quantile(0.25) or 0))
    return MAD_TO_SIGMA * max(deviation, quartiles / 2)
