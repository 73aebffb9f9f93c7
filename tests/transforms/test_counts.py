"""Counts are what adding up the requests one by one gives, however dense they are."""

import calendar
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dataset import Type
from pipeline.query import queries
from pipeline.transforms.counts import by_minute, by_second
from pipeline.transforms.kinds import Requests

DAYS = (date(2026, 3, 10), date(2026, 3, 11))
SCHEMA = pa.schema(
    [(each.name, Type(each.type.lower()).arrow) for each in queries()["request_kinds"].returns]
)
DAY_S = 86_400
Came = list[tuple[int, int]]


@dataclass(frozen=True)
class Kind:
    """What tells requests of a day apart, and the weight of each."""

    date: date
    instance: str | None
    caller: str | None
    called: str
    ending: str | None
    result: str
    weight: float


KINDS = st.builds(
    Kind,
    st.sampled_from(DAYS),
    st.sampled_from((None, "a")),
    st.sampled_from((None, "shop")),
    st.sampled_from(("api.example.net", "203.0.113.10")),
    st.sampled_from((None, "answered", "reset")),
    st.sampled_from(("timed", "starved", "failed", "other")),
    st.sampled_from((1.0, 2.5)),
)
# In a minute or anywhere in a day; over in a minute or after up to three weeks.
REQUESTS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 60_000_000), st.integers(0, DAY_S * 1_000_000 - 1)),
        st.one_of(st.integers(0, 60_000), st.integers(0, 2**31 - 1)),
    ),
    min_size=1,
    max_size=40,
)
TOLD = st.dictionaries(KINDS, REQUESTS, max_size=6)


def days(told: dict[Kind, Came]) -> Iterator[tuple[date, Requests, pa.Table]]:
    """By day: when requests of each kind came, how long their calls took, and how they ended."""
    for day in sorted({kind.date for kind in told}):
        of_day = {kind: requests for kind, requests in told.items() if kind.date == day}
        midnight = calendar.timegm(day.timetuple()) * 1_000_000
        came = [
            (number, midnight + began, busy)
            for number, requests in enumerate(of_day.values())
            for began, busy in requests
        ]
        kind, began_us, busy_ms = np.array(came, np.int64).T
        told_kinds = [
            {**vars(each), "kind": number, "resource_id": "gw", "api": None, "port": 443}
            for number, each in enumerate(of_day)
        ]
        judged = pa.Table.from_pylist(told_kinds, SCHEMA)
        yield day, Requests(judged, kind.astype(np.int32), began_us, busy_ms), judged


@settings(deadline=None)
@given(TOLD)
def test_it_adds_up_what_began_and_was_over(told: dict[Kind, Came]) -> None:
    expected: Counter[tuple[object, ...]] = Counter()
    for each, requests in told.items():
        midnight = datetime.combine(each.date, datetime.min.time())
        kind = (each.date, each.instance, each.called, each.ending)
        for began_us, busy_ms in requests if each.ending else ():
            began = began_us // 1_000_000
            # The first whole second that the call does not reach; one later, a day at the most.
            over = -(-(began_us + 1000 * busy_ms) // 1_000_000)
            over = min(max(over, began + 1), began + DAY_S)
            expected[*kind, midnight + timedelta(seconds=began), "started"] += each.weight  # type: ignore[assignment]
            expected[*kind, midnight + timedelta(seconds=over), "ended"] += each.weight  # type: ignore[assignment]
    found: dict[tuple[object, ...], float] = {}
    for day, came, judged in days(told):
        for row in by_second(day, came, judged).to_pylist():
            assert row["started"] or row["ended"], "a second without anything is not told"
            kind = (day, row["instance"], row["called"], row["ending"])
            for side in ("started", "ended"):
                key = (*kind, row["time"], side)
                assert key not in found, "one row a second and kind"
                found[key] = row[side]
    assert {key: value for key, value in found.items() if value} == expected


@settings(deadline=None)
@given(TOLD)
def test_it_adds_up_the_requests_of_a_minute(told: dict[Kind, Came]) -> None:
    expected: Counter[tuple[object, ...]] = Counter()
    for each, requests in told.items():
        midnight = datetime.combine(each.date, datetime.min.time())
        for began_us, busy_ms in requests:
            time = midnight + timedelta(minutes=began_us // 60_000_000)
            kind = (each.date, each.caller, each.called, time)
            asked = each.ending is not None
            for name, value in (
                ("requests", 1),
                ("failures", each.result in ("failed", "starved")),
                ("starved", each.result == "starved"),
                ("calls", asked),
                ("timed", each.result == "timed"),
                ("backend_ms", busy_ms * (each.result == "timed")),
                ("busy_ms", busy_ms * asked),
            ):
                expected[*kind, name] += each.weight * value  # type: ignore[assignment]
    found: dict[tuple[object, ...], float] = {}
    for day, came, judged in days(told):
        counts = by_minute(day, came, judged)
        for row in counts.to_pylist():
            kind = (day, row["caller"], row["called"], row["time"])
            assert (*kind, "requests") not in found, "one row a minute and kind"
            found |= {(*kind, name): row[name] for name in counts.column_names[-7:]}
    assert found == expected


@pytest.mark.parametrize("counted", [by_second, by_minute])
def test_rows_of_a_kind_stand_together_in_order_of_time(
    counted: Callable[[date, Requests, pa.Table], pa.Table],
) -> None:
    kinds = [Kind(DAYS[0], None, None, called, "answered", "timed", 1.0) for called in ("b", "a")]
    told = {kind: [(90_000_000, 1000), (10_000_000, 5000)] for kind in kinds}
    ((day, requests, judged),) = days(told)
    counts = counted(day, requests, judged)
    order = [(each["called"], each["time"]) for each in counts.to_pylist()]
    assert order == sorted(order)
    assert order[0][0] == "a"
    assert order[-1] == ("b", max(time for _, time in order))
