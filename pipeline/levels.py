"""Levels: how full each resource was, minute by minute in review, day by day before that."""

from collections.abc import Iterator, Mapping

import polars as pl

from pipeline.ask import ask
from pipeline.call_counts import COUNTS
from pipeline.config import Settings
from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.lake import Lake
from pipeline.level import Level, Resource
from pipeline.limits import NAT_IN_ALL, Way
from pipeline.port_weeks import port_weeks, weeks
from pipeline.transforms import counters
from pipeline.transforms.instance_ports import Spread, by_instance
from pipeline.window import Window


def levels(
    engine: Engine,
    lake: Lake,
    ways: Mapping[str, Way],
    reuse: Mapping[str, float],
    settings: Settings,
    history: Window,
    review: Window,
    hours: pl.DataFrame,
) -> list[Level]:
    """The levels of all resources over a history of whole days, the review among them.

    ``reuse`` is the share of calls of each gateway that open no connection; ``hours`` are those of
    each gateway with requests.
    """
    found: dict[tuple[str, str, str, str], Level] = {}
    addresses = {each.host.lower(): len(each.ips) for each in settings.destination if each.ips}
    owners = {
        each.egress_resource_id.lower(): each.resource_id.lower()
        for each in settings.gateway
        if each.egress_resource_id
    }
    counts = lake.files(COUNTS)
    for way in ways.values():
        spoken = hours.filter(pl.col("gateway") == way.gateway)["hour"].implode()
        for week, told in port_weeks(engine, counts, way, history):
            for spread in by_instance(told, week, way, reuse[way.gateway], addresses):
                resource = _ports(spread, way)
                level = found.setdefault(resource.key, Level(resource))
                level.sharing = max(level.sharing, spread.fullest.sharing)
                level.add(spread.fullest.minutes, review)
                for band in spread.instances:
                    level.add_instance(str(band.instance), band.minutes, review, spoken)
    engine.attach(COUNTS, datasets()[COUNTS], counts)
    for week in weeks(history):
        for resource, minutes in _measured(engine, owners, week):
            found.setdefault(resource.key, Level(resource)).add(minutes, review)
    return [found[key] for key in sorted(found)]


def _ports(spread: Spread, way: Way) -> Resource:
    """Ports to a destination, as the counts of calls bound them."""
    return Resource(
        kind="ports",
        gateway=way.gateway,
        destination=spread.fullest.destination,
        instance=None,
        limit=spread.fullest.limit,
        limit_from=way.ports.source,
        limit_is_fact=way.documented,
        unit="ports",
        basis=spread.fullest.basis,
        scope="total" if way.shared else "instance" if spread.instances else "unit",
    )


def _measured(
    engine: Engine, owners: Mapping[str, str], window: Window
) -> Iterator[tuple[Resource, pl.DataFrame]]:
    """What counters and metrics of a day say, each against its own limit."""
    bound = {"start": window.start, "stop": window.stop}
    told = ask(engine, ["port_counters_by_minute", "gateway_capacity_by_minute"], bound)
    counted = told["port_counters_by_minute"].frame
    for resource_id, instance, frame in _parts(counters.measured(counted), "instance"):
        both = frame.drop_nulls(["used", "allocated"]).filter(pl.col("allocated") > 0)
        if both.height:
            limit = float(both["allocated"].min())  # type: ignore[arg-type]
            own = _own("measured_ports", owners, resource_id, instance, limit)
            yield own, _exact(both.select("minute", value="used"))
    for counter, kind, limit in (
        ("total_connections", "nat_connections", float(NAT_IN_ALL.value)),
        ("port_utilisation", "firewall_ports", 1.0),
    ):
        of_one = counted.filter(pl.col("counter") == counter)
        for resource_id, instance, frame in _parts(of_one, "instance"):
            own = _own(kind, owners, resource_id, instance, limit)
            yield own, _exact(frame.select("minute", "value"))
    load = told["gateway_capacity_by_minute"].frame
    for resource_id, measure, frame in _parts(load, "measure"):
        own = _own("gateway_load", owners, resource_id, measure, 1.0)
        yield own, _exact(frame.select("minute", "value"))


def _parts(frame: pl.DataFrame, by: str) -> Iterator[tuple[str, str | None, pl.DataFrame]]:
    for (resource, part), rows in frame.group_by(["resource_id", by], maintain_order=True):
        yield str(resource), part if isinstance(part, str) else None, rows


def _exact(frame: pl.DataFrame) -> pl.DataFrame:
    """What was measured is its own bound; of several values of a minute the greatest."""
    by_minute = frame.group_by("minute", maintain_order=True).agg(pl.col("value").max())
    return by_minute.select(
        "minute",
        **dict.fromkeys(("lower", "estimate", "upper", "wanted", "in_all"), pl.col("value")),
    ).sort("minute")


LIMITS = {
    "measured_ports": ("ports allocated, as measured beside them", "ports"),
    "nat_connections": (NAT_IN_ALL.source, "connections"),
    "firewall_ports": ("the metric is a share of all its ports", "share"),
    "gateway_load": ("the metric is a share of the gateway's capacity", "share"),
}


def _own(
    kind: str, owners: Mapping[str, str], resource_id: str, instance: str | None, limit: float
) -> Resource:
    """A measured resource; of the gateway whose way out it is, where the settings say so."""
    limit_from, unit = LIMITS[kind]
    owner = owners.get(resource_id, resource_id)
    named = None if owner == resource_id else resource_id.rpartition("/")[2]
    parts = [each for each in (named, instance) if each]
    return Resource(
        kind=kind,
        gateway=owner,
        destination=None,
        instance=" ".join(parts) or None,
        limit=limit,
        limit_from=limit_from,
        limit_is_fact=True,
        unit=unit,
        basis="metrics",
        scope="instance" if instance and kind == "measured_ports" else "total",
    )
