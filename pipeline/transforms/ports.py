"""Ports held to each ip:port around an incident, between bounds, against the limit.

At least: calls in flight that surely had a connection, spread evenly over the units. At most: every
call takes a port of its own and holds it to its end plus the hold time, all on one unit; and every
host whose address is not known may share the address, so that its calls count as well. Between
them an estimate, after Little's law: what the upper bound counts, less the calls that went over a
connection that was open already. Flow logs tell connections themselves, and come before all that.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from pipeline.limits import Way
from pipeline.transforms.grid import minutes
from pipeline.transforms.incidents import Run
from pipeline.transforms.reuse import Reuse
from pipeline.window import MINUTE, Window, floor

ADDRESS = re.compile(r"[\d.]+|\[.*\]")
# Ports are looked at this far around an incident.
AROUND = timedelta(hours=6)
# Calls that wait for a connection and get one count as connected while they wait: a lower bound
# a little above the limit may be at it.
PASSED = 1.1
LEVELS = ("lower", "estimate", "upper", "wanted")


@dataclass(frozen=True, slots=True)
class Band:
    """Ports of the unluckiest unit to one destination, by minute around an incident.

    ``minutes`` has minute, lower, estimate, upper, wanted (each at the minute's peak) and at (the
    second of the upper peak, if told). ``instance`` is that unit, where the data tells units apart.
    ``sharing`` counts the hosts of unknown address in the upper bound. ``basis`` names the data.
    ``least`` is the part of the limit that is there however unevenly calls are spread, where a
    firewall's instances make up the limit together.
    """

    destination: str
    instance: str | None
    minutes: pl.DataFrame
    limit: int
    sharing: int = 0
    basis: str = "gateway_logs"
    least: int | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """The same at the peak, in ports: at least, probably, at most; and the limit.

    ``demand_peak`` is what would probably have been held, had every call had a port.
    """

    destination: str
    lower_peak: int
    upper_peak: int
    peak_at: datetime | None
    limit: int
    sharing: int = 0
    estimate_peak: int = 0
    demand_peak: int = 0
    instance: str | None = None
    basis: str = "gateway_logs"
    least: int | None = None

    @property
    def excluded(self) -> bool:
        """Whether not even the upper bound comes up to the limit, or to the least of it."""
        return self.upper_peak < (self.limit if self.least is None else self.least)

    @property
    def passed(self) -> bool:
        """Whether the lower bound is so far above the limit that this cannot be the limit."""
        return self.lower_peak > PASSED * self.limit


def bounds(found: list[Band], run: Run, way: Way) -> list[Bounds]:
    """Bounds for each public destination during a run, highest first."""
    # A port that ran out before the first failure may have been taken one hold time earlier.
    earliest = floor(run.start - timedelta(seconds=int(way.hold_s.value)))
    held = []
    for band in found:
        during = band.minutes.filter(pl.col("minute").is_between(earliest, run.last))
        if not during.height:
            continue
        top = during.sort("upper", "minute", descending=[True, False]).row(0, named=True)
        lower, estimate, upper, wanted = (_peak(during, each) for each in LEVELS)
        if upper:
            held.append(
                Bounds(
                    destination=band.destination,
                    lower_peak=lower,
                    upper_peak=upper,
                    peak_at=top["at"] or top["minute"],
                    limit=band.limit,
                    sharing=band.sharing,
                    estimate_peak=estimate,
                    demand_peak=wanted,
                    instance=band.instance,
                    basis=band.basis,
                    least=band.least,
                )
            )
    return sorted(held, key=lambda each: (-each.upper_peak, each.destination))


def around(run: Run, window: Window, way: Way) -> Window:
    """What of a window ports are looked at in: what is near a run, its hold time included."""
    hold = timedelta(seconds=int(way.hold_s.value))
    return Window(
        max(window.start, run.start - max(AROUND, hold)),
        min(window.stop, run.last + AROUND + MINUTE),
    )


def bands(
    ports_by_minute: pl.DataFrame,
    flow_ports_by_minute: pl.DataFrame,
    run: Run,
    window: Window,
    way: Way,
    reuse: Reuse,
    addresses: Mapping[str, int],
) -> list[Band]:
    """A band for each public destination that was called around a run.

    ``addresses`` tells the number of addresses of hosts that have several.
    """
    near = around(run, window, way)
    shared = by_logs(ports_by_minute, near, way, reuse.share, addresses)
    if not _covers(flow_ports_by_minute, run):
        return shared
    return [_by_flows(each, flow_ports_by_minute, near, way) or each for each in shared]


def by_logs(
    ports_by_minute: pl.DataFrame,
    near: Window,
    way: Way,
    reuse: float,
    addresses: Mapping[str, int],
) -> list[Band]:
    """A band for each public destination that was called, as gateway logs alone tell it.

    ``reuse`` is the share of calls that open no connection.
    """
    found = [
        _by_logs(str(destination), rows, near, way, reuse, addresses)
        for (destination,), rows in ports_by_minute.group_by(["destination"], maintain_order=True)
    ]
    return [_widened(each, found) for each in found]


def _by_logs(
    destination: str,
    rows: pl.DataFrame,
    near: Window,
    way: Way,
    reuse: float,
    addresses: Mapping[str, int],
) -> Band:
    """The band of the instance that may have held most; of all together where none is told."""
    opened = 1 - reuse
    own = [
        (instance, _levels(of_one, near))
        for (instance,), of_one in rows.group_by(["instance"], maintain_order=True)
    ]
    if way.shared or (len(own) > 1 and any(instance is None for instance, _ in own)):
        # One pool for all; or some calls may be of any instance: at most all are of the same.
        own = [(None, _together([levels for _, levels in own]))]
    instance, levels = max(own, key=lambda each: _peak(each[1], "held_peak"))
    units = 1 if way.shared or instance is not None else way.units
    # The busiest of a host's addresses takes its even share at least.
    ways = addresses.get(destination.rpartition(":")[0], 1)
    return Band(
        destination=destination,
        instance=instance if isinstance(instance, str) else None,
        minutes=levels.select(
            "minute",
            lower=pl.col("connected_peak") / units / ways,
            estimate=opened * pl.col("held_peak") / units / ways,
            upper=pl.col("held_peak"),
            wanted=opened * pl.col("wanted_peak") / units / ways,
            at=pl.col("held_peak_at"),
        ).with_columns(
            # More than the limit can be wanted, and cannot be held.
            estimate=pl.max_horizontal("lower", pl.min_horizontal("estimate", _ceiling(way))),
            wanted=pl.max_horizontal("lower", "wanted"),
        ),
        limit=int(way.ports.value),
        least=_least(way),
    )


def _ceiling(way: Way) -> pl.Expr:
    """The most that can be held; where a number is only guaranteed, there is none."""
    return pl.lit(math.inf if way.guaranteed else float(way.ports.value))


def _least(way: Way) -> int | None:
    """What one instance of a firewall gives: calls may all go through the same one."""
    instances = next((int(e.value) for e in way.values if e.name == "firewall_instances"), None)
    return int(way.ports.value) // instances if instances else None


def _levels(rows: pl.DataFrame, near: Window) -> pl.DataFrame:
    """All minutes; one without a row is as the one before it."""
    grid, told = minutes(near), rows.sort("minute")
    if told["minute"].equals(grid["minute"]):
        return told
    sparse = told.rename({"minute": "as_of"})
    return grid.join_asof(sparse, left_on="minute", right_on="as_of").with_columns(
        pl.col("in_flight_peak", "connected_peak", "held_peak", "wanted_peak").fill_null(0)
    )


def _together(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Of all instances: peaks need not meet, so their sum is a most, and the highest a least."""
    return (
        pl.concat(frames)
        .group_by("minute", maintain_order=True)
        .agg(
            pl.col("connected_peak").max(),
            pl.col("held_peak", "wanted_peak").sum(),
            pl.col("held_peak_at").max(),
        )
        .sort("minute")
    )


