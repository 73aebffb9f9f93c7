"""Minutes in which more requests end in one way than usual."""

import numpy as np
import pytest

from pipeline.transforms.departures import HIGHEST_USUAL_RATE, departure, weight
from pipeline.transforms.grid import Series

CAPPED = HIGHEST_USUAL_RATE


def flat(value: float, minutes: int = 240) -> Series:
    return np.full(minutes, float(value))


def with_burst(usual: float, burst: float) -> Series:
    values = flat(usual)
    values[100:120] = burst
    return values


def bad(counts: Series, requests: float = 600, highest: float | None = CAPPED) -> list[int]:
    found = departure(flat(requests), counts, 1, highest)
    return np.flatnonzero(found.bad).tolist()


def test_a_burst_does_not_raise_the_bar_for_itself() -> None:
    found = departure(flat(600), with_burst(6, 300), 1, CAPPED)
    assert (found.usual, found.spread) == (0.01, 0)
    assert np.flatnonzero(found.bad).tolist() == list(range(100, 120))


def test_twice_the_usual_is_not_bad_however_certain() -> None:
    assert bad(with_burst(60_000, 120_000), requests=6_000_000) == []
    assert bad(with_burst(60_000, 120_001), requests=6_000_000) == list(range(100, 120))


def test_two_failures_are_not_bad_even_where_all_fail() -> None:
    requests = flat(2, 4)
    assert not departure(requests, requests, 1, CAPPED).bad.any()


def test_a_rate_above_what_is_usual_anywhere_is_bad_throughout() -> None:
    assert bad(flat(300)) == list(range(240))


def test_without_a_bound_on_what_is_usual_a_steady_rate_is() -> None:
    assert bad(flat(300), highest=None) == []


def test_the_lower_side_of_a_lasting_step_is_usual() -> None:
    late = np.r_[flat(0, 40), flat(60, 200)]
    assert bad(late, highest=None) == list(range(40, 240))
    assert bad(late[::-1], highest=None) == list(range(200))


def test_a_step_after_a_few_minutes_does_not_make_them_the_usual_ones() -> None:
    assert bad(np.r_[flat(0, 5), flat(60, 235)], highest=None) == []


def test_failures_too_rare_to_tell_by_the_minute_are_told_by_the_hour() -> None:
    requests, counts = flat(1), np.r_[flat(0, 120), flat(1, 60), flat(0, 60)]
    found = departure(requests, counts, 1, CAPPED)
    assert np.flatnonzero(found.bad).tolist() == list(range(120, 180))


def test_minutes_without_requests_are_neither_usual_nor_bad() -> None:
    requests, counts = with_burst(600, 0), with_burst(6, 0)
    found = departure(requests, counts, 1, CAPPED)
    assert found.usual == pytest.approx(0.01)
    assert not found.bad.any()


def test_a_gateway_without_requests_has_no_rate() -> None:
    found = departure(flat(0), flat(0), 1, CAPPED)
    assert (found.usual, found.spread) == (0, 0)
    assert not found.bad.any()


def test_half_a_departure_is_raised_and_not_bad() -> None:
    found = departure(flat(600), with_burst(9, 22), 1, CAPPED)
    assert not found.bad[:100].any()
    assert found.raised[100:120].all()
    assert not found.raised[:100].any()


def test_a_record_weighs_what_it_stands_for_in_the_minute_that_shows_it_best() -> None:
    assert weight(flat(600), flat(60)) == 10
    assert weight(flat(600), flat(0)) == 1
    assert weight(np.array([600.0, 1000.0, 50.0]), np.array([60.0, 5.0, 0.0])) == 10


def test_few_heavy_records_are_chance_where_many_light_ones_are_none() -> None:
    counts = flat(0)
    counts[100] = 10
    assert not departure(flat(600), counts, 10, CAPPED).bad[100]
    assert departure(flat(600), counts, 1, CAPPED).bad[100]
