"""Witnesses: what other sources than gateway logs say of one incident, as findings."""

from collections.abc import Iterator

from pipeline.incident_finding import Event, GatewayLoad, Instance, NearbyChange
from pipeline.transforms.changes import PLACES, Change
from pipeline.transforms.dips import Dip
from pipeline.transforms.incidents import Run
from pipeline.transforms.instances import Part
from pipeline.transforms.load import Load
from pipeline.window import iso, told

MOST_CHANGES = 12


def events(run: Run, changes: list[Change], dips: list[Dip]) -> Iterator[Event]:
    """For the timeline: changes of the gateway, its way out and their groups, and dips about it."""
    near = [each for each in _nearest(run, changes) if each.near != PLACES[-1]]
    for each in near[:MOST_CHANGES]:
        yield Event(time=told(each.began), says=each.told(run.start), figure="T12")
    for dip in dips[:MOST_CHANGES]:
        yield Event(time=told(dip.start), says=f"{dip.says}.")


def nearby(run: Run, changes: list[Change]) -> list[NearbyChange]:
    """Changes near the gateway, the nearest first."""
    return [
        NearbyChange(
            near=each.near,  # type: ignore[arg-type]
            resource_id=each.resource_id,
            category=each.category,
            operation=each.operation,
            began=told(each.began),
            ended=iso(each.ended),
            status=each.status,
            by=each.by,
            old=each.old,
            new=each.new,
            cause=each.cause,
            says=each.told(run.start),
        )
        for each in _nearest(run, changes)[: 4 * MOST_CHANGES]
    ]


def _nearest(run: Run, changes: list[Change]) -> list[Change]:
    """In the order of place, then of how long before or after the first failure."""
    return sorted(
        changes,
        key=lambda each: (PLACES.index(each.near), abs(run.start - each.began), each.operation),
    )


def gateway_load(found: list[Load]) -> list[GatewayLoad]:
    """How busy the gateway was, by measure."""
    return [
        GatewayLoad(
            resource_id=each.resource_id,
            measure=each.measure,
            own=each.own,
            before=each.before,
            during=each.during,
            highest=each.highest,
            told=each.told,
        )
        for each in found
    ]


def instances(found: list[Part]) -> list[Instance]:
    """Each instance's part, most failures first."""
    return [
        Instance(
            id=each.id,
            requests=round(each.requests),
            failures=round(each.failures),
            share_of_requests=each.share_of_requests,
            share_of_failures=each.share_of_failures,
        )
        for each in found
    ]
