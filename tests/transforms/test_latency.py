"""How BackendTime of successes moved, with failures and their connect waits left out."""

import numpy as np
import polars as pl
import pytest

from pipeline.transforms.latency import Shift, baseline, shifts
from pipeline.window import Window
from tests.given import ORDERS, PAYMENTS, Counts, at, hours, run, series_frame


def answered(
    p95: Counts, calls: int = 30, destination: str = PAYMENTS, succeeded: bool = True
) -> pl.DataFrame:
    frame = series_frame("p95_ms", p95, destination=destination, succeeded=succeeded)
    return frame.with_columns(calls=calls, p50_ms=pl.col("p95_ms") / 2, p99_ms=pl.col("p95_ms") * 2)


def jitter(level: float, minutes: int, seed: int = 1) -> list[float]:
    random = np.random.default_rng(seed)
    values: list[float] = (level * np.exp(random.normal(0, 0.05, minutes))).tolist()
    return values


def only(*frames: pl.DataFrame) -> Shift:
    [found] = shifts(pl.concat(frames), run(70, 100), hours(3))
    return found


def test_the_baseline_is_the_hour_that_ends_five_minutes_before() -> None:
    assert baseline(run(90.5, 120), hours(3)) == Window(at(25), at(85))


def test_the_baseline_is_shorter_where_the_window_begins_later() -> None:
    assert baseline(run(30, 60), hours(3)) == Window(at(0), at(25))


def test_there_is_no_baseline_where_the_incident_comes_at_once() -> None:
    assert baseline(run(9, 60), hours(3)) is None
    assert baseline(run(10, 60), hours(3)) is not None


def test_a_backend_that_got_slower_before_the_first_failure_is_seen_to_have_done_so() -> None:
    found = only(answered(jitter(100, 62) + jitter(400, 60)))
    assert found.factor == pytest.approx(4, rel=0.1)
    assert (found.change_from, found.change_at, found.change_to) == (at(62),) * 3
    assert found.change_factor == pytest.approx(4, rel=0.1)


def test_failures_that_waited_to_connect_do_not_make_the_backend_slow() -> None:
    found = only(
        answered(jitter(100, 120)),
        answered([0.0] * 70 + [21_000.0] * 30, succeeded=False),
    )
    assert found.factor == pytest.approx(1, rel=0.1)
    assert found.change_at is None


def test_destinations_are_told_apart_the_slowest_first() -> None:
    first, second = shifts(
        pl.concat(
            [
                answered(jitter(100, 120)),
                answered(jitter(100, 70) + jitter(900, 50), destination=ORDERS),
            ]
        ),
        run(70, 100),
        hours(3),
    )
    assert (first.destination, second.destination) == (ORDERS, PAYMENTS)


def test_too_few_calls_have_no_level() -> None:
    found = only(
        answered([*[0.0] * 20, 100.0, *[0.0] * 60, 900.0], calls=1).filter(pl.col("p95_ms") > 0)
    )
    assert (found.before.p95, found.during.p95, found.factor) == (None, None, None)
    assert (found.before.calls, found.during.calls) == (1, 1)


def test_without_a_time_before_there_is_nothing_to_compare_with() -> None:
    [found] = shifts(answered(jitter(100, 60)), run(3, 40), hours(1))
    assert (found.baseline, found.before.p95, found.change_at) == (None, None, None)
    assert found.during.p95 == pytest.approx(100, rel=0.1)


def test_no_successes_have_no_shift() -> None:
    assert shifts(answered([100.0] * 60, succeeded=False), run(30, 50), hours(1)) == []
