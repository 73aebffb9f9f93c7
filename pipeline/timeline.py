"""The timeline of one incident: what happened when, there and elsewhere meanwhile."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from pipeline import witnesses
from pipeline.exhibit import numbered
from pipeline.finding import Trigger
from pipeline.incident_finding import Event
from pipeline.seen import Seen
from pipeline.transforms import latency
from pipeline.transforms.departures import HIGHEST_USUAL_RATE
from pipeline.transforms.trigger import LAST_MINUTES
from pipeline.window import MINUTE, floor, told
from pipeline.wording import factor, share

# A step smaller than this is no event, however surely it is one.
MATERIAL = 1.25


def timeline(
    seen: Seen, facts: Mapping[str, Any], why: tuple[Trigger, str], worst: str | None
) -> list[Event]:
    """What happened when, in the order of time."""
    run = seen.run
    number = seen.number
    events = [
        Event(time=told(run.start), says="The first failed request started.", figure="F1a"),
        Event(
            time=told(run.worst_minute),
            says=f"The worst minute: {share(run.worst_rate)} of the gateway's requests failed.",
            figure="F1a",
        ),
    ]
    if why[0] is Trigger.TRAFFIC_SURGE:
        before = floor(run.start) - LAST_MINUTES * MINUTE
        events.append(Event(time=told(before), says=why[1], figure="F1b"))
    for shift in facts["latency"]:
        moved = abs(math.log(shift.change_factor or 1)) >= math.log(MATERIAL)
        if shift.destination == worst and shift.change_from and moved:
            events.append(
                Event(
                    time=told(shift.change_from),
                    says=f"BackendTime of successful calls to {worst} (p95) became "
                    f"{factor(shift.change_factor)} as long, {_within(shift)}.",
                    figure="F3",
                )
            )
    for bound in facts["ports"]:
        if bound.destination == worst and bound.peak_at:
            events.append(
                Event(
                    time=told(bound.peak_at),
                    says=f"Most ports may have been held to {worst}: up to {bound.upper_peak:,}.",
                    figure="T10",
                )
            )
    events += witnesses.events(run, facts["changes"], facts["dips"])
    events += _elsewhere(seen)
    if run.end:
        events.append(
            Event(time=told(run.end), says="The last failed request ended.", figure="F1a")
        )
    else:
        events.append(
            Event(time=told(run.last), says="The data ends; failures were still going on.")
        )
    return [
        Event(time=each.time, says=each.says, figure=each.figure and numbered(each.figure, number))
        for each in sorted(events, key=lambda each: each.time)
    ]


def _elsewhere(seen: Seen) -> Iterator[Event]:
    """Other places at which requests failed meanwhile: maybe the same, for each logs its own."""
    run = seen.run
    meanwhile = seen.answers["requests_by_minute"].frame.filter(
        (pl.col("gateway") != run.gateway) & pl.col("minute").is_between(floor(run.start), run.last)
    )
    bad = pl.sum_horizontal("failed", "rejected", "aborted")
    places = (
        meanwhile.group_by("gateway")
        .agg(
            pl.col("requests").sum(),
            bad.sum().alias("bad"),
            pl.min_horizontal("first_failure", "first_abort").min().alias("first"),
        )
        .filter(
            (pl.col("bad") >= run.minimum_failures)
            & (pl.col("bad") > HIGHEST_USUAL_RATE * pl.col("requests"))
        )
        .sort("first", "gateway")
    )
    for each in places.iter_rows(named=True):
        yield Event(
            time=told(each["first"]),
            says=f"Requests that {each['gateway'].rpartition('/')[2]} logged began to end badly "
            f"too: {each['bad']:,.0f} of {each['requests']:,.0f} meanwhile. They may be the same "
            "requests seen from another place; here they are not counted.",
        )


def _within(shift: latency.Shift) -> str:
    """The minutes in which a level changed, in words."""
    if shift.change_from == shift.change_to:
        return f"in the minute from {shift.change_from:%H:%M}"
    return f"between {shift.change_from:%H:%M} and {shift.change_to:%H:%M}"
