"""Silences of a source that otherwise speaks."""

from collections.abc import Iterable

import polars as pl

from pipeline.transforms.gaps import gaps
from pipeline.window import Window
from tests.given import at, hours


def spoken(minutes: Iterable[int]) -> pl.Series:
    return pl.Series([at(minute) for minute in minutes], dtype=pl.Datetime("us"))


def test_a_silence_of_ten_minutes_is_a_gap() -> None:
    said = [*range(30), *range(40, 60)]
    assert gaps(spoken(said), hours(1)) == [(at(30), at(40))]


def test_a_shorter_silence_is_none() -> None:
    assert gaps(spoken([*range(30), *range(39, 60)]), hours(1)) == []


def test_silence_at_either_end_of_the_window_is_a_gap() -> None:
    assert gaps(spoken(range(20, 90)), hours(2)) == [(at(0), at(20)), (at(90), at(120))]


def test_a_source_that_said_nothing_is_one_gap() -> None:
    assert gaps(spoken([]), hours(1)) == [(at(0), at(60))]


def test_a_source_that_hardly_speaks_has_no_gaps() -> None:
    assert gaps(spoken(range(0, 600, 30)), hours(10)) == []


def test_the_order_and_repetition_of_minutes_make_no_difference() -> None:
    said = [*range(40, 60), *range(30), *range(5)]
    assert gaps(spoken(said), hours(1)) == [(at(30), at(40))]


def test_a_window_that_begins_within_a_minute_has_no_gap_for_that() -> None:
    assert gaps(spoken(range(60)), Window(at(0.5), at(59.5))) == []
