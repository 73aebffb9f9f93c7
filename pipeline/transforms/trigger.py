"""What set an incident off: something that changed before it, not with it."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from pipeline.finding import Trigger
from pipeline.transforms.changes import ADMINISTRATIVE, Change, clock
from pipeline.transforms.earlier_weeks import earlier_weeks
from pipeline.transforms.incidents import Run
from pipeline.transforms.latency import Shift, baseline
from pipeline.transforms.scale_in import Taken
from pipeline.transforms.spread import spread_of
from pipeline.window import MINUTE, Window, floor
from pipeline.wording import of

LAST_MINUTES = 1
SURGE_FACTOR = 1.5
SPREADS = 6.0
SLOWER = 1.5
# A change longer ago than this is told, and not taken for what set an incident off.
LONGEST_LEAD = timedelta(minutes=60)
# Two services' clocks: what they stamp closer together than this is not ordered.
CLOCKS = timedelta(seconds=10)

# What a want of units or ports can lead to.
FROM_SCALE_IN = frozenset({"snat_port_exhaustion", "nat_connection_limit", "gateway_saturation"})
FROM_LOST_REUSE = frozenset({"snat_port_exhaustion", "nat_connection_limit"})
# What comes from outside, whatever is changed at the gateway.
NOT_FROM_A_CHANGE = frozenset({"backend_slow", "client_disconnects", "destination_throttling"})
# What a change to the network near a gateway can lead to, if that is on its way out.
FROM_THE_NETWORK = frozenset(
    {
        "backend_unreachable",
        "dns_failure",
        "idle_timeout_reset",
        "nat_connection_limit",
        "snat_port_exhaustion",
    }
)
NETWORK = "microsoft.network/"


@dataclass(frozen=True, slots=True)
class Before:
    """What other sources than gateway logs tell of the time before an incident.

    ``taken`` are units or ports that were taken away, ``lost`` the sentence on reuse that was
    lost, null where none was.
    """

    changes: Sequence[Change] = ()
    taken: Sequence[Taken] = ()
    lost: str | None = None


def trigger(
    mechanism: str,
    destination: str | None,
    calls_by_minute: pl.DataFrame,
    latency: list[Shift],
    run: Run,
    window: Window,
    before: Before | None = None,
) -> tuple[Trigger, str]:
    """The trigger and the sentence that justifies it.

    What was measured goes before what was merely recorded: of a surge, a slower backend or lost
    reuse the numbers are there; that a change led to failures, only the order of time speaks for.
    A change that came with the failures or after them explains nothing.
    """
    known = before or Before()
    measured = _measured(mechanism, destination, calls_by_minute, latency, run, window)
    found, says = measured.trigger, measured.says
    done = [each for each in known.changes if _may_explain(each, mechanism, run)]
    nearest = max(done, key=_nearness, default=None)
    changed = _recorded(nearest.says, nearest.ended, run, len(done) - 1) if nearest else None
    taken = [each for each in known.taken if _leads(each.at, run)]
    if found is Trigger.NONE_FOUND and known.lost and mechanism in FROM_LOST_REUSE:
        found, says = Trigger.LOST_CONNECTION_REUSE, known.lost
    elif found is Trigger.NONE_FOUND and taken and mechanism in FROM_SCALE_IN:
        return Trigger.SCALE_IN, _recorded(taken[-1].says, taken[-1].at, run, len(taken) - 1)
    elif found is Trigger.NONE_FOUND and changed and not measured.unordered:
        return Trigger.CONFIGURATION_CHANGE, changed
    if changed:
        return found, f"{says} Before that, too: {changed}"
    return found, says + (_not_ordered(known.changes, run) if found is Trigger.NONE_FOUND else "")


def _nearness(change: Change) -> tuple[bool, datetime, str]:
    """What sorts changes: the gateway's own last, then those that ended last."""
    return change.near == "resource", change.ended or change.began, change.operation


def _leads(at: datetime | None, run: Run) -> bool:
    return at is not None and run.start - LONGEST_LEAD <= at <= run.start - CLOCKS


def _may_explain(change: Change, mechanism: str, run: Run) -> bool:
    """Whether a change ended well in time before, and is of a kind that can lead to this."""
    if change.category != ADMINISTRATIVE or not change.succeeded or not _leads(change.ended, run):
        return False
    if change.near == "resource":
        return mechanism not in NOT_FROM_A_CHANGE
    of_network = (change.resource_type or "").startswith(NETWORK)
    return change.near == "group" and of_network and mechanism in FROM_THE_NETWORK


