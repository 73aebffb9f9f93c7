"""What port counters say of a window: that ports ran out, that none was wanting, or neither.

Calls are made over TCP: what is counted of UDP alone is left out. What is not told is not 0.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from pipeline.window import MINUTE, Window, floor
from pipeline.wording import count, last, of, share, short

NAT_GATEWAY = "microsoft.network/natgateways"
NOUNS = {
    "microsoft.network/loadbalancers": "load balancer",
    NAT_GATEWAY: "NAT gateway",
    "microsoft.network/azurefirewalls": "firewall",
}
STATES = (
    "failed_connections",
    "pending_connections",
    "successful_connections",
    "attempted_connections",
)
# The metrics interface gives so many series of a metric unless it is asked for more.
CUT = 10
NEAR = 0.95
MOST_GAPS = 3


@dataclass(frozen=True, slots=True)
class Counter:
    """What one counter says of a window, in a sentence for a report.

    ``proves`` is true where ports ran out, false where none was wanting in the whole window, null
    where neither is proved. ``at`` is the first moment that it speaks of; ``instance`` the back end
    or worker most concerned, null where the counter is not split.
    """

    resource_id: str
    instance: str | None
    says: str
    proves: bool | None
    at: datetime | None
    name: str


def counters(
    port_counters_by_minute: pl.DataFrame,
    port_events: pl.DataFrame,
    start: datetime,
    stop: datetime,
) -> list[Counter]:
    """What the counters and events of each resource say of a window: proofs first, by time.

    Counters know whole minutes: those in which the window begins and ends count as of it.
    """
    end = max(floor(stop - timedelta(microseconds=1)), floor(start)) + MINUTE
    window = Window(floor(start), end)
    rows = _of_tcp(_within(port_counters_by_minute, window))
    events = port_events.filter(
        pl.col("first_at") < window.stop,
        pl.col("last_at") >= window.start,
        pl.col("protocol").ne_missing("udp"),
    )
    found = [
        counter
        for frame, read in ((rows, _counted), (events, _said))
        for each in frame.partition_by("resource_id", maintain_order=True)
        for counter in read(_Told(each, window))
    ]
    return sorted(
        found,
        key=lambda each: (
            (True, False, None).index(each.proves),
            each.at or window.start,
            each.resource_id,
            each.name,
        ),
    )


def measured(port_counters_by_minute: pl.DataFrame) -> pl.DataFrame:
    """The ports that were measured, by resource_id, instance and minute: used, allocated.

    A number is that of the shortest grain that begins in the minute, and null where none is told.
    """
    keys = ["resource_id", "instance", "minute"]
    told = (
        _of_tcp(port_counters_by_minute)
        .sort("grain_s")
        .unique([*keys, "counter"], keep="first", maintain_order=True)
    )
    used, allocated = (
        told.filter(pl.col("counter") == f"{name}_ports").select(*keys, pl.col("value").alias(name))
        for name in ("used", "allocated")
    )
    return used.join(allocated, on=keys, how="full", coalesce=True, nulls_equal=True).sort(keys)


def allocated(
    port_counters_by_minute: pl.DataFrame, start: datetime, stop: datetime
) -> tuple[int, str] | None:
    """The ports that each back end was given in a window, and the resource that told so.

    Of several back ends the least: the unluckiest has no more. Null where none is told.
    """
    told = measured(port_counters_by_minute).filter(
        pl.col("instance").is_not_null(),
        pl.col("allocated") > 0,
        pl.col("minute").is_between(floor(start), stop),
    )
    each = told.group_by("resource_id", "instance").agg(pl.col("allocated").max())
    least = each.sort("allocated", "resource_id", "instance").head(1)
    return next(
        ((int(ports), resource) for resource, _, ports in least.iter_rows()),
        None,
    )


def new_connections(port_counters_by_minute: pl.DataFrame) -> pl.DataFrame:
    """New SNAT connections that came about in each minute, over all instances: minute, connections.

    A load balancer counts the successful ones; of a NAT gateway these are the attempted less the
    failed. Only totals of single minutes count, and a minute without one has no row.
    """
    keys = ["resource_id", "minute"]
    told = _of_tcp(
        port_counters_by_minute.filter(pl.col("grain_s") == 60, pl.col("statistic") == "total")
    )
    # Told by back end and without, the greater of the two is more complete.
    by_counter = (
        told.group_by(*keys, "counter", pl.col("instance").is_null().alias("whole"))
        .agg(pl.col("value").sum())
        .group_by(*keys, "counter")
        .agg(pl.col("value").max())
    )
    states = by_counter.group_by(keys).agg(
        pl.col("value").filter(pl.col("counter") == f"{state}_connections").first().alias(state)
        for state in ("successful", "attempted", "failed")
    )
    made = (pl.col("attempted") - pl.col("failed").fill_null(0)).clip(0)
    return (
        states.with_columns(connections=pl.coalesce("successful", made))
        .drop_nulls("connections")
        .group_by("minute")
        .agg(pl.col("connections").sum())
        .sort("minute")
    )


def _within(frame: pl.DataFrame, window: Window) -> pl.DataFrame:
    """The grains that reach into a window: when each ``ends``, and whether it is ``inside``."""
    return (
        frame.with_columns(
            ends=pl.col("minute") + pl.duration(seconds=pl.col("grain_s").cast(pl.Int64))
        )
        .filter(pl.col("minute") < window.stop, pl.col("ends") > window.start)
        .with_columns(inside=(pl.col("minute") >= window.start) & (pl.col("ends") <= window.stop))
        .sort("resource_id", "minute", "instance")
    )


def _of_tcp(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of TCP; where there are none, those that are not split by protocol."""
    same = ["resource_id", "counter", "instance", "minute", "grain_s"]
    tcp = frame.filter(pl.col("protocol") == "tcp")
    whole = frame.filter(pl.col("protocol").is_null())
    return pl.concat([tcp, whole.join(tcp, on=same, how="anti", nulls_equal=True)])


Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Told:
    """What is told of one resource in a window: rows of its counters, or of its events."""

    rows: pl.DataFrame
    window: Window

    @property
    def resource_id(self) -> str:
        return str(self.rows["resource_id"][0])

    @property
    def name(self) -> str:
        """The resource as a sentence names it, without its kind."""
        return short(last(self.resource_id))

    @property
    def titled(self) -> str:
        """The same with its kind."""
        return f"{NOUNS[self.rows['resource_type'][0]]} {self.name}"

    @property
    def minutes(self) -> list[datetime]:
        """The minutes of the window."""
        number = (self.window.stop - self.window.start) // MINUTE
        return [self.window.start + each * MINUTE for each in range(number)]

    def of(self, *names: str) -> pl.DataFrame:
        """The rows of some counters."""
        return self.rows.filter(pl.col("counter").is_in(names))

    def clock(self, moment: datetime) -> str:
        """The time of day, with its day unless the window is all of that day."""
        days = {self.window.start.date(), (self.window.stop - MINUTE).date(), moment.date()}
        return f"{moment:%H:%M}" if len(days) == 1 else f"{moment:%Y-%m-%d %H:%M}"

    def span(self, begin: datetime, end: datetime) -> str:
        return f"from {self.clock(begin)} to {self.clock(end)} UTC"

    def when(self, row: Row) -> str:
        """The grain of a row, and what the value is of it."""
        if row["grain_s"] <= 60:
            return f"at {self.clock(row['minute'])} UTC ({row['statistic']} of that minute)"
        return f"{self.span(row['minute'], row['ends'])} ({row['statistic']} of that time)"

    def whose(self, instance: str | None) -> str:
        return f"{short(instance)} on the {self.titled}" if instance else f"the {self.titled}"

    def ranges(self, minutes: list[datetime]) -> str:
        """Minutes as ranges; beyond a few, how many more there are."""
        ranges: list[list[datetime]] = []
        for minute in minutes:
            if ranges and ranges[-1][-1] + MINUTE == minute:
                ranges[-1].append(minute)
            else:
                ranges.append([minute])
        shown = [
            " to ".join(self.clock(minute) for minute in dict.fromkeys((each[0], each[-1])))
            for each in ranges[:MOST_GAPS]
        ]
        left = sum(len(each) for each in ranges[MOST_GAPS:])
        return ", ".join(shown) + (f" and {of(left, 'minute')} more" if left else "")

    def found(self, name: str, proves: bool | None, says: str, row: Row | None = None) -> Counter:
        """A finding that speaks of a row's instance, and of the minute or moment it begins."""
        held = row or {}
        at = held.get("minute") or held.get("first_at")
        return Counter(self.resource_id, held.get("instance"), says, proves, at, name)


