"""What made an incident worse once it went on: callers who asked again, a backend that slowed."""

import polars as pl

from pipeline.finding import Trigger
from pipeline.transforms.incidents import Run
from pipeline.transforms.latency import Shift, baseline
from pipeline.transforms.slowness import Slowness
from pipeline.window import MINUTE, Window, floor
from pipeline.wording import factor, share

# Repeats are a storm from this share of the calls on, if they are so many.
STORM_SHARE = 0.1
STORM_CALLS = 30
# And if their share is this many times what it usually is.
STORM_FACTOR = 3.0
SLOWER = 1.5
# To open a connection takes some round trips, TLS included.
CONNECT_MS = 500.0


def amplifiers(
    mechanism: str,
    trigger: Trigger,
    destination: str | None,
    demand_by_minute: pl.DataFrame,
    latency: list[Shift],
    slower: Slowness | None,
    run: Run,
    window: Window,
) -> dict[str, str]:
    """The amplifiers of an incident, each with the sentence that justifies it.

    What set the incident off, or is the mechanism itself, is none. ``slower`` is how much
    longer the destination's answers took, whatever the mix of operations.
    """
    if destination is None:
        return {}
    found = {}
    calls = demand_by_minute.filter(pl.col("destination") == destination)
    if trigger is not Trigger.RETRY_STORM and (says := _storm(calls, run, window)):
        found["retry_storm"] = f"{says} to {destination}."
    shift = next((each for each in latency if each.destination == destination), None)
    own = mechanism == "backend_slow" or trigger is Trigger.SLOW_BACKEND
    if shift and not own and (says := _slowed(shift, slower, run)):
        found["slow_backend"] = says
    return found


def _storm(calls: pl.DataFrame, run: Run, window: Window) -> str | None:
    begun, repeats = _between(calls, Window(floor(run.start), floor(run.last) + MINUTE))
    usual = baseline(run, window)
    before, repeats_before = _between(calls, usual) if usual else (0.0, 0.0)
    part = repeats / begun if begun else 0.0
    part_before = repeats_before / before if before else 0.0
    if part < max(STORM_SHARE, STORM_FACTOR * part_before) or repeats < STORM_CALLS:
        return None
    return (
        f"At least {repeats:,.0f} of {begun:,.0f} calls ({share(part)}; {share(part_before)} "
        "before) asked again, within a minute, for what had just ended badly: retries"
    )


def _slowed(shift: Shift, slower: Slowness | None, run: Run) -> str | None:
    """Of a backend that slowed after the onset.

    By the median of each operation, for a few answers take longer because they wait to connect,
    which is inside their BackendTime; and by more than it takes to open a connection, for half of
    them may have had to.
    """
    if slower is None or slower.factor < SLOWER or slower.rise_ms < CONNECT_MS:
        return None
    if shift.change_from is None or shift.change_from < floor(run.start):
        return None
    return (
        f"Answers of {shift.destination} took {factor(slower.factor)} as long once failures went "
        f"on as before ({slower.rise_ms:,.0f} ms more), by the median of each operation."
    )


def _between(calls: pl.DataFrame, window: Window) -> tuple[float, float]:
    within = calls.filter(pl.col("minute").is_between(window.start, window.stop, closed="left"))
    return float(within["calls"].sum()), float(within["repeats"].sum())
