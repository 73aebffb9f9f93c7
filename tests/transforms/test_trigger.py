"""What set an incident off: only what moved before it, as far as minutes tell."""

import polars as pl
import pytest

from pipeline.finding import Trigger
from pipeline.transforms.latency import Shift
from pipeline.transforms.trigger import trigger
from tests.given import ORDERS, PAYMENTS, Counts, hours, run, series_frame, shift


def told(
    calls: Counts,
    latency: list[Shift] | None = None,
    mechanism: str = "snat_port_exhaustion",
    destination: str | None = PAYMENTS,
    start: float = 60.5,
) -> tuple[Trigger, str]:
    frame = series_frame("calls", [float(each) for each in calls], destination=PAYMENTS)
    return trigger(mechanism, destination, frame, latency or [], run(start, 90), hours(2))


def usual(minutes: int) -> list[float]:
    return [100.0 + minute % 7 for minute in range(minutes)]


def test_calls_that_rose_in_the_minute_before_are_a_surge() -> None:
    found, why = told(usual(59) + [400.0] * 40)
    assert found is Trigger.TRAFFIC_SURGE
    assert why == (
        f"400 new calls to {PAYMENTS} in the last whole minute before the first failure, "
        "103 a minute usually (3.9 times)."
    )


def test_retries_that_follow_the_first_failure_are_no_surge() -> None:
    found, why = told(usual(61) + [900.0] * 30)
    assert found is Trigger.NONE_FOUND
    assert "no surge" in why


def test_calls_that_rose_in_the_minute_of_the_first_failure_are_left_open() -> None:
    found, why = told(usual(60) + [900.0] * 30)
    assert found is Trigger.NONE_FOUND
    assert "900 in the minute of the first failure itself" in why
    assert "minutes do not tell" in why


def test_the_usual_up_and_down_is_no_surge() -> None:
    ragged = [50.0, 300.0] * 30
    found, _ = told(ragged[:59] + [330.0] * 40)
    assert found is Trigger.NONE_FOUND


def test_a_handful_more_calls_is_no_surge() -> None:
    assert told([2.0] * 59 + [6.0] * 40)[0] is Trigger.NONE_FOUND


def test_a_backend_that_got_slower_a_minute_before_is_the_trigger() -> None:
    found, why = told(usual(100), [shift(100, 300, change=55)])
    assert found is Trigger.SLOW_BACKEND
    assert "3.0 times as slow at least 5 min before" in why


def test_a_backend_that_got_slower_with_the_failures_is_not() -> None:
    assert told(usual(100), [shift(100, 300, change=60)])[0] is Trigger.NONE_FOUND


def test_a_slow_backend_is_not_its_own_trigger() -> None:
    found, _ = told(usual(100), [shift(100, 300, change=55)], mechanism="backend_slow")
    assert found is Trigger.NONE_FOUND


def test_another_backend_that_got_slower_is_not_the_trigger() -> None:
    assert told(usual(100), [shift(100, 300, ORDERS, change=55)])[0] is Trigger.NONE_FOUND


@pytest.mark.parametrize(("destination", "start"), [(None, 60.5), (PAYMENTS, 3.0)])
def test_without_a_destination_or_a_time_before_none_is_found(
    destination: str | None, start: float
) -> None:
    found, why = told(usual(100), destination=destination, start=start)
    assert found is Trigger.NONE_FOUND
    assert why == "The data holds too few minutes before the first failure."


def test_a_destination_that_was_not_called_before_has_nothing_to_compare_with() -> None:
    frame = series_frame("calls", [5.0] * 90, destination=PAYMENTS)
    later = frame.filter(pl.col("minute") >= run(60, 90).start)
    found, why = trigger("snat_port_exhaustion", PAYMENTS, later, [], run(60, 90), hours(2))
    assert found is Trigger.NONE_FOUND
    assert "no calls" in why
