"""Silence: calls that were surely the first for longer than the idle timer waits."""

import polars as pl

from pipeline.transforms.silence import AfterSilence, after_silence
from tests.given import ORDERS, PAYMENTS, at, run


def told(*minutes: tuple[int, float], destination: str = PAYMENTS) -> AfterSilence:
    """Minutes with calls, and how many of these failed."""
    rows = [
        {"destination": destination, "minute": at(minute), "failed": failed, "rejected": 0.0}
        for minute, failed in minutes
    ]
    return after_silence(pl.DataFrame(rows), {PAYMENTS}, run(60.5, 90), 240)


def test_a_call_after_four_silent_minutes_is_a_first_one() -> None:
    assert told((60, 0), (65, 1), (70, 0)) == AfterSilence(2, 1, 1)


def test_a_call_after_three_silent_minutes_is_not_surely_one() -> None:
    assert told((60, 0), (64, 1)) == AfterSilence(0, 0, 1)


def test_of_many_failures_in_a_minute_one_can_have_been_the_first() -> None:
    assert told((60, 0), (70, 30)) == AfterSilence(1, 1, 30)


def test_what_was_before_the_incident_is_none_of_its_calls() -> None:
    assert told((10, 0), (20, 5), (21, 0)) == AfterSilence(0, 0, 0)


def test_destinations_at_which_none_failed_are_left_out() -> None:
    assert told((60, 0), (70, 0), destination=ORDERS) == AfterSilence(0, 0, 0)