def _counted(told: _Told) -> Iterator[Counter]:
    for read in (_failed, _ports, _utilisation, _active):
        yield from read(told)


def _failed(told: _Told) -> Iterator[Counter]:
    failed = told.of("failed_connections")
    above = failed.filter(pl.col("value") > 0)
    surely = above.filter("inside")
    if failed.is_empty():
        yield from _of_no_state(told)
    elif surely.height:
        yield _some_failed(told, surely)
    else:
        yield _none_failed(told, failed.filter(pl.col("value") == 0), above)


def _some_failed(told: _Told, failed: pl.DataFrame) -> Counter:
    fullest = _fullest(failed)
    least = "" if (fullest["statistic"] == "total").all() else "at least "
    first = failed["minute"][0]
    says = (
        f"The {told.titled} counted {least}{_whole(fullest)} failed SNAT connections in "
        f"{_often(fullest)}, the first at {told.clock(first)} UTC"
    )
    instance, by_instance = None, failed.drop_nulls("instance")
    if by_instance.height:
        hit = _summed(_fullest(by_instance), "value")
        instance = hit["instance"][0]
        counted, others = _whole(hit[:1]), hit.height - 1
        alone = counted == _whole(fullest) and not others
        says += f"; {'all' if alone else counted} of them from {short(instance)}"
        if others:
            says += f", the rest from {of(others, 'other back end')}"
    if failed["resource_type"][0] == NAT_GATEWAY:
        says += "; it had no port left, or no room for another connection"
    row = {"instance": instance, "minute": first}
    return told.found("failed_connections", True, f"{says}.", row)


