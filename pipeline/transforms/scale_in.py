"""Scale-in: what took units, or the ports of units, away from a gateway before it failed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from pipeline.config import Gateway, Kind
from pipeline.limits import Way, way_out
from pipeline.transforms.changes import Change

# What a gateway of a kind runs on. Which of several in one resource group, no log tells.
RUNS_ON = {
    Kind.APIM: "microsoft.apimanagement/service",
    Kind.APP_SERVICE: "microsoft.web/serverfarms",
    Kind.AKS: "microsoft.compute/virtualmachinescalesets",
    Kind.VM: "microsoft.compute/virtualmachinescalesets",
}

# Autoscale's own log and the activity log tell of the same step, and not at the same moment.
SAME_STEP = timedelta(minutes=5)
# What leaves fewer instances, however many: steps that do not tell their numbers.
TAKE_AWAY = frozenset(
    {
        "microsoft.compute/virtualmachinescalesets/deallocate/action",
        "microsoft.compute/virtualmachinescalesets/delete/action",
        "microsoft.compute/virtualmachinescalesets/virtualmachines/deallocate/action",
        "microsoft.compute/virtualmachinescalesets/virtualmachines/delete",
        "microsoft.insights/autoscalesettings/scaledown/action",
    }
)


@dataclass(frozen=True, slots=True)
class Taken:
    """Units or ports that were taken away at a moment; ``says`` what, in a clause."""

    at: datetime
    says: str


def scale_in(changes: Sequence[Change], stated: Gateway | None, way: Way) -> list[Taken]:
    """What was taken away, in the order of time: by autoscale, and by the settings' history."""
    gateway = stated or Gateway(way.gateway)
    found = [*_by_steps(changes, gateway, way), *_by_history(gateway)]
    told: list[Taken] = []
    for each in sorted(found, key=lambda each: (each.at, each.says)):
        if not any(each.says == one.says and each.at - one.at <= SAME_STEP for one in told):
            told.append(each)
    return told


def _by_steps(changes: Sequence[Change], gateway: Gateway, way: Way) -> Iterator[Taken]:
    """Steps that left fewer units, or so many that each got fewer ports."""
    kind = Kind(str(next(each.value for each in way.values if each.name == "kind")))
    for change in changes:
        ended = change.ended
        if not change.succeeded or ended is None or way.shared:
            continue
        beside = change.near == "group" and change.resource_type == RUNS_ON[kind]
        if change.near != "resource" and not beside:
            continue
        fewer = "" if change.operation in TAKE_AWAY else None
        if change.instances:
            fewer = _fewer(gateway, gateway, *change.instances, ended)
        if fewer is not None:
            doubt = "; whether the gateway runs on it, the log does not tell" if beside else ""
            yield Taken(ended, f"{change.says}{fewer}{doubt}")


def _by_history(gateway: Gateway) -> Iterator[Taken]:
    moments = {each.since.astimezone(UTC).replace(tzinfo=None) for each in gateway.history}
    for moment in sorted(moments):
        before, after = gateway.at(moment - timedelta.resolution), gateway.at(moment)
        fewer = _fewer(before, after, before.units or 1, after.units or 1, moment)
        if fewer is not None:
            yield Taken(
                moment,
                f"By the settings' history the gateway went from {before.units or 1:,} to "
                f"{after.units or 1:,} units{fewer}",
            )


def _fewer(before: Gateway, after: Gateway, old: int, new: int, moment: datetime) -> str | None:
    """What is fewer after a step, in words to add; null where nothing is.

    A pool that grows over the edge of a tier leaves each of its units fewer ports.
    """
    ways = [
        way_out(
            stated.resource_id, msgspec.structs.replace(stated, units=units, history=()), moment
        )
        for stated, units in ((before, old), (after, new))
    ]
    ports = [int(way.ports.value) for way in ways]
    if ports[1] < ports[0]:
        return (
            f", which left {'all' if ways[1].shared else 'each'} {ports[1]:,} ports of {ports[0]:,}"
        )
    return "" if new < old and not ways[1].shared else None