def _recorded(says: str, at: datetime | None, run: Run, others: int) -> str:
    """The sentence of a record: what, when, how long before; and that nothing more is known."""
    lead = run.start - (at or run.start)
    ago = f"{lead // MINUTE} min" if lead >= MINUTE else f"{lead.seconds} s"
    more = f" {others:,} more ended in the hour before." if others else ""
    return (
        f"{says}; it was done at {clock(at, run.start)} UTC, {ago} before the first failure. That "
        f"it came before is what the records tell, not that it led to it.{more}"
    )


def _not_ordered(changes: Sequence[Change], run: Run) -> str:
    """Changes at the gateway or its way out that were under way when failures began."""
    near = [
        each
        for each in changes
        if each.near == "resource"
        and each.category == ADMINISTRATIVE
        and each.began <= run.start + CLOCKS
        and (each.ended or each.began) > run.start - CLOCKS
    ]
    if not near:
        return ""
    return (
        f" {near[-1].says} was under way when the first request failed: which came first is not "
        "told."
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    """What the gateway's own logs measured; ``unordered`` moved with the failures, or before."""

    trigger: Trigger
    says: str
    unordered: bool = False


def _measured(
    mechanism: str,
    destination: str | None,
    calls_by_minute: pl.DataFrame,
    latency: list[Shift],
    run: Run,
    window: Window,
) -> _Measured:
    """Only what departed from its usual level in a whole minute before the first failure counts."""
    before = baseline(run, window)
    if destination is None or before is None:
        return _none("The data holds too few minutes before the first failure.")
    shift = next((each for each in latency if each.destination == destination), None)
    slowed = (
        shift is not None
        and shift.change_to is not None
        and shift.change_to + MINUTE <= run.start
        and (shift.change_factor or 0) >= SLOWER
    )
    if slowed and shift and shift.change_to and mechanism != "backend_slow":
        lead = (run.start - shift.change_to) // MINUTE
        says = (
            f"Successful calls to {destination} became {shift.change_factor:.1f} times as slow at "
            f"least {lead} min before the first failure."
        )
        return _Measured(Trigger.SLOW_BACKEND, says)
    calls = calls_by_minute.filter(pl.col("destination") == destination)
    usual = _between(calls, before)
    onset = floor(run.start)
    last = _between(calls, Window(onset - LAST_MINUTES * MINUTE, onset))
    if usual.is_empty() or last.is_empty():
        return _none(f"There were no calls to {destination} before to compare with.")
    level = float(usual.median())  # type: ignore[arg-type]
    spread = spread_of(usual)
    now = float(last.sum())
    told = (
        f"{of(round(now), 'new call')} to {destination} in the last whole minute before the first "
        f"failure, {level:,.0f} a minute usually"
    )
    if _risen(now, level, spread):
        weeks = earlier_weeks(calls, onset - LAST_MINUTES * MINUTE)
        told += f" ({now / max(level, 1):.1f} times)" + _in_weeks(weeks)
        if weeks and now < SURGE_FACTOR * statistics.median(weeks):
            return _none(f"{told}: so many are usual then, and no surge.")
        return _Measured(Trigger.TRAFFIC_SURGE, f"{told}.")
    during = float(_between(calls, Window(onset, onset + MINUTE)).sum())
    if _risen(during, level, spread):
        says = (
            f"{told}, but {during:,.0f} in the minute of the first failure itself: which of the "
            "two came first, minutes do not tell."
        )
        return _Measured(Trigger.NONE_FOUND, says, unordered=True)
    if slowed:
        return _none(f"{told}: no surge; the backend itself slowed first.")
    return _none(f"{told}: no surge; the gateway's logs show nothing else that changed before.")


def _none(says: str) -> _Measured:
    return _Measured(Trigger.NONE_FOUND, says)


def _in_weeks(weeks: list[float]) -> str:
    if not weeks:
        return ""
    usual = f"{statistics.median(weeks):,.0f}"
    return f"; {usual} at this weekday and hour of {of(len(weeks), 'earlier week')}"


def _risen(now: float, level: float, spread: float) -> bool:
    return now >= SURGE_FACTOR * level and now - level > SPREADS * max(spread, level**0.5)


def _between(calls: pl.DataFrame, window: Window) -> pl.Series:
    return calls.filter(pl.col("minute").is_between(window.start, window.stop, closed="left"))[
        "calls"
    ]