def _widened(band: Band, found: list[Band]) -> Band:
    """The band with the peaks of all hosts that may be on the same ip:port."""
    _, _, port = band.destination.rpartition(":")
    others = [
        other
        for other in found
        if other.destination != band.destination
        and _peak(other.minutes, "upper")
        and other.destination.rpartition(":")[2] == port
        and not ADDRESS.fullmatch(other.destination.rpartition(":")[0])
    ]
    if not others:
        return band
    most = sum((other.minutes["upper"] for other in others), start=band.minutes["upper"])
    return replace(band, minutes=band.minutes.with_columns(upper=most), sharing=len(others))


def _covers(flows: pl.DataFrame, run: Run) -> bool:
    """Whether flow logs tell of the whole run."""
    if not flows.height:
        return False
    first, last = flows["minute"].min(), flows["minute"].max()
    return bool(first <= floor(run.start) and last >= floor(run.last))  # type: ignore[operator]


def _by_flows(band: Band, flows: pl.DataFrame, near: Window, way: Way) -> Band | None:
    """The band as flow logs tell it; None where they tell nothing of the destination."""
    own = flows.filter(pl.col("destination") == band.destination)
    if not own.height:
        return None
    grid = minutes(near)
    sources = [
        (
            str(source),
            grid.join_asof(
                rows.sort("minute").rename({"minute": "as_of"}), left_on="minute", right_on="as_of"
            ).select(
                "minute",
                lower=pl.col("lower_peak").fill_null(0).cast(pl.Float64),
                upper=pl.col("upper_peak").fill_null(0).cast(pl.Float64),
                at="upper_peak_at",
            ),
        )
        for (source,), rows in own.group_by(["source_ip"], maintain_order=True)
    ]
    if way.shared:
        summed = (
            pl.concat([frame for _, frame in sources])
            .group_by("minute", maintain_order=True)
            .agg(pl.col("lower").max(), pl.col("upper").sum(), pl.col("at").max())
            .sort("minute")
        )
        instance, levels = None, summed
    else:
        instance, levels = max(sources, key=lambda each: _peak(each[1], "upper"))
    return replace(
        band,
        instance=instance,
        # Connections are told one by one: what was held is the estimate, too.
        minutes=levels.with_columns(estimate="upper").with_columns(
            wanted=pl.max_horizontal(pl.col("estimate"), band.minutes["wanted"])
        ),
        sharing=0,
        basis="flow_logs",
    )


def _peak(frame: pl.DataFrame, column: str) -> int:
    """The highest value, rounded up; what adding weights up leaves behind the sixth digit is no
    port."""
    return math.ceil(round(float(frame[column].max() or 0), 6))  # type: ignore[arg-type]
