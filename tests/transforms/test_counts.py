"""Counts by second are what adding up the calls one by one gives, however dense they are."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dataset import Type
from pipeline.query import queries
from pipeline.transforms.counts import by_second

DAYS = (date(2026, 3, 10), date(2026, 3, 11))
SCHEMA = pa.schema(
    [(each.name, Type(each.type.lower()).arrow) for each in queries()["call_times"].returns]
)


@dataclass(frozen=True)
class Place:
    """What tells calls of a day apart, and the weight of each."""

    date: date
    instance: str | None
    called: str
    ending: str
    weight: float


PLACES = st.builds(
    Place,
    st.sampled_from(DAYS),
    st.sampled_from((None, "a")),
    st.sampled_from(("api.example.net", "203.0.113.10")),
    st.sampled_from(("answered", "reset")),
    st.sampled_from((1.0, 2.5)),
)
# In a minute or anywhere in a day; over in a minute or after up to a day.
CALLS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 60), st.integers(0, 86_399)),
        st.one_of(st.integers(1, 60), st.integers(1, 86_400)),
    ),
    min_size=1,
    max_size=40,
)


def row(place: Place, calls: list[tuple[int, int]]) -> dict[str, object]:
    """A row of the query's answer."""
    return {
        **vars(place),
        "resource_id": "gw",
        "port": 443,
        "host": None,
        "began": [began for began, _ in calls],
        "over": [began + lasts for began, lasts in calls],
    }


@settings(deadline=None)
@given(st.dictionaries(PLACES, CALLS, max_size=6))
def test_it_adds_up_what_began_and_was_over(told: dict[Place, list[tuple[int, int]]]) -> None:
    expected: Counter[tuple[object, ...]] = Counter()
    for place, calls in told.items():
        midnight = datetime.combine(place.date, datetime.min.time())
        kind = (place.date, place.instance, place.called, place.ending)
        for began, lasts in calls:
            expected[*kind, midnight + timedelta(seconds=began), "started"] += place.weight  # type: ignore[assignment]
            over = midnight + timedelta(seconds=began + lasts)
            expected[*kind, over, "ended"] += place.weight  # type: ignore[assignment]
    found: dict[tuple[object, ...], float] = {}
    for day, counts in by_second(
        pa.Table.from_pylist([row(*each) for each in told.items()], SCHEMA)
    ):
        for each in counts.to_pylist():
            assert each["started"] or each["ended"], "a second without anything is not told"
            kind = (day, each["instance"], each["called"], each["ending"])
            for side in ("started", "ended"):
                key = (*kind, each["time"], side)
                assert key not in found, "one row a second and kind"
                found[key] = each[side]
    assert {key: value for key, value in found.items() if value} == expected


def test_rows_of_a_kind_stand_together_in_order_of_time() -> None:
    places = [Place(DAYS[0], None, called, "answered", 1.0) for called in ("b", "a")]
    told = [row(place, [(50, 1), (10, 5)]) for place in places]
    ((day, counts),) = by_second(pa.Table.from_pylist(told, SCHEMA))
    assert day == DAYS[0]
    order = [(each["called"], each["time"]) for each in counts.to_pylist()]
    assert order == sorted(order)
    assert order[0] == ("a", datetime(2026, 3, 10, 0, 0, 10))
