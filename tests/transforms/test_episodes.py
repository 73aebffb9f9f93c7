"""Stretches in which a level was reached."""

from datetime import datetime, timedelta

import polars as pl

from pipeline.transforms.episodes import above, misses

START = datetime(2026, 3, 10, 12)


def minutes(*values: float) -> pl.DataFrame:
    times = [START + timedelta(minutes=place) for place in range(len(values))]
    return pl.DataFrame({"minute": times, "upper": values}, schema_overrides={"upper": pl.Float64})


def test_minutes_that_follow_each_other_are_one_episode() -> None:
    (one,) = above(minutes(0, 5, 6, 5, 0), "upper", 5)
    assert (one.start, one.stop) == (START + timedelta(minutes=1), START + timedelta(minutes=4))
    assert one.minutes == 3


def test_a_short_pause_ends_no_episode_and_a_long_one_does() -> None:
    assert [each.minutes for each in above(minutes(5, 0, 0, 0, 0, 5), "upper", 5)] == [2]
    assert [each.minutes for each in above(minutes(5, 0, 0, 0, 0, 0, 5), "upper", 5)] == [1, 1]


def test_below_the_level_there_is_none() -> None:
    assert above(minutes(1, 2, 3), "upper", 5) == []
    assert above(minutes(), "upper", 5) == []


def test_it_was_no_near_miss_if_a_call_went_without() -> None:
    told = minutes(5, 5, 0, 0, 0, 0, 0, 0, 5)
    first, second = misses(told, 5, [])
    assert misses(told, 5, [START + timedelta(minutes=1)]) == [second]
    assert misses(told, 5, [START + timedelta(minutes=8)]) == [first]
    assert misses(told, 5, [START + timedelta(minutes=4)]) == [first, second]
