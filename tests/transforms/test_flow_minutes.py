"""Minutes of flow logs: covered, worth reading, and what they say of ports."""

from collections.abc import Mapping
from datetime import timedelta

import polars as pl
import pytest

from pipeline.transforms.flow_minutes import (
    borne_out,
    by_source,
    covered,
    estimated,
    fullest,
    worth_reading,
)
from pipeline.window import Window
from tests.given import at, hours

TIME = pl.Datetime("us")


def told(tuples: Mapping[int, int]) -> pl.DataFrame:
    """Tuples by minute from eight on."""
    return pl.DataFrame(
        {"minute": [at(minute) for minute in tuples], "tuples": list(tuples.values())},
        schema={"minute": TIME, "tuples": pl.Int64},
    )


def levels(values: Mapping[int, tuple[float, float]]) -> pl.DataFrame:
    """At least and at most by minute; at most is the estimate."""
    return pl.DataFrame(
        {
            "minute": [at(minute) for minute in values],
            "lower": [lower for lower, _ in values.values()],
            "estimate": [upper for _, upper in values.values()],
            "upper": [upper for _, upper in values.values()],
        },
        schema={"minute": TIME, **dict.fromkeys(("lower", "estimate", "upper"), pl.Float64)},
    )


def numbers(minutes: pl.DataFrame) -> list[int]:
    return [(each - at(0)) // timedelta(minutes=1) for each in minutes["minute"]]


def test_minutes_between_tuples_are_covered_and_a_longer_silence_is_not() -> None:
    there = numbers(covered(told({5: 1, 15: 1, 26: 1}), hours(1)))
    assert there == [*range(5, 16), 26]


def test_where_nothing_is_told_nothing_is_covered() -> None:
    assert covered(told({}), hours(1)).is_empty()


def fullness(shares: list[float]) -> pl.DataFrame:
    """A share at the first minute of each hour."""
    return pl.DataFrame(
        {"minute": [at(60 * number) for number in range(len(shares))], "share": shares},
        schema_overrides={"minute": TIME},
    )


SHARES = [0.1, 0.9, 0.8, 0.2, 0.7]
TUPLES = told({60 * number: 100 for number in range(5)})


@pytest.mark.parametrize(
    ("most", "read"),
    [
        (1000, [(0, 5)]),
        (300, [(1, 3), (4, 5)]),
        (100, [(1, 2)]),
        (10, []),  # Not even the fullest.
    ],
)
def test_the_fullest_hours_are_read_and_neighbours_at_once(
    most: int, read: list[tuple[int, int]]
) -> None:
    spans = worth_reading(TUPLES, fullness(SHARES), hours(5), most)
    assert spans == [Window(at(60 * start), at(60 * stop)) for start, stop in read]


def test_a_long_stretch_is_read_in_parts_and_ends_with_the_window() -> None:
    tuples = told({60 * number: 1 for number in range(14)})
    window = Window(at(30), at(13.5 * 60))
    spans = worth_reading(tuples, fullness([0.5] * 14), window, 1000)
    assert [(each.start, each.stop) for each in spans] == [
        (at(30), at(360)),
        (at(360), at(720)),
        (at(720), at(810)),
    ]


def test_an_hour_without_tuples_is_not_read() -> None:
    assert worth_reading(told({0: 5}), fullness([0.1, 0.9]), hours(2), 1000) == [
        Window(at(0), at(60))
    ]


def test_a_minute_without_a_row_is_as_the_one_before_it() -> None:
    flows = pl.DataFrame(
        {
            "source_ip": ["10.0.0.4"] * 2,
            "minute": [at(1), at(3)],
            "lower_peak": [2, 0],
            "upper_peak": [3, 1],
        },
        schema_overrides={"minute": TIME},
    )
    found = by_source(flows, levels(dict.fromkeys(range(5), (0, 0))).select("minute"))
    assert found["10.0.0.4"]["lower"].to_list() == [0, 2, 2, 0, 0]
    assert found["10.0.0.4"]["upper"].to_list() == [0, 3, 3, 1, 1]


@pytest.mark.parametrize(("shared", "upper"), [(False, [5.0, 7.0]), (True, [9.0, 8.0])])
def test_each_source_has_its_own_ports_or_all_have_one_pool(
    shared: bool, upper: list[float]
) -> None:
    sources = {"a": levels({0: (1, 5), 1: (1, 1)}), "b": levels({0: (2, 4), 1: (3, 7)})}
    found = fullest(sources, shared=shared)
    assert found["upper"].to_list() == upper
    assert found["lower"].to_list() == [2, 3]


def test_minutes_with_fewer_flows_than_calls_surely_held_are_not_covered() -> None:
    flows = levels({0: (0, 3), 1: (0, 3), 2: (0, 3)})
    logs = levels({0: (3, 9), 1: (4, 9), 2: (4.1, 9), 3: (9, 9)})
    assert numbers(borne_out(flows, logs)) == [0, 1]


def test_no_more_is_held_than_can_be_unless_it_surely_was() -> None:
    found = estimated(levels({0: (2, 3), 1: (2, 9), 2: (6, 9)}), 5)
    assert found["estimate"].to_list() == [3, 5, 6]
    assert found["upper"].to_list() == [3, 9, 9]
