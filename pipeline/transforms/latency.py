"""How BackendTime of successful calls moved: before an incident against during it, and when.

Failing calls are left out: the wait to connect is inside their BackendTime.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from pipeline.transforms.change_point import step
from pipeline.transforms.incidents import Run
from pipeline.window import MINUTE, Window, floor

LONGEST_BASELINE = timedelta(hours=1)
# Failures begin when a shift has done its work: minutes just before are not usual ones.
LEAD_OUT = timedelta(minutes=5)
LEAST_BASELINE_MINUTES = 5
LEAST_CALLS = 20


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Medians over minutes of the minutes' percentiles, ms."""

    calls: int
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Shift:
    """BackendTime of successes at one destination.

    ``change_at`` lies between ``change_from`` and ``change_to`` (95 %, whole minutes);
    ``change_factor`` is new over old level of the 95th percentile. All are
    null where no step stands out.
    """

    destination: str
    baseline: Window | None
    before: Quantiles
    during: Quantiles
    change_at: datetime | None
    change_from: datetime | None
    change_to: datetime | None
    change_factor: float | None

    @property
    def factor(self) -> float | None:
        """95th percentile during over before; null where either is not known."""
        if not self.before.p95 or self.during.p95 is None:
            return None
        return self.during.p95 / self.before.p95


def baseline(run: Run, window: Window) -> Window | None:
    """The usual time before a run: up to an hour that ends five minutes before it, or null."""
    stop = floor(run.start) - LEAD_OUT
    start = max(floor(window.start), stop - LONGEST_BASELINE)
    if stop - start < LEAST_BASELINE_MINUTES * MINUTE:
        return None
    return Window(start, stop)


def shifts(backend_time_by_minute: pl.DataFrame, run: Run, window: Window) -> list[Shift]:
    """How each destination's successes moved, the largest rise first."""
    before = baseline(run, window)
    successes = backend_time_by_minute.filter(pl.col("succeeded"))
    found = [
        _shift(str(destination), frame, run, before)
        for (destination,), frame in successes.group_by(["destination"], maintain_order=True)
    ]
    return sorted(found, key=lambda each: (-(each.factor or 0), each.destination))


def _shift(destination: str, frame: pl.DataFrame, run: Run, before: Window | None) -> Shift:
    at, low, high, factor = _change(frame, run, before)
    return Shift(
        destination=destination,
        baseline=before,
        before=_quantiles(frame, before),
        during=_quantiles(frame, Window(floor(run.start), run.last)),
        change_at=at,
        change_from=low,
        change_to=high,
        change_factor=factor,
    )


def _quantiles(frame: pl.DataFrame, window: Window | None) -> Quantiles:
    if window is None:
        return Quantiles(0, None, None, None)
    within = frame.filter(pl.col("minute").is_between(window.start, window.stop, closed="left"))
    calls = int(within["calls"].sum())
    if calls < LEAST_CALLS:
        return Quantiles(calls, None, None, None)
    medians = within.select(pl.median("p50_ms", "p95_ms", "p99_ms")).row(0)
    return Quantiles(calls, *medians)


def _change(
    frame: pl.DataFrame, run: Run, before: Window | None
) -> tuple[datetime | None, datetime | None, datetime | None, float | None]:
    """The step in the minutes' 95th percentile, from the baseline to the middle of the run."""
    if before is None:
        return None, None, None, None
    middle = run.start + (run.last - run.start) / 2
    seen = frame.filter(
        pl.col("minute").is_between(before.start, middle) & (pl.col("p95_ms") > 0)
    ).sort("minute")
    found = step(np.log(seen["p95_ms"].to_numpy().astype(np.float64)))
    if found is None or not found.significant:
        return None, None, None, None
    minutes = [*seen["minute"].to_list(), floor(middle) + MINUTE]
    return (
        minutes[found.at],
        minutes[found.low],
        minutes[min(found.high, len(minutes) - 1)],
        float(np.exp(found.rise)),
    )
