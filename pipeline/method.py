"""Data and method: what was read, what was assumed, and which settings met no data."""

from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version

import polars as pl

from pipeline.answer import Answer
from pipeline.config import Detection, Settings
from pipeline.finding import Assumption, Coverage, Span
from pipeline.limits import Way, reuse_assumed
from pipeline.transforms.gaps import gaps
from pipeline.window import Window, iso, told

REQUESTS = "requests"
Spans = Mapping[tuple[str, str | None], tuple[datetime, datetime]]


def generator() -> str:
    """What made a document."""
    return f"gateway-rca {version('gateway-rca')}"


def coverage(
    read: Answer, spans: Spans, requests_by_minute: pl.DataFrame, window: Window
) -> list[Coverage]:
    """What each source could have shown in the window, and what became of its lines.

    ``spans`` tell by dataset and resource from when to when there are rows. Gaps are told of
    requests alone: of other events nobody knows whether any should have been there.
    """
    found = []
    for row in read.frame.iter_rows(named=True):
        resource = row.pop("resource_id")
        start, end = spans.get((row["dataset"], resource), (None, None))
        gateway = resource if row["dataset"] == REQUESTS else None
        minutes = requests_by_minute.filter(pl.col("gateway").eq_missing(pl.lit(gateway)))
        found.append(
            Coverage(
                resource_id=resource,
                start=iso(start),
                end=iso(end),
                gaps=[
                    Span(start=told(start), end=iso(end))
                    for start, end in gaps(minutes["minute"], window)
                ]
                if gateway
                else [],
                sampled=bool(minutes["sampled"].sum()),
                **row,
            )
        )
    return found


def assumptions(
    ways: Mapping[str, Way], settings: Settings, learnt: dict[str, str]
) -> list[Assumption]:
    """Every value that a number of the report rests on, and where it came from."""
    found = [
        Assumption(
            name=value.name,
            value=value.value,
            origin=value.origin,
            source=value.source,
            of=gateway,
            basis=value.basis.value,
        )
        for gateway, way in ways.items()
        for value in way.values
    ]
    found += _stated(settings)
    found.append(
        Assumption(
            name="requests at once on one backend connection",
            value=1,
            origin="default",
            source="HTTP/1.1; calls logged as HTTP/2 are left out of the lower bound",
            of=None,
            basis="assumed",
        )
    )
    reuse = reuse_assumed()
    found.append(
        Assumption(
            name=reuse.name,
            value=reuse.value,
            origin=reuse.origin,
            source=reuse.source,
            of=None,
            basis=reuse.basis.value,
        )
    )
    found += [
        Assumption(
            name="address",
            value=", ".join(destination.ips),
            origin="file",
            source=settings.origin or "",
            of=destination.host,
            basis="stated",
        )
        for destination in settings.destination
    ]
    found += [
        Assumption(
            name="address",
            value=ip,
            origin="measured",
            source="the one address that its failed calls name",
            of=host,
            basis="measured",
        )
        for host, ip in sorted(learnt.items())
    ]
    return found


def _stated(settings: Settings) -> list[Assumption]:
    """What counts as an incident, what was promised, and how much of the traffic is logged."""
    usual = Detection()
    rows: list[tuple[str, float | None, float | None]] = [
        (
            "least failures of an incident",
            settings.incident.minimum_failures,
            usual.minimum_failures,
        ),
        (
            "least bad minutes of an incident",
            settings.incident.minimum_minutes,
            usual.minimum_minutes,
        ),
        ("objective: availability", settings.slo.availability, None),
        ("objective: days", settings.slo.window_days, None),
        *(
            (f"share of requests logged at {gateway.resource_id.rpartition('/')[2]}", share, None)
            for gateway in settings.gateway
            if (share := gateway.sampling) not in (None, 1)
        ),
    ]
    return [
        Assumption(
            name=name,
            value=value,
            origin="default" if value == default else "file",
            source="" if value == default else settings.origin or "",
            of=None,
            basis="assumed" if value == default else "stated",
        )
        for name, value, default in rows
        if value is not None
    ]


def idle(settings: Settings, gateways: list[str], destinations: list[str]) -> list[str]:
    """Settings that no data answers to: a slip of the pen looks like this."""
    named = {destination.rpartition(":")[0] for destination in destinations}
    idle = [
        f"{settings.origin}: [[gateway]] {stated.resource_id} is in no log; there is "
        + ", ".join(gateways)
        for stated in settings.gateway
        if stated.resource_id.lower() not in gateways
    ]
    return idle + [
        f"{settings.origin}: [[destination]] {stated.host} was not called in the window"
        for stated in settings.destination
        if not named & {stated.host.lower(), *stated.ips}
    ]
