"""What set an incident off: something that changed before it, not with it."""

import polars as pl

from pipeline.finding import Trigger
from pipeline.transforms.departures import MAD_TO_SIGMA
from pipeline.transforms.incidents import Run
from pipeline.transforms.latency import Shift, baseline
from pipeline.window import MINUTE, Window, floor

LAST_MINUTES = 1
SURGE_FACTOR = 1.5
SPREADS = 6.0
SLOWER = 1.5


def trigger(
    mechanism: str,
    destination: str | None,
    calls_by_minute: pl.DataFrame,
    latency: list[Shift],
    run: Run,
    window: Window,
) -> tuple[Trigger, str]:
    """The trigger and the sentence that justifies it.

    Only what departed from its usual level in a whole minute before the first failure can be one.
    """
    before = baseline(run, window)
    if destination is None or before is None:
        return Trigger.NONE_FOUND, "The data holds too few minutes before the first failure."
    shift = next((each for each in latency if each.destination == destination), None)
    slowed = (
        shift is not None
        and shift.change_to is not None
        and shift.change_to + MINUTE <= run.start
        and (shift.change_factor or 0) >= SLOWER
    )
    if slowed and shift and shift.change_to and mechanism != "backend_slow":
        return Trigger.SLOW_BACKEND, (
            f"Successful calls to {destination} became {shift.change_factor:.1f} times as slow at "
            f"least {(run.start - shift.change_to) // MINUTE} min before the first failure."
        )
    calls = calls_by_minute.filter(pl.col("destination") == destination)
    usual = _between(calls, before)
    onset = floor(run.start)
    last = _between(calls, Window(onset - LAST_MINUTES * MINUTE, onset))
    if usual.is_empty() or last.is_empty():
        return Trigger.NONE_FOUND, f"There were no calls to {destination} before to compare with."
    level = float(usual.median())  # type: ignore[arg-type]
    spread = _spread(usual)
    now = float(last.sum())
    told = (
        f"{now:,.0f} new calls to {destination} in the last whole minute before the first failure, "
        f"{level:,.0f} a minute usually"
    )
    if _risen(now, level, spread):
        return Trigger.TRAFFIC_SURGE, f"{told} ({now / max(level, 1):.1f} times)."
    during = float(_between(calls, Window(onset, onset + MINUTE)).sum())
    if _risen(during, level, spread):
        return Trigger.NONE_FOUND, (
            f"{told}, but {during:,.0f} in the minute of the first failure itself: which of the "
            "two came first, minutes do not tell."
        )
    if slowed:
        return Trigger.NONE_FOUND, f"{told}: no surge; the backend itself slowed first."
    return Trigger.NONE_FOUND, f"{told}: no surge; nothing else was seen to change before."


def _risen(now: float, level: float, spread: float) -> bool:
    return now >= SURGE_FACTOR * level and now - level > SPREADS * max(spread, level**0.5)


def _spread(usual: pl.Series) -> float:
    """The usual spread, as a standard deviation that a few odd minutes do not move.

    The median deviation is zero where traffic jumps between two levels; the quartiles see both.
    """
    deviation = float((usual - usual.median()).abs().median())  # type: ignore[arg-type]
    quartiles = float((usual.quantile(0.75) or 0) - (usual.quantile(0.25) or 0))
    return MAD_TO_SIGMA * max(deviation, quartiles / 2)


def _between(calls: pl.DataFrame, window: Window) -> pl.Series:
    return calls.filter(pl.col("minute").is_between(window.start, window.stop, closed="left"))[
        "calls"
    ]
