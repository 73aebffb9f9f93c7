"""Slowness: how much longer answers took, whatever the mix of operations was."""

import math
from dataclasses import dataclass

import polars as pl

from pipeline.transforms.latency import LEAST_CALLS


@dataclass(frozen=True, slots=True)
class Slowness:
    """How many times as long, and how many ms longer, the median answer of an operation took."""

    factor: float
    rise_ms: float


def slowness(answers_by_operation: pl.DataFrame, destination: str | None) -> Slowness | None:
    """How much longer answers of a destination took than before.

    Means over operations, weighted by their calls during the incident (of the factor, that of its
    logarithm): more calls to a slow operation do not move them. Null where no operation has answers
    enough of both times.
    """
    if destination is None:
        return None
    told = answers_by_operation.filter(
        pl.col("destination") == destination, pl.col("calls") >= LEAST_CALLS, pl.col("p50_ms") > 0
    )
    of_each = ["api", "operation"]
    before, during = (told.filter(pl.col("during") == each) for each in (False, True))
    both = during.join(before, on=of_each, suffix="_before", nulls_equal=True)
    if both.is_empty():
        return None
    calls = pl.col("calls") / pl.col("calls").sum()
    moved, rise_ms = both.select(
        factor=(calls * (pl.col("p50_ms") / pl.col("p50_ms_before")).log()).sum(),
        rise_ms=(calls * (pl.col("p50_ms") - pl.col("p50_ms_before"))).sum(),
    ).row(0)
    return Slowness(math.exp(moved), rise_ms)
