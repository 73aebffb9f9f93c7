"""What set an incident off: something that changed before it, not with it."""

from datetime import timedelta

import polars as pl

from pipeline.finding import Trigger
from pipeline.transforms.incidents import MAD_TO_SIGMA, Run
from pipeline.transforms.latency import Shift, baseline
from pipeline.window import MINUTE, Window, floor

LAST_MINUTES = 3
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
    if (
        mechanism != "backend_slow"
        and shift
        and shift.change_to
        and shift.change_to + MINUTE <= run.start
        and (shift.change_factor or 0) >= SLOWER
    ):
        return Trigger.SLOW_BACKEND, (
            f"Successful calls to {destination} became {shift.change_factor:.1f} times as slow at "
            f"least {(run.start - shift.change_to) / MINUTE:.0f} min before the first failure."
        )
    calls = calls_by_minute.filter(pl.col("destination") == destination)
    usual = _between(calls, before)
    onset = floor(run.start)
    last = _between(calls, Window(onset - timedelta(minutes=LAST_MINUTES), onset))
    if usual.is_empty() or last.is_empty():
        return Trigger.NONE_FOUND, f"There were no calls to {destination} before to compare with."
    level = float(usual.median())  # type: ignore[arg-type]
    spread = MAD_TO_SIGMA * float((usual - level).abs().median())  # type: ignore[arg-type]
    now = float(last.median())  # type: ignore[arg-type]
    told = (
        f"{now:,.0f} new calls a minute to {destination} in the {LAST_MINUTES} minutes before the "
        f"first failure, {level:,.0f} usually"
    )
    if now >= SURGE_FACTOR * level and now - level > SPREADS * max(spread, level**0.5):
        return Trigger.TRAFFIC_SURGE, f"{told} ({now / max(level, 1):.1f} times)."
    return Trigger.NONE_FOUND, f"{told}: no surge; nothing else was seen to change before."


def _between(calls: pl.DataFrame, window: Window) -> pl.Series:
    return calls.filter(pl.col("minute").is_between(window.start, window.stop, closed="left"))[
        "calls"
    ]
