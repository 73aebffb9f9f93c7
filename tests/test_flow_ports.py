"""Ports by flow logs: drawn tuples against an oracle that looks at each second, and real logs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.engines.duckdb import DuckDB
from pipeline.lake import Lake
from pipeline.land import land
from pipeline.query import queries
from tests import tables
from tests.drawn import EXAMPLES

REAL = Path(__file__).parents[1] / "data" / "samples" / "real"
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
# A tuple every five minutes, and one may be lost.
SILENCE = timedelta(minutes=10)
FLOWS = datasets()["flows"]
Pair = tuple[str, str, int]
Drawn = TypeVar("Drawn")


@dataclass(frozen=True, slots=True)
class Told:
    """A tuple of a flow log."""

    time: datetime
    flow_log: str = "vnet"
    mac: str = "000D3A000001"
    source_ip: str = "10.0.0.4"
    source_port: int = 50001
    destination_ip: str = "203.0.113.10"
    destination_port: int = 443
    protocol: str = "tcp"
    direction: str = "outbound"
    state: str = "begin"

    @property
    def pair(self) -> Pair:
        return self.source_ip, self.destination_ip, self.destination_port

    @property
    def needs_a_port(self) -> bool:
        return (
            self.protocol == "tcp"
            and self.direction == "outbound"
            and self.state != "deny"
            and not self.destination_ip.startswith("10.")
        )

    def row(self) -> dict[str, object]:
        row: dict[str, object] = {
            name: getattr(self, name) for name in self.__slots__ if name != "pair"
        }
        return row | {"denied": self.state == "deny"}


@dataclass(slots=True)
class Flow:
    """A flow as the oracle pieces it together; ``earliest`` to ``latest`` it may have been open."""

    first: datetime
    last: datetime
    earliest: datetime
    latest: datetime
    ended: bool = False

    def surely_open(self, second: datetime) -> bool:
        return self.first <= second < self.last

    def maybe_held(self, second: datetime, hold: timedelta) -> bool:
        """At some instant of the second that begins then."""
        return self.earliest < second + SECOND and second < self.latest + hold

    def inferred(self, second: datetime) -> bool:
        """Whether no tuple tells that it was open, or over, in the second that begins then."""
        before = second + SECOND <= self.first
        return before or (not self.ended and self.last < second + SECOND)


@dataclass(frozen=True, slots=True)
class Peaks:
    lower: int = 0
    upper: int = 0
    inferred: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """A window and the timers."""

    start: datetime
    stop: datetime
    hold: timedelta
    idle: timedelta

    @property
    def silence(self) -> timedelta:
        return max(self.idle, SILENCE)

    @property
    def parameters(self) -> dict[str, object]:
        return {
            "start": self.start,
            "stop": self.stop,
            "hold_s": int(self.hold.total_seconds()),
            "idle_s": int(self.idle.total_seconds()),
        }

    def reads(self, moment: datetime) -> bool:
        first = self.start.replace(microsecond=0) - self.silence - self.hold
        return first <= moment < self.stop + self.silence

    def minutes(self) -> Iterator[tuple[datetime, list[datetime]]]:
        """The whole seconds of the window, the one that it opens in included, by minute."""
        second = self.start.replace(microsecond=0)
        while second < self.stop:
            minute = second.replace(second=0)
            seconds = []
            while second < min(minute + MINUTE, self.stop):
                seconds.append(second)
                second += SECOND
            yield minute, seconds


def pieced(told: list[Told], asked: Asked) -> dict[Pair, list[Flow]]:
    """The flows of each pair."""
    flows: dict[Pair, list[Flow]] = {}
    counted = [
        each for each in told if each.needs_a_port and asked.reads(each.time) and best(each, told)
    ]
    for pair, port in {(each.pair, each.source_port) for each in counted}:
        states: dict[datetime, set[str]] = {}
        for each in counted:
            if (each.pair, each.source_port) == (pair, port):
                states.setdefault(each.time, set()).add(each.state)
        logged_from = min(
            each.time for each in told if (each.source_ip, each.direction) == (pair[0], "outbound")
        )
        flows.setdefault(pair, []).extend(of_a_port(sorted(states.items()), logged_from, asked))
    return flows


def best(one: Told, told: list[Told]) -> bool:
    """Whether no log to the ms tells of the source then."""
    if one.flow_log == "vnet":
        return True
    finer = [
        each.time
        for each in told
        if (each.flow_log, each.source_ip, each.direction) == ("vnet", one.source_ip, "outbound")
    ]
    return not finer or not min(finer).replace(microsecond=0) <= one.time <= max(finer)


def of_a_port(
    moments: list[tuple[datetime, set[str]]], logged_from: datetime, asked: Asked
) -> list[Flow]:
    """The flows from one port to one destination, one after the other."""
    flows: list[Flow] = []
    flow: Flow | None = None
    for place, (moment, states) in enumerate(moments):
        if flow and moment - flow.last > asked.silence:
            flow.latest = min(flow.last + asked.idle, moment)
            flow = None
        if "begin" in states:
            found = flow
            if found:
                found.ended = "end" in states
                found.last = moment if found.ended else found.last
                found.latest = min(found.last + asked.idle, moment)
            flow = Flow(moment, moment, moment, moment + asked.idle)
            flows.append(flow)
            if "end" in states and not found and not goes_on(moments[place:], asked):
                flow.ended, flow.latest, flow = True, moment, None
            continue
        if not flow:
            earlier = [each for each, _ in moments[:place]]
            flow = Flow(
                moment, moment, max(logged_from, moment - asked.idle, *earlier[-1:]), moment
            )
            flows.append(flow)
        flow.last, flow.latest = moment, moment + asked.idle
        if "end" in states:
            flow.ended, flow.latest, flow = True, moment, None
    return flows


def goes_on(moments: list[tuple[datetime, set[str]]], asked: Asked) -> bool:
    """Whether the next of the moments is of the flow that was open at the first."""
    if len(moments) == 1:
        return False
    (moment, _), (following, states), *_ = moments
    return following - moment <= asked.silence and "begin" not in states


def peaks(flows: list[Flow], seconds: list[datetime], hold: timedelta) -> tuple[Peaks, datetime]:
    """The peaks over some seconds, and the first second of the upper one."""
    lower = [sum(flow.surely_open(second) for flow in flows) for second in seconds]
    upper = [sum(flow.maybe_held(second, hold) for flow in flows) for second in seconds]
    at = seconds[upper.index(max(upper))]
    inferred = sum(flow.maybe_held(at, hold) and flow.inferred(at) for flow in flows)
    return Peaks(max(lower), max(upper), inferred), at


TEN = tables.on_day(time(10))
# Whole seconds and minutes and their neighbours are where half-open windows go wrong.
MILLIS = st.sampled_from([-1, 0, 0, 1, 500, 999])
NEAR = st.builds(
    lambda seconds, millis: timedelta(seconds=seconds, milliseconds=millis),
    st.one_of(st.sampled_from([0, 30, 60, 120, 180]), st.integers(-20, 200)),
    MILLIS,
)
# Tuples that share moments, tuples within a flow's silence, tuples out of it.
OFFSETS = st.one_of(
    st.sampled_from([timedelta(seconds=each) for each in (-600, -240, 0, 30, 60, 600)]),
    NEAR,
    st.integers(-1600, 1600).map(lambda seconds: timedelta(seconds=seconds)),
)


def mostly(usual: Drawn, other: Drawn) -> st.SearchStrategy[Drawn]:
    return st.sampled_from([usual, usual, usual, usual, other])


def tuples(offsets: st.SearchStrategy[timedelta]) -> st.SearchStrategy[list[Told]]:
    """Tuples of two ports of two sources, some of them told twice or of no use."""
    states = st.sampled_from(["begin", "continue", "end", "end", "begin end", "begin end"])
    useful = st.builds(
        Told,
        time=offsets.map(lambda offset: TEN + offset),
        mac=st.sampled_from(["000D3A000001", "000D3A000002"]),
        source_ip=mostly("10.0.0.4", "10.0.0.5"),
        source_port=mostly(50001, 50002),
        destination_ip=mostly("203.0.113.10", "2001:db8::7"),
        state=states,
    )
    of_seconds = st.builds(
        Told,
        time=offsets.map(lambda offset: TEN + timedelta(seconds=offset // SECOND)),
        flow_log=st.just("nsg"),
        source_ip=mostly("10.0.0.6", "10.0.0.4"),
        state=states,
    )
    mixed = st.builds(
        Told,
        time=offsets.map(lambda offset: TEN + offset),
        destination_ip=st.sampled_from(["203.0.113.10", "10.1.2.3"]),
        protocol=st.sampled_from(["tcp", "udp"]),
        direction=st.sampled_from(["inbound", "outbound", "outbound"]),
        state=st.sampled_from(["begin", "end", "deny"]),
    )
    # Mostly the log of a source begins before what is drawn.
    first = mostly([Told(TEN - timedelta(hours=1), protocol="udp")], [])
    drawn = st.lists(st.one_of(useful, useful, useful, of_seconds, mixed), max_size=10)
    return st.tuples(first, drawn).map(
        lambda parts: [
            replace(each, state=state)
            for part in parts
            for each in part
            for state in each.state.split()
        ]
    )


# Short ones tell of each second, long ones of minutes that have no row.
WINDOWS = st.builds(
    lambda start, length, hold, idle: Asked(
        TEN + abs(start), TEN + abs(start) + length, hold * SECOND, idle * SECOND
    ),
    NEAR,
    st.one_of(st.integers(1, 2_000), st.integers(1, 240_000)).map(
        lambda millis: timedelta(milliseconds=millis)
    ),
    st.sampled_from([0, 1, 60, 65, 240]),
    st.sampled_from([30, 60, 240, 900]),
)


def answered(engine: Engine, told: list[Told], asked: Asked) -> list[dict[str, object]]:
    types = {each.name: each.type for each in FLOWS.columns}
    engine.hold("flows", tables.arrow([each.row() for each in told], types))
    rows: list[dict[str, object]] = engine.ask(
        queries()["flow_ports_by_minute"], asked.parameters
    ).to_pylist()
    return rows


def as_told(pair: Pair) -> str:
    """The destination as the query writes it."""
    _, ip, port = pair
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def peaks_of(row: Mapping[str, object]) -> Peaks:
    return Peaks(*(int(str(row[name])) for name in ("lower_peak", "upper_peak", "inferred")))


@settings(deadline=None, max_examples=4 * EXAMPLES)
@given(told=tuples(OFFSETS), asked=WINDOWS)
def test_the_peaks_of_every_minute_are_those_that_each_second_tells(
    engine: Engine, told: list[Told], asked: Asked
) -> None:
    rows = {
        (row["source_ip"], row["destination"], row["minute"]): row
        for row in answered(engine, told, asked)
    }
    # Logs of the same say the same: those of two interfaces, and of one moment, begin one flow.
    begins = {
        (each.pair, each.source_port, each.time)
        for each in told
        if each.state == "begin"
        and each.needs_a_port
        and asked.reads(each.time)
        and best(each, told)
    }
    for (source_ip, ip, port), flows in pieced(told, asked).items():
        last = Peaks()
        for minute, seconds in asked.minutes():
            expected, upper_at = peaks(flows, seconds, asked.hold)
            begun = sum(
                pair == (source_ip, ip, port) and moment.replace(microsecond=0) in seconds
                for pair, _, moment in begins
            )
            row = rows.pop((source_ip, as_told((source_ip, ip, port)), minute), None)
            if row:
                assert (row["upper_peak_at"], row["begun"]) == (upper_at, begun)
                last = peaks_of(row)
            else:
                assert not begun
            assert last == expected
            assert last.lower <= last.upper
            assert last.inferred <= last.upper
    assert not rows


@settings(deadline=None, max_examples=2 * EXAMPLES)
@given(told=tuples(NEAR), hold=st.sampled_from([0, 65, 240]), cut=st.integers(1, 3))
def test_a_window_in_two_parts_tells_what_the_whole_does(
    engine: Engine, told: list[Told], hold: int, cut: int
) -> None:
    def by_minute(start: int, stop: int) -> list[tuple[object, ...]]:
        """What each minute tells of each destination, those without a row included."""
        asked = Asked(TEN + start * MINUTE, TEN + stop * MINUTE, hold * SECOND, 240 * SECOND)
        rows = {
            (row["source_ip"], row["destination"], row["minute"]): row
            for row in answered(engine, told, asked)
        }
        found = []
        for pair in sorted({(each.source_ip, as_told(each.pair)) for each in told}):
            last = Peaks()
            for minute, _ in asked.minutes():
                row = rows.get((*pair, minute), {})
                last = peaks_of(row) if row else last
                found.append((*pair, minute, row.get("begun", 0), last))
        return sorted(found, key=str)

    assert by_minute(0, 4) == sorted(by_minute(0, cut) + by_minute(cut, 4), key=str)


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """All real flow logs, in a lake."""
    lake = Lake(tmp_path_factory.mktemp("lake") / "lake")
    land([str(REAL / "vnet-flow-logs"), str(REAL / "nsg-flow-logs")], lake)
    engine = DuckDB()
    engine.attach("flows", FLOWS, lake.files("flows"))
    return engine


def told_by(engine: Engine, start: str, minutes: int) -> dict[str, list[tuple[object, ...]]]:
    """Begun, lower and upper peak and inferred of each minute with a row, by destination."""
    asked = Asked(tables.moment(start), tables.moment(start) + minutes * MINUTE, MINUTE, 4 * MINUTE)
    found: dict[str, list[tuple[object, ...]]] = {}
    for row in engine.ask(queries()["flow_ports_by_minute"], asked.parameters).to_pylist():
        assert row["source_ip"] in ("10.1.0.4", "10.0.0.1")
        peaks = (row["begun"], row["lower_peak"], row["upper_peak"], row["inferred"])
        found.setdefault(row["destination"], []).append((f"{row['minute']:%H:%M}", *peaks))
    return found


def test_real_flows_of_a_network_hold_a_port_each(landed: Engine) -> None:
    assert told_by(landed, "2024-12-12 03:59", 10) == {
        # Begin and end are told.
        "13.89.179.11:443": [
            ("03:59", 0, 0, 0, 0),
            ("04:01", 1, 1, 1, 0),
            ("04:02", 0, 0, 1, 0),
            ("04:03", 0, 0, 0, 0),
        ],
        "172.202.65.10:443": [
            ("03:59", 0, 0, 0, 0),
            ("04:02", 1, 1, 1, 0),
            ("04:03", 0, 0, 1, 0),
            ("04:04", 0, 0, 0, 0),
        ],
        # An end only.
        "20.10.127.193:443": [
            ("03:59", 0, 0, 1, 1),
            ("04:00", 0, 0, 1, 0),
            ("04:01", 0, 0, 0, 0),
        ],
        # It went on, that is all.
        "40.83.240.146:443": [
            ("03:59", 0, 0, 1, 1),
            ("04:00", 0, 0, 1, 1),
            ("04:05", 0, 0, 1, 1),
            ("04:06", 0, 0, 0, 0),
        ],
    }


def test_real_flows_that_end_as_they_begin_and_again_later_are_one_each(landed: Engine) -> None:
    told = told_by(landed, "2024-12-31 09:12", 8)
    assert told["20.10.127.193:443"] == [
        ("09:12", 1, 1, 1, 0),
        ("09:13", 0, 0, 1, 0),
        ("09:14", 0, 0, 0, 0),
    ]
    assert told["20.242.181.1:443"] == [
        ("09:12", 1, 1, 1, 0),
        ("09:13", 0, 0, 1, 0),
        ("09:14", 0, 0, 0, 0),
    ]


def test_a_real_log_of_seconds_is_read_as_well(landed: Engine) -> None:
    told = told_by(landed, "2024-08-19 17:59", 8)
    assert sum(int(str(row[1])) for rows in told.values() for row in rows) == 34
    # A new flow every half minute, each of six seconds; the last but one of them stays open.
    assert told["20.10.127.193:443"] == [
        ("17:59", 2, 1, 2, 0),
        ("18:00", 2, 1, 3, 0),
        ("18:01", 2, 1, 3, 0),
        ("18:02", 2, 1, 3, 0),
        ("18:03", 2, 2, 3, 0),
        ("18:04", 2, 2, 4, 0),
        ("18:05", 2, 2, 4, 0),
        ("18:06", 1, 2, 3, 0),
    ]
