"""What moved with the failures: lags, signs, and chance that is not taken for more."""

import numpy as np
import pytest

from pipeline.transforms.companions import match
from pipeline.transforms.grid import Series

MINUTES = 240


def noise(seed: int) -> Series:
    return np.random.default_rng(seed).normal(size=MINUTES)


def burst(start: int, length: int = 20) -> Series:
    values: Series = np.abs(noise(1)) * 0.01
    values[start : start + length] += 10 + np.arange(length) % 7
    return values


@pytest.mark.parametrize("lag", [-7, -1, 0, 3, 10])
def test_the_lag_is_positive_where_the_series_follows_the_failures(lag: int) -> None:
    failures = burst(100)
    found = match(failures, np.roll(failures, lag))
    assert found is not None
    assert found.lag_min == lag
    assert found.correlation == pytest.approx(1.0)
    assert found.p_value < 0.01


def test_a_series_that_falls_as_failures_rise_has_a_negative_correlation() -> None:
    found = match(burst(100), -burst(100))
    assert found is not None
    assert found.correlation == pytest.approx(-1.0)


def test_ranks_count_not_sizes() -> None:
    found = match(burst(100), np.exp(burst(100) / 3))
    assert found is not None
    assert found.correlation == pytest.approx(1.0)


def test_series_that_have_nothing_to_do_with_each_other_are_seldom_significant() -> None:
    matches = [match(noise(seed), noise(seed + 1000)) for seed in range(60)]
    significant = [each for each in matches if each is not None and each.p_value <= 0.05]
    assert len(significant) <= 8


def test_two_slow_waves_are_not_significant_for_being_smooth() -> None:
    wave = np.sin(np.arange(MINUTES) / 20)
    found = match(wave, np.roll(wave, 90))
    assert found is not None
    assert found.p_value > 0.1


def test_a_series_that_never_moves_says_nothing() -> None:
    assert match(burst(100), np.full(MINUTES, 3.0)) is None
    assert match(np.zeros(MINUTES), burst(100)) is None


def test_too_few_minutes_say_nothing() -> None:
    assert match(noise(1)[:59], noise(1)[:59]) is None
    assert match(noise(1)[:60], noise(1)[:60]) is not None