def _fullest(rows: pl.DataFrame) -> pl.DataFrame:
    """Of what is told split and whole, and by several grains, the way that tells most."""
    ways = rows.with_columns(split=pl.col("instance").is_not_null())
    return max(
        ways.partition_by("split", "grain_s", maintain_order=True),
        key=lambda way: (way["value"].sum(), way["split"][0]),
    )


def _summed(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Sums of a column by instance, the greatest first."""
    return (
        rows.group_by("instance")
        .agg(pl.col(column).sum())
        .sort(column, "instance", descending=[True, False])
    )


def _whole(rows: pl.DataFrame) -> str:
    return count(math.ceil(rows["value"].sum()))


def _often(rows: pl.DataFrame) -> str:
    """In how many grains; of several lengths, the shortest."""
    shortest = rows.filter(pl.col("grain_s") == pl.col("grain_s").min())
    number, length = shortest["minute"].n_unique(), shortest["grain_s"][0] / 60
    return of(number, "minute") if length <= 1 else f"{of(number, 'span')} of {length:g} min"


def _none_failed(told: _Told, zeros: pl.DataFrame, above: pl.DataFrame) -> Counter:
    """That none failed in the whole window, if no minute of it is missing."""
    cut, minutes = _may_be_cut(told), told.minutes
    known = _surely_zero(told, zeros.filter(pl.col("instance").is_null()) if cut else zeros)
    missing = [minute for minute in minutes if minute not in known]
    number, span = of(len(minutes), "minute"), told.span(told.window.start, told.window.stop)
    if not missing:
        says = f"The {told.titled} counted 0 failed SNAT connections in each of {number} {span}."
        return told.found("failed_connections", False, says, {"minute": told.window.start})
    says = (
        f"The {told.titled} counted 0 failed SNAT connections in {len(known):,} of {number} {span}"
    )
    if above.height:
        says += f" and more than 0 {told.when(above.row(0, named=True))}"
    if cut:
        says += f"; {CUT} series were read, and others may have been cut off"
    says += f"; not told of all: {told.ranges(missing)}"
    return told.found("failed_connections", None, f"{says}.")


def _surely_zero(told: _Told, zeros: pl.DataFrame) -> set[datetime]:
    """The minutes of the window in which the whole resource or each back end counted 0."""
    back_ends = told.rows["instance"].drop_nulls().n_unique()
    of_each = _minutes(told, zeros)
    whole = of_each.filter(pl.col("instance").is_null())["minute"]
    split = of_each.drop_nulls("instance").group_by("minute").agg(pl.n_unique("instance"))
    return {*whole, *split.filter(pl.col("instance") == back_ends)["minute"]}


def _minutes(told: _Told, rows: pl.DataFrame) -> pl.DataFrame:
    """Every minute of the window that the grains cover, with their instance."""
    begin, end = told.window.start, told.window.stop
    return (
        rows.select("instance", minute=pl.datetime_ranges("minute", "ends", "1m", closed="left"))
        .explode("minute")
        .filter(pl.col("minute").is_between(begin, end, closed="left"))
    )


def _may_be_cut(told: _Told) -> bool:
    """Whether back ends may be missing, for just as many series are there as are given unasked."""
    series = (
        told.of(*STATES)
        .drop_nulls("instance")
        .group_by("counter", "instance")
        .agg(pl.col("series").max())
    )
    failed = series.filter(pl.col("counter") == "failed_connections")
    return CUT in (series["series"].sum(), failed["series"].sum())


def _of_no_state(told: _Told) -> Iterator[Counter]:
    """What is told of connections where nothing is told of failed ones."""
    together = told.of("connections")
    if told.of(*STATES).height:
        says = (
            f"Of the {told.titled}, connections in other states are told, and no failed ones: what "
            "is not told is not 0."
        )
        yield told.found("failed_connections", None, says)
    elif together.height:
        says = (
            f"The {told.titled} counted {_whole(_fullest(together))} SNAT connections of all "
            "states together, for it was read without them: how many failed is not told."
        )
        yield told.found("connections", None, says, {"minute": together["minute"][0]})


def _ports(told: _Told) -> Iterator[Counter]:
    used, keys = told.of("used_ports"), ["instance", "minute", "grain_s"]
    if used.is_empty():
        return
    allocated = told.of("allocated_ports").select(
        *keys, there="value", there_is="statistic", there_series="series"
    )
    both = used.join(allocated, on=keys, nulls_equal=True, maintain_order="left").filter(
        pl.col("there") > 0
    )
    # A maximum stands against no average, and the greatest of several back ends are not of one.
    alike = both.filter(
        pl.col("series") == pl.col("there_series"),
        (pl.col("statistic") == "average") | (pl.col("there_is") == "maximum"),
        pl.col("instance").is_not_null()
        | (pl.col("series") == 1)
        | (pl.col("statistic") == "average"),
    ).with_columns(part=pl.col("value") / pl.col("there"))
    full = alike.filter("inside", pl.col("part") >= 1)
    if full.height:
        yield _all_used(told, full)
    elif alike.height:
        yield _part_used(told, alike)
    else:
        top = _highest(used, "value")
        why = "told in another way, so that the two do not compare" if both.height else "not told"
        says = (
            f"Up to {count(top['value'])} SNAT ports of {told.whose(top['instance'])} were in use, "
            f"{told.when(top)}; how many were allocated is {why}."
        )
        yield told.found("used_ports", None, says, top)


def _all_used(told: _Told, full: pl.DataFrame) -> Counter:
    by_instance = full.drop_nulls("instance")
    hit = by_instance if by_instance.height else full
    first = hit.row(0, named=True)
    own = hit.filter(pl.col("instance").eq_missing(first["instance"]))
    whose = told.whose(first["instance"])
    if first["instance"] is None:
        each = "each back end" if first["statistic"] == "average" else "at least one back end"
        whose = f"{each} of {whose}"
    says = (
        f"All {count(first['there'])} SNAT ports of {whose} were in use in {_often(own)}, first "
        f"{told.when(first)}"
    )
    if others := hit["instance"].n_unique() - 1:
        says += f"; so were those of {of(others, 'other back end')}"
    return told.found("used_is_allocated", True, f"{says}.", first)


def _part_used(told: _Told, alike: pl.DataFrame) -> Counter:
    top = _highest(alike, "part")
    own = alike.filter(pl.col("instance").eq_missing(top["instance"]))
    known = _minutes(told, own)["minute"].n_unique()
    says = (
        f"At most {count(top['value'])} of {count(top['there'])} SNAT ports ({share(top['part'])}) "
        f"of {told.whose(top['instance'])} were in use, {told.when(top)}, as told of {known:,} of "
        f"{of(len(told.minutes), 'minute')}; shorter peaks do not show."
    )
    return told.found("used_ports", None, says, top)


def _highest(rows: pl.DataFrame, column: str) -> Row:
    """The first of the rows where a column is greatest."""
    return rows.sort(column, descending=True, maintain_order=True).row(0, named=True)


def _utilisation(told: _Told) -> Iterator[Counter]:
    part = told.of("port_utilisation")
    full = part.filter("inside", pl.col("value") >= 1)
    if full.height:
        first = full.row(0, named=True)
        says = (
            f"The {told.titled} had all of its SNAT ports in use in {_often(full)}, first "
            f"{told.when(first)}."
        )
        yield told.found("firewall_utilisation", True, says, first)
    elif part.height:
        top = _highest(part, "value")
        near = ", which is near the limit" if top["value"] >= NEAR else ""
        says = (
            f"The {told.titled} had at most {share(top['value'])} of its SNAT ports in use, "
            f"{told.when(top)}{near}; shorter peaks do not show."
        )
        yield told.found("firewall_utilisation", None, says, top)


def _active(told: _Told) -> Iterator[Counter]:
    active = told.of("total_connections")
    if active.height:
        top = _highest(active, "value")
        says = (
            f"Up to {count(top['value'])} connections were active on the {told.titled}, "
            f"{told.when(top)}; to which destinations is not told."
        )
        yield told.found("connections", None, says, top)


def _said(told: _Told) -> Iterator[Counter]:
    """What events and readings say of one resource."""
    rows = told.rows.sort("first_at", "instance")
    for event, read in (
        ("snat_port_exhaustion", _exhausted),
        ("high_snat_port_usage", _nearly_exhausted),
        ("snat_connections_failed", _detected),
        ("snat_ports_used", _detected_in_use),
    ):
        of_event = rows.filter(pl.col("event") == event)
        if of_event.height:
            yield read(told, of_event)


def _exhausted(told: _Told, rows: pl.DataFrame) -> Counter:
    says = (
        f"The load balancer {told.name} itself said {_spoken(told, rows)} that {_back_ends(rows)} "
        "had used all SNAT ports allocated and could not connect."
    )
    return told.found("snat_port_exhaustion_event", True, says, rows.row(0, named=True))


def _nearly_exhausted(told: _Told, rows: pl.DataFrame) -> Counter:
    says = (
        f"The load balancer {told.name} itself said {_spoken(told, rows)} that {_back_ends(rows)} "
        "used more than 75 % of the SNAT ports allocated."
    )
    return told.found("high_snat_port_usage_event", None, says, rows.row(0, named=True))


def _detected(told: _Told, rows: pl.DataFrame) -> Counter:
    """What App Service's detector counted of failed connections.

    How long a time each reading is of, nobody documents: readings of 0 exclude nothing.
    """
    failed = rows.filter(pl.col("total") > 0)
    if failed.is_empty():
        says = (
            f"The SNAT detector of {told.name} told 0 failed connections {_spoken(told, rows)}; "
            "how long a time its readings are of is not documented, so that this excludes nothing."
        )
        return told.found("detector_failures", None, says, rows.row(0, named=True))
    # Readings of the workers and of all together tell the same twice.
    whole = failed.filter(pl.col("instance").is_null())["total"].sum()
    by_worker = _summed(failed.drop_nulls("instance"), "total")
    total = max(whole, by_worker["total"].sum())
    says = (
        f"The SNAT detector of {told.name} counted {count(math.ceil(total))} failed connections "
        f"{_spoken(told, failed)}"
    )
    row = {"first_at": failed["first_at"][0], "instance": None}
    if by_worker.height:
        row["instance"] = by_worker["instance"][0]
        worst = count(math.ceil(by_worker["total"][0]))
        says += f"; {worst} of them from {short(row['instance'])}"
    return told.found("detector_failures", True, f"{says}.", row)


def _detected_in_use(told: _Told, rows: pl.DataFrame) -> Counter:
    top = _highest(rows, "peak")
    worker = f" on {short(top['instance'])}" if top["instance"] else ""
    says = (
        f"The SNAT detector of {told.name} told of up to {count(top['peak'])} ports in "
        f"use{worker}, at {told.clock(top['peak_at'])} UTC; App Service may give more than it "
        "guarantees, so that no number of them proves a want."
    )
    return told.found("used_ports", None, says, top)


def _spoken(told: _Told, rows: pl.DataFrame) -> str:
    """When, and how often."""
    first, final, times = rows.select(pl.min("first_at"), pl.max("last_at"), pl.sum("events")).row(
        0
    )
    if times == 1:
        return f"at {told.clock(first)} UTC"
    return f"{told.span(first, final)} ({times:,} times)"


def _back_ends(rows: pl.DataFrame) -> str:
    names = [short(each) for each in rows["instance"].drop_nulls().unique(maintain_order=True)]
    return " and ".join(names) or "a back end"
