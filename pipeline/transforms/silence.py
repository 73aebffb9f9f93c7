"""Silence: calls that were the first to their destination for longer than the idle timer waits."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import polars as pl

from pipeline.transforms.incidents import Run
from pipeline.window import MINUTE, floor


@dataclass(frozen=True, slots=True)
class AfterSilence:
    """Calls during a run: how many surely came after such a silence, and how many failed.

    At most one call of a minute can be the first. ``failed`` are all failures, ``first_failed``
    those that may have been of first calls.
    """

    first: int
    first_failed: int
    failed: float


def after_silence(
    calls_by_minute: pl.DataFrame, destinations: AbstractSet[str], run: Run, idle_s: float
) -> AfterSilence:
    """The calls of a run to destinations at which some failed; minutes without calls are silent."""
    silent = pl.duration(seconds=int(idle_s)) + MINUTE
    bad = pl.sum_horizontal("failed", "rejected")
    during = (
        calls_by_minute.filter(pl.col("destination").is_in(list(destinations)))
        .sort("destination", "minute")
        .with_columns(gap=pl.col("minute").diff().over("destination"), bad=bad)
        .filter(pl.col("minute").is_between(floor(run.start), run.last))
    )
    first = during.filter(pl.col("gap") >= silent)
    return AfterSilence(
        first.height, first.filter(pl.col("bad") > 0).height, float(during["bad"].sum())
    )
