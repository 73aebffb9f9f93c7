"""When a level changed, and how sure the place is."""

import numpy as np
import pytest

from pipeline.transforms.change_point import step
from pipeline.transforms.grid import Series


def stepped(at: int, rise: float, count: int = 120, seed: int = 1) -> Series:
    values = np.random.default_rng(seed).normal(size=count)
    values[at:] += rise
    return values


def test_a_clear_step_is_found_where_it_is() -> None:
    found = step(stepped(70, 8))
    assert found is not None
    assert found.at == 70
    assert found.low <= 70 <= found.high
    assert found.rise == pytest.approx(8, abs=0.6)
    assert found.significant


def test_a_step_down_has_a_negative_rise() -> None:
    found = step(stepped(70, -8))
    assert found is not None
    assert found.rise < 0
    assert found.significant


def test_the_span_holds_the_true_place_nearly_always() -> None:
    spans = [step(stepped(60, 1.5, seed=seed)) for seed in range(100)]
    held = [each for each in spans if each is not None and each.low <= 60 <= each.high]
    assert len(held) >= 90


def test_the_span_is_wider_where_the_step_is_smaller() -> None:
    small, large = step(stepped(60, 1)), step(stepped(60, 6))
    assert small is not None
    assert large is not None
    assert small.high - small.low > large.high - large.low


def test_noise_alone_is_seldom_a_step() -> None:
    found = [step(stepped(0, 0, seed=seed)) for seed in range(100)]
    assert sum(each is not None and each.significant for each in found) <= 5


def test_a_wandering_level_is_seldom_a_step() -> None:
    significant = 0
    for seed in range(50):
        shocks = np.random.default_rng(seed).normal(size=120)
        values = np.zeros(120)
        for place in range(1, 120):
            values[place] = 0.7 * values[place - 1] + shocks[place]
        found = step(values)
        significant += found is not None and found.significant
    assert significant <= 5


def test_a_constant_level_has_no_step() -> None:
    found = step(np.full(60, 5.0))
    assert found is not None
    assert not found.significant


def test_a_step_without_noise_is_certain() -> None:
    found = step(np.r_[np.zeros(20), np.ones(30)])
    assert found is not None
    assert (found.at, found.low, found.high, found.significant) == (20, 20, 20, True)


def test_a_short_series_says_nothing() -> None:
    assert step(np.arange(9.0)) is None
    assert step(np.arange(10.0)) is not None
