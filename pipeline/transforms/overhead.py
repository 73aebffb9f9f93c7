"""The gateway's own time: before an incident against during it."""

from dataclasses import dataclass

import polars as pl

from pipeline.transforms.incidents import Run
from pipeline.transforms.latency import baseline
from pipeline.window import Window, floor


@dataclass(frozen=True, slots=True)
class Overhead:
    """Median over minutes of the 95th percentile, ms; null where there were no such minutes."""

    before_ms: float | None
    during_ms: float | None
    negative_share: float


def overhead(overhead_by_minute: pl.DataFrame, run: Run, window: Window) -> Overhead:
    """Total less backend, client and cache time of successful requests.

    Its parts are measured apart and can overlap, so it can be negative; how often says how far to
    trust it.
    """
    requests = int(overhead_by_minute["requests"].sum())
    return Overhead(
        before_ms=_p95(overhead_by_minute, baseline(run, window)),
        during_ms=_p95(overhead_by_minute, Window(floor(run.start), run.last)),
        negative_share=int(overhead_by_minute["negative"].sum()) / requests if requests else 0.0,
    )


def _p95(frame: pl.DataFrame, window: Window | None) -> float | None:
    if window is None:
        return None
    within = frame.filter(pl.col("minute").is_between(window.start, window.stop, closed="left"))
    return within.select(pl.median("p95_ms")).item() if within.height else None
