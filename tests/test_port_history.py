"""Ports over time, from requests by way of the counts of each second, against a naive sweep."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import limits
from pipeline.ask import without_topology
from pipeline.datasets import datasets
from pipeline.engines.duckdb import DuckDB
from pipeline.query import queries
from pipeline.transforms.occupancy import ports_by_minute
from pipeline.window import Window
from tests import exports, tables
from tests.drawn import EXAMPLES
from tests.given import way

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
TEN = tables.on_day(time(10))
# By ending: what tells it in a request, and the hold time that it leaves its port by.
ENDINGS: dict[str, dict[str, object]] = {
    "answered": {"backend_status": 200},
    "shared": {"backend_status": 200, "backend_protocol": "HTTP/2"},
    "reset": {"error_message": "forcibly closed"},
    "refused": {"error_message": "actively refused"},
    "unanswered": {"error_message": "did not properly respond"},
    "other": {"error_message": "whatever"},
}


@dataclass(frozen=True, slots=True)
class Call:
    """A call to a host, as a sweep over all calls sees it."""

    host: str
    start: datetime
    lasts: timedelta
    weight: float
    ending: str
    instance: str | None

    @property
    def over(self) -> datetime:
        """The first whole second at which it is surely over, and not the one that it began in."""
        end = self.start + self.lasts
        whole = end.replace(microsecond=0)
        return max(whole if whole == end else whole + SECOND, self.second + SECOND)

    @property
    def second(self) -> datetime:
        """The second it began in."""
        return self.start.replace(microsecond=0)

    def in_flight(self, second: datetime) -> bool:
        """At that whole second: begun in one before, not yet over."""
        return self.second < second < self.over

    def held(self, second: datetime, hold_s: int) -> bool:
        """At some instant of the second that begins then."""
        return self.second <= second < self.over + hold_s * SECOND


@dataclass(frozen=True, slots=True)
class Holds:
    """Seconds that a port is held: after an answer, after a reset, after none."""

    after_fin: int
    after_rst: int
    half_open: int

    def of(self, ending: str) -> int:
        if ending in ("reset", "refused"):
            return self.after_rst
        return self.half_open if ending == "unanswered" else self.after_fin


@dataclass(frozen=True, slots=True)
class Peaks:
    in_flight: float = 0
    connected: float = 0
    held: float = 0
    wanted: float = 0


def peaks(calls: list[Call], seconds: list[datetime], holds: Holds) -> tuple[Peaks, datetime]:
    """The peaks over some seconds, and the first second at which most ports were held."""
    flying = [[call for call in calls if call.in_flight(second)] for second in seconds]
    held = [
        sum(call.weight for call in calls if call.held(second, holds.of(call.ending)))
        for second in seconds
    ]
    return Peaks(
        max(sum(call.weight for call in each) for each in flying),
        max(sum(call.weight for call in each if call.ending == "answered") for each in flying),
        max(held),
        max(
            sum(call.weight for call in calls if call.held(second, holds.after_fin))
            for second in seconds
        ),
    ), seconds[held.index(max(held))]


# Whole seconds and their neighbours are where half-open windows go wrong.
OFFSETS = st.builds(
    lambda seconds, micros: timedelta(seconds=seconds, microseconds=micros),
    st.integers(-300, 240),
    st.sampled_from([0, 0, 1, 500_000, 999_999]),
)
CALLS = st.lists(
    st.builds(
        Call,
        host=st.sampled_from(["api.example.net", "pay.example.net"]),
        start=OFFSETS.map(lambda offset: TEN + offset),
        lasts=st.integers(0, 200_000).map(lambda ms: timedelta(milliseconds=ms)),
        weight=st.sampled_from([1.0, 4.0]),
        ending=st.sampled_from(sorted(ENDINGS)),
        instance=st.sampled_from([None, "a", "b"]),
    ),
    max_size=10,
)
HOLDS = st.sampled_from([Holds(240, 15, 30), Holds(65, 16, 30), Holds(1, 0, 0), Holds(0, 0, 0)])


PEAKS = ("in_flight", "connected", "held", "wanted")


def of_way(holds: Holds) -> limits.Holds:
    """The hold times as a way out tells them."""
    out = way(
        hold_s=holds.after_fin,
        hold_after_reset_s=holds.after_rst,
        hold_half_open_s=holds.half_open,
    )
    return out.holds


def request(call: Call) -> dict[str, object]:
    """The request that tells of a call."""
    return {
        "date": call.start.date(),
        "time": call.start,
        "resource_id": "gw",
        "instance": call.instance,
        "backend_host": call.host,
        "backend_port": 443,
        "errors": 0,
        "backend_ms": call.lasts // timedelta(milliseconds=1),
        "weight": call.weight,
        **ENDINGS[call.ending],
    }


def count(engine: DuckDB, calls: list[Call]) -> None:
    """Makes the counts of the calls known as the dataset that they are landed in."""
    columns = {each.name: each.type for each in datasets()["requests"].columns}
    engine.hold("requests", tables.arrow([request(call) for call in calls], columns))
    without_topology(engine)
    exports.count(engine)


@settings(deadline=None, max_examples=5 * EXAMPLES)
@given(
    calls=CALLS,
    start=OFFSETS.map(lambda offset: TEN + abs(offset)),
    length=st.integers(1, 240_000_000).map(lambda micros: timedelta(microseconds=micros)),
    holds=HOLDS,
)
def test_ports_by_minute_are_those_of_a_sweep_over_all_calls(
    engine: DuckDB, calls: list[Call], start: datetime, length: timedelta, holds: Holds
) -> None:
    stop = start + length
    count(engine, calls)
    bound = {"gateway": "gw", "start": start, "stop": stop, "hold_s": holds.after_fin}
    counted = pl.DataFrame(engine.ask(queries()["calls_in_flight"], bound))
    answer = ports_by_minute(counted, Window(start, stop), of_way(holds))
    told = {
        (row["instance"], row["destination"], row["minute"]): row
        for row in answer.iter_rows(named=True)
    }
    for host in ("api.example.net", "pay.example.net"):
        for instance in (None, "a", "b"):
            # A call that begins in a second behind the window is not of it.
            own = [
                call
                for call in calls
                if (call.host, call.instance) == (host, instance) and call.second < stop
            ]
            for minute, seconds in by_minute(start, stop):
                expected, held_at = peaks(own, seconds, holds)
                row = told.pop((instance, f"{host}:443", minute), None)
                if row is None:
                    assert expected == Peaks()
                    continue
                assert Peaks(*(row[f"{each}_peak"] for each in PEAKS)) == expected
                assert row["held_peak_at"] == held_at
    assert not told


def by_minute(start: datetime, stop: datetime) -> Iterator[tuple[datetime, list[datetime]]]:
    """The whole seconds of a window, the one that it opens in included, by minute."""
    second = start.replace(microsecond=0)
    while second < stop:
        minute = second.replace(second=0)
        seconds = []
        while second < min(minute + MINUTE, stop):
            seconds.append(second)
            second += SECOND
        yield minute, seconds
