"""Before and after: which minutes match, what can be told of a difference, and what cannot."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from pipeline.compare import task
from pipeline.comparison import Side, Sides, comparison
from pipeline.comparison_finding import Comparison
from pipeline.errors import PipelineError
from pipeline.finding import Change
from pipeline.transforms.estimates import LEAST_HOURS, Estimate, median, ratio
from pipeline.transforms.matching import LOAD_BAND, Pairs, pairs, within
from pipeline.window import Window
from tests.given import EIGHT, GATEWAY, at, requests_by_minute, run

WEEK = timedelta(days=7)
DAY_S = timedelta(days=1)
TARGET = "203.0.113.10:443"


def minutes(loads: Sequence[float], later: timedelta = timedelta()) -> pl.DataFrame:
    """Minutes with so many requests from eight on, or so much later."""
    frame = requests_by_minute(loads).with_columns(pl.col("minute") + later)
    return within(frame, Window(EIGHT + later, EIGHT + later + 2 * DAY_S))


def matched(before: Sequence[float], after: Sequence[float], later: timedelta = WEEK) -> Pairs:
    return pairs(minutes(before), minutes(after, later))


def test_minutes_of_the_same_weekday_hour_and_load_are_a_pair() -> None:
    found = matched([100, 200], [200, 100]).frame
    assert found["requests_before"].to_list() == found["requests_after"].to_list() == [100, 200]
    assert (found["after"] - found["before"]).to_list() == [
        WEEK + timedelta(minutes=1),
        WEEK - timedelta(minutes=1),
    ]


@pytest.mark.parametrize("later", [timedelta(days=1), WEEK + timedelta(hours=1)])
def test_minutes_of_another_weekday_or_hour_are_none(later: timedelta) -> None:
    assert matched([100] * 60, [100] * 60, later).frame.is_empty()


def test_load_may_differ_by_the_band_and_no_more() -> None:
    assert matched([100], [100 * LOAD_BAND]).frame.height == 1
    assert matched([100 * LOAD_BAND], [100]).frame.height == 1
    assert matched([100], [100 * LOAD_BAND + 1]).frame.is_empty()


def test_no_minute_is_in_two_pairs_and_as_many_are_made_as_can_be() -> None:
    found = matched([100, 110, 300, 310], [105, 120, 125, 500])
    assert found.frame.height == 2
    assert found.frame["after"].n_unique() == found.frame["before"].n_unique() == 2
    assert (found.minutes_before, found.minutes_after) == (4, 4)


def test_a_minute_without_requests_is_no_minute() -> None:
    assert matched([0, 100], [100, 0]).minutes_before == 1


def in_hours(values: Sequence[float], minutes_each: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """A number by minute that is the same all through each hour, and the hours."""
    hours = np.repeat(np.arange(len(values)), minutes_each)
    return np.asarray(values, float)[hours], hours


def shares(before: Sequence[float], after: Sequence[float]) -> Estimate:
    """Failures of 100 requests a minute, hour by hour."""
    old, hours = in_hours(before)
    new, _ = in_hours(after)
    each = np.full_like(old, 100.0)
    found = ratio((old, each), (new, each), hours)
    assert found
    return found


def test_what_failed_in_every_hour_and_does_no_more_is_told() -> None:
    found = shares([4, 6] * 10, [0] * 20)
    assert found.before == pytest.approx(0.05)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.difference == pytest.approx(-0.05)
    assert found.low > -0.06
    assert found.high < -0.04


def test_one_bad_hour_among_many_good_ones_tells_nothing_however_many_minutes_it_has() -> None:
    found = shares([60] + [0] * 23, [0] * 24)
    assert found.before == pytest.approx(0.025)
    assert found.high == 0


def test_too_few_hours_or_minutes_have_no_interval() -> None:
    assert shares([5] * (LEAST_HOURS - 1), [0] * (LEAST_HOURS - 1)).low is None
    assert shares([5] * LEAST_HOURS, [0] * LEAST_HOURS).low is not None
    values, hours = in_hours([5.0] * LEAST_HOURS, minutes_each=2)
    few = median(values, values, hours)
    assert few
    assert (few.minutes, few.low) == (2 * LEAST_HOURS, None)


def test_where_nothing_changed_a_change_is_seldom_told() -> None:
    """At 95 %, and failures come in bursts of an hour: one in twenty would be as promised."""
    rng = np.random.default_rng(1)
    told = 0
    for _ in range(100):
        before, after = (
            np.where(rng.random(24) < 0.2, rng.uniform(5, 60, 24), 0.2).tolist() for _ in "ab"
        )
        found = shares(before, after)
        told += found.low is not None and (found.low > 0 or (found.high or 0) < 0)
    assert told <= 8


def test_the_median_is_that_of_the_minutes() -> None:
    rng = np.random.default_rng(2)
    hours = np.repeat(np.arange(15), 21)
    before, after = rng.lognormal(5, 1, len(hours)), rng.lognormal(6, 1, len(hours))
    found = median(before, after, hours)
    assert found
    assert (found.before, found.after) == (np.median(before), np.median(after))
    assert found.low is not None
    assert 0 < found.low < found.difference


def side(failed: Sequence[float], later: timedelta = timedelta(), ms: float = 100) -> Side:
    """So many of 50 requests a minute fail; a call takes so long, and holds ports meanwhile."""
    requests = requests_by_minute([50] * len(failed), failed).with_columns(pl.col("minute") + later)
    by_minute = requests.select("minute", destination=pl.lit(TARGET))
    return Side(
        Window(EIGHT + later, EIGHT + later + timedelta(minutes=len(failed))),
        requests,
        by_minute.with_columns(calls=pl.lit(50), p50_ms=pl.lit(ms), p95_ms=pl.lit(2 * ms)),
        by_minute.with_columns(
            lower=pl.lit(ms / 10), estimate=pl.lit(ms), upper=pl.lit(2 * ms), limit=pl.lit(1024)
        ),
    )


def compared(before: Sequence[float], after: Sequence[float], **ms: float) -> Comparison:
    old, new = side(before, ms=ms.get("old", 100)), side(after, WEEK, ms.get("new", 100))
    return comparison(Sides(old, new), GATEWAY, "failed", "before")


BAD, GOOD = [5, 0, 7] * 260, [0, 0, 0] * 260


def test_fewer_failures_at_the_same_load_are_better_and_more_are_worse() -> None:
    assert compared(BAD, GOOD).conclusion is Change.BETTER
    assert compared(GOOD, BAD).conclusion is Change.WORSE
    assert compared(BAD, BAD).conclusion is Change.CANNOT_BE_TOLD


def test_the_conclusion_names_its_numbers() -> None:
    found = compared(BAD, GOOD)
    assert (found.failed_before, found.failed_after) == (12 * 260, 0)
    assert found.requests_before == found.requests_after == 50 * 780
    assert found.why.startswith("Of the requests in 780 matched minutes, 8.0 % failed before")
    assert "percentage points at 95 %" in found.why


def test_failures_decide_and_backend_time_and_ports_are_told_beside() -> None:
    found = compared(BAD, BAD, old=400, new=100)
    assert found.conclusion is Change.CANNOT_BE_TOLD
    told = {each.measure: (each.before, each.after, each.change) for each in found.measures}
    assert told["p50_ms"] == (400, 100, Change.BETTER)
    assert told["p95_ms"] == (800, 200, Change.BETTER)
    assert told["ports"] == (400, 100, Change.BETTER)


def test_ports_differ_between_the_bounds_of_both_sides() -> None:
    [ports] = compared(BAD, GOOD, old=400, new=100).ports
    assert (ports.before.lower, ports.before.estimate, ports.before.upper) == (40, 400, 800)
    assert (ports.difference_low, ports.difference_high) == (10 - 800, 200 - 40)


def test_an_hour_is_too_little_however_clear_it_looks() -> None:
    found = compared([25] * 60, [0] * 60)
    assert found.conclusion is Change.CANNOT_BE_TOLD
    assert "50.0 % failed before and 0 % after; but 60 minutes in 1 hour of the week" in found.why
    assert found.measures[0].low is None


def test_where_nothing_matches_nothing_is_concluded() -> None:
    old, new = side(BAD), side(GOOD, timedelta(days=1))
    found = comparison(Sides(old, new), GATEWAY, "failed", "after")
    assert (found.conclusion, found.matched_minutes) == (Change.CANNOT_BE_TOLD, 0)
    assert (found.measures, found.ports) == ([], [])
    assert "same weekdays" in found.why


def later(begin: datetime, hours: float) -> Window:
    return Window(begin, begin + timedelta(hours=hours))


def test_a_window_that_was_named_comes_before_the_incident() -> None:
    window, other = later(EIGHT, 9), later(EIGHT + WEEK, 9)
    assert task(run(60, 80), GATEWAY, window, other).own == window
    own = task(run(60.5, 80.5), GATEWAY, None, other).own
    assert (own.start, own.stop) == (at(60), at(81))


@pytest.mark.parametrize(
    ("other", "named", "told"),
    [
        (later(EIGHT, 2), True, "overlaps"),
        (later(EIGHT + WEEK, 2), False, "no incident was found"),
        (later(EIGHT + WEEK, 24 * 32), True, "longer than 31 days"),
    ],
)
def test_periods_that_cannot_be_compared_are_refused(other: Window, named: bool, told: str) -> None:
    with pytest.raises(PipelineError, match=told):
        task(None, GATEWAY, later(EIGHT, 9) if named else None, other)
