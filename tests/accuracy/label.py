"""The truth of a simulated export, as far as a diagnosis is held against it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.simulation.exchange import Cause
from tests.simulation.ports import FIN_HOLD_S, Lease
from tests.simulation.run import Run
from tests.simulation.scenario import START
from tests.simulation.truth import destinations_hit

# Of these no destination is to blame, whichever is hit.
OF_THE_GATEWAY = ("gateway_policy_error", "gateway_saturation", "single_instance_fault")


@dataclass(frozen=True, slots=True)
class Held:
    """The most ports held at once: on the unit that held most, and on all together."""

    unit: int
    total: int


@dataclass(frozen=True, slots=True)
class Label:
    """What really happened; ``mechanism`` is null on a day without an incident.

    ``hosts`` and ``address`` (ip:port) are the destination that was hit, null where none is to
    blame. ``ran_out`` says that a request failed because no
    port was left.
    """

    mechanism: str | None
    trigger: str | None
    start: datetime | None
    end: datetime | None
    hosts: tuple[str, ...]
    address: str | None
    ran_out: bool
    held: Held | None


def label(run: Run) -> Label:
    """The truth of a run."""
    scenario = run.scenario
    ran_out = any(each.cause is Cause.SNAT for each in run.outcomes)
    failures = [outcome for outcome in run.outcomes if outcome.cause in scenario.causes]
    if scenario.mechanism is None or not failures:
        return Label(None, None, None, None, (), None, ran_out, None)
    start = min(each.started for each in failures)
    end = max(each.ended for each in failures)
    hit = destinations_hit(failures)
    blamed = hit[0] if hit and scenario.mechanism not in OF_THE_GATEWAY else None
    address = f"{blamed['ip']}:{blamed['port']}" if blamed else None
    return Label(
        mechanism=scenario.mechanism,
        trigger=scenario.trigger,
        start=START + timedelta(seconds=start),
        end=START + timedelta(seconds=end),
        hosts=tuple(
            each.host for each in scenario.world.destinations if str(each.endpoint) == address
        ),
        address=address,
        ran_out=ran_out,
        held=held(run.leases, address, start - FIN_HOLD_S, end) if address else None,
    )


def held(leases: Iterable[Lease], address: str, start: float, end: float) -> Held | None:
    """The most ports held to an ip:port at any moment of a span, null where it takes none."""
    own = [lease for lease in leases if str(lease.endpoint) == address]
    if not own:
        return None
    units = sorted({lease.unit for lease in own})
    of_units = [_most([each for each in own if each.unit == unit], start, end) for unit in units]
    return Held(max(of_units), _most(own, start, end))


def _most(leases: Iterable[Lease], start: float, end: float) -> int:
    """A port that comes free makes room before the next is taken."""
    changes = sorted(change for lease in leases for change in ((lease.taken, 1), (lease.freed, -1)))
    level = most = 0
    for time, step in changes:
        if time > end:
            break
        if time > start:
            most = max(most, level)
        level += step
        if time >= start:
            most = max(most, level)
    return max(most, level)
