"""Dates of crossing on histories whose true course is known, and what is said where none is."""

from datetime import date, timedelta

import numpy as np
import pytest

from pipeline.transforms.forecast import Event, forecast
from tests.forecast_accuracy import tried
from tests.histories import FIRST

SEEDS = range(9000, 9020)


def line(days: int, today: float, slope: float) -> np.ndarray:
    return today + slope * (np.arange(days) - days)


def test_a_straight_line_crosses_where_it_does() -> None:
    said = forecast(line(60, 0.5, 0.01), FIRST)
    assert said
    true = FIRST + timedelta(days=60 + 30)
    crossing = said.crossing(0.8)
    assert crossing.median is not None
    assert abs((crossing.median - true).days) <= 1


@pytest.mark.parametrize("slope", [0.0, -0.002])
def test_what_does_not_grow_gets_no_date(slope: float) -> None:
    noise = np.random.default_rng(1).normal(0, 0.01, 60)
    said = forecast(line(60, 0.7, slope) + noise, FIRST)
    assert said
    assert said.crossing(0.8).low is said.crossing(0.8).median is None


def test_a_jump_that_stayed_is_no_growth() -> None:
    noise = np.random.default_rng(2).normal(0, 0.01, 70)
    said = forecast(np.where(np.arange(70) < 40, 0.4, 0.6) + noise, FIRST)
    assert said
    assert said.trend.jump is not None
    assert abs(said.trend.jump - 40) <= 2
    assert said.crossing(0.8).median is None


@pytest.mark.parametrize("days", [0, 1, 20])
def test_too_little_history_foretells_nothing(days: int) -> None:
    assert forecast(line(days, 0.5, 0.01), FIRST) is None


def test_missing_days_do_not_count_as_history() -> None:
    values = line(40, 0.5, 0.01)
    values[5:30] = np.nan
    assert forecast(values, FIRST) is None


def test_a_day_far_too_high_and_an_outage_move_no_date() -> None:
    plain = line(60, 0.5, 0.01)
    odd = plain.copy()
    odd[30], odd[55] = 3.0, 0.0
    one, other = forecast(plain, FIRST), forecast(odd, FIRST)
    assert one
    assert other
    first, second = one.crossing(0.8).median, other.crossing(0.8).median
    assert first
    assert second
    assert abs((first - second).days) <= 2


def test_quiet_weekends_are_foretold_as_such() -> None:
    weekdays = (np.arange(56) + FIRST.weekday()) % 7
    said = forecast(np.where(weekdays < 5, 0.6, 0.2), FIRST)
    assert said
    for each in said.days(14):
        assert each.median == pytest.approx(0.6 if each.day.weekday() < 5 else 0.2, abs=0.02)


def test_an_event_counts_on_its_days_and_teaches_nothing_once_over() -> None:
    values = np.full(56, 0.5)
    values[20:30] = 1.4
    past = Event("sale", FIRST + timedelta(days=20), FIRST + timedelta(days=29), 2.8)
    to_come = Event("fair", date(2026, 4, 1), date(2026, 4, 2), 1.8)
    said = forecast(values, FIRST, [past, to_come])
    assert said
    assert said.trend.days == 46
    assert said.crossing(0.8).median == date(2026, 4, 1)
    assert said.crossing(1.0).median is None


def test_days_foretold_are_tried_out_on_the_past() -> None:
    noise = np.random.default_rng(3).normal(0, 0.02, 91)
    said = forecast(line(91, 0.5, 0.002) + noise, FIRST)
    assert said
    test = said.back_test
    assert test.tried
    assert 0.6 <= test.inside / test.values <= 0.95


def test_intervals_hold_the_true_day_about_as_often_as_they_promise() -> None:
    found = [
        each
        for kind in ("linear", "seasonal", "stepped")
        for each in tried(kind, SEEDS)
        if each.history.crossing is not None
    ]
    assert 0.7 <= np.mean([each.covered for each in found]) <= 0.9
    dated = [each for each in found if each.dated]
    assert np.mean([each.near for each in dated]) >= 0.85
    assert len(dated) >= 0.8 * len(found)


@pytest.mark.parametrize("kind", ["flat", "flat_step", "shrinking"])
def test_hardly_ever_is_a_date_invented(kind: str) -> None:
    """How often is in docs/accuracy-capacity.md."""
    assert sum(each.dated for each in tried(kind, SEEDS)) <= 1


def test_a_step_that_noise_blurs_is_not_told_as_growth() -> None:
    noise = np.random.default_rng(4).normal(0, 0.04, 42)
    said = forecast(np.where(np.arange(42) < 20, 0.5, 0.6) + noise, FIRST)
    assert said
    assert said.trend.slope > 3 * said.trend.slope_error
    assert said.crossing(0.8).median is None


def test_growth_in_doubt_has_an_earliest_day_alone() -> None:
    noise = np.random.default_rng(2).normal(0, 0.03, 42)
    said = forecast(line(42, 0.6, 0.001) + noise, FIRST)
    assert said
    assert said.trend.may_grow
    assert not said.grows
    crossing = said.crossing(0.8)
    assert crossing.low is not None
    assert crossing.median is crossing.high is None
