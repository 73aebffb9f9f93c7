"""Lost reuse: more new connections a call, before the first failure and far from usual."""

from collections.abc import Sequence

from pipeline.transforms.lost_reuse import lost_reuse
from tests.given import run, series_frame


def lost(opened: Sequence[float], calls: Sequence[float] | None = None) -> str | None:
    asked = calls or [100.0 + n % 5 for n in range(90)]
    return lost_reuse(
        series_frame("calls", asked), series_frame("connections", opened), run(60.5, 90)
    )


def usual(minutes: int) -> list[float]:
    return [10.0 + n % 3 for n in range(minutes)]


def test_connections_a_call_that_rose_before_the_failures_were_lost_reuse() -> None:
    assert lost(usual(50) + [95.0] * 40) == (
        "0.92 new connections a call in the last 2 whole minutes before the first failure, 0.11 "
        "usually: calls reused connections less than before."
    )


def test_connections_that_rose_with_the_failures_are_not() -> None:
    assert lost(usual(60) + [95.0] * 30) is None


def test_connections_that_rose_as_calls_did_are_not() -> None:
    calls = [100.0] * 50 + [900.0] * 40
    assert lost([10.0] * 50 + [90.0] * 40, calls) is None


def test_the_usual_up_and_down_is_not() -> None:
    assert lost([5.0, 60.0] * 45) is None


def test_a_little_more_is_not() -> None:
    assert lost(usual(50) + [18.0] * 40) is None


def test_too_few_calls_tell_nothing() -> None:
    assert lost([1.0] * 50 + [8.0] * 40, [10.0] * 90) is None


def test_what_is_not_told_of_the_time_before_tells_nothing() -> None:
    assert lost([0.0]) is None
    assert (
        lost_reuse(
            series_frame("calls", [100.0] * 90),
            series_frame("connections", [95.0] * 90),
            run(6.5, 90),
        )
        is None
    )
