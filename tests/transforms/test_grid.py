"""Minutes without gaps."""

import polars as pl

from pipeline.transforms.grid import level, minutes, series
from pipeline.window import Window
from tests.given import at, series_frame


def test_there_is_a_row_for_each_minute_that_the_window_touches() -> None:
    grid = minutes(Window(at(0.5), at(3.25)))
    assert grid["minute"].to_list() == [at(0), at(1), at(2), at(3)]


def test_the_minute_at_which_a_window_stops_is_not_in_it() -> None:
    assert minutes(Window(at(0), at(2)))["minute"].to_list() == [at(0), at(1)]


def test_rows_of_a_minute_are_summed_and_minutes_without_rows_filled() -> None:
    frame = pl.concat([series_frame("calls", [1.0, 2.0]), series_frame("calls", [10.0])])
    assert series(frame, Window(at(0), at(4)), "calls", -1).tolist() == [11, 2, -1, -1]


def test_rows_outside_of_the_window_are_left_out() -> None:
    frame = series_frame("calls", [1.0, 2.0, 3.0])
    assert series(frame, Window(at(1), at(2)), "calls", 0).tolist() == [2]


def test_no_rows_at_all_are_all_missing() -> None:
    frame = series_frame("calls", [1.0]).clear()
    assert series(frame, Window(at(0), at(2)), "calls", 0).tolist() == [0, 0]


def test_a_level_stands_until_it_changes() -> None:
    frame = series_frame("held", [5.0, 0.0, 7.0]).filter(pl.col("held") > 0)
    assert level(frame, Window(at(0), at(5)), "held").tolist() == [5, 5, 7, 7, 7]


def test_a_level_of_which_nothing_is_known_yet_is_none() -> None:
    frame = series_frame("held", [0.0, 7.0]).filter(pl.col("held") > 0)
    assert level(frame, Window(at(0), at(3)), "held").tolist() == [0, 7, 7]
