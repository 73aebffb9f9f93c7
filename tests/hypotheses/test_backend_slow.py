"""A slow backend, told from connects that waited, from retries, and from callers who left."""

from pipeline.finding import Verdict
from pipeline.hypotheses.backend_slow import backend_slow
from pipeline.hypothesis import Case
from pipeline.transforms.fingerprints import CONFIGURED, CONNECT, MULTIPLES, Mode
from pipeline.transforms.latency import Shift
from tests.given import (
    CONNECT_TIMEOUT,
    ORDERS,
    PAYMENTS,
    SERVER_ERROR,
    FailureWay,
    died_of,
    mode,
    run,
    shift,
    times,
)

TIMED_OUT = times(CONNECT_TIMEOUT, 1, reason="Timeout", fault="response_timeout")


def tried(latency: list[Shift], *kinds: FailureWay, modes: list[Mode] | None = None) -> Case:
    return backend_slow.tried(
        {
            "ways": died_of(*kinds),
            "latency": latency,
            "run": run(60.5, 90),
            "modes": modes or [],
        }
    )


def test_time_outs_at_a_backend_that_slowed_down_before_support_it() -> None:
    case = tried([shift(100, 900, change=55)], times(TIMED_OUT, 100))
    assert case.verdict is Verdict.SUPPORTED
    assert not case.recorded
    assert "100 of 100 failures (100 %) timed out" in case.evidence[0].says
    assert "at least 5 min before the first failure" in case.evidence[1].says
    assert [each.weight > 0 for each in case.evidence] == [True, True]


def test_slowness_of_which_minutes_do_not_tell_the_order_speaks_less() -> None:
    sure = tried([shift(100, 900, change=55)], times(TIMED_OUT, 100))
    unsure = tried([shift(100, 900, change=60)], times(TIMED_OUT, 100))
    assert 0 < unsure.evidence[1].weight < sure.evidence[1].weight


def test_connects_that_waited_in_vain_at_a_steady_backend_exclude_it() -> None:
    case = tried([shift(100, 101)], times(CONNECT_TIMEOUT, 100))
    assert case.verdict is Verdict.EXCLUDED
    assert "no slower than usual" in case.evidence[1].says


def test_a_retry_storm_is_not_blamed_on_the_backend() -> None:
    case = tried([shift(100, 104)], times(CONNECT_TIMEOUT, 900), times(SERVER_ERROR, 100))
    assert case.verdict is Verdict.EXCLUDED


def test_time_outs_at_a_backend_that_kept_its_pace_leave_it_open() -> None:
    case = tried([shift(100, 101)], times(TIMED_OUT, 100))
    assert case.verdict is Verdict.UNDECIDED
    assert case.would_decide == "The backend's own durations of these requests."


def test_a_slower_backend_without_time_outs_leaves_it_open() -> None:
    assert tried([shift(100, 900)], times(CONNECT_TIMEOUT, 100)).verdict is Verdict.UNDECIDED


def test_callers_who_left_are_not_failures_of_a_slow_backend() -> None:
    left = times(TIMED_OUT, 100, outcome="aborted", fault="cancelled")
    case = tried([shift(100, 900, change=55)], left)
    assert case.verdict is Verdict.UNDECIDED
    assert case.evidence[0].weight < -3


def test_another_backend_that_slowed_down_is_not_taken_for_it() -> None:
    elsewhere = shift(100, 900, "203.0.113.99:443", change=55)
    case = tried([elsewhere, shift(100, 101)], times(TIMED_OUT, 100))
    assert PAYMENTS in case.evidence[1].says
    assert case.verdict is Verdict.UNDECIDED


def test_without_calls_from_before_it_stays_open() -> None:
    case = tried([shift(None, 900, ORDERS)], times(TIMED_OUT, 100, destination=ORDERS))
    assert case.verdict is Verdict.UNDECIDED
    assert case.would_decide is not None
    assert "from before the incident" in case.would_decide


def test_lengths_speak_for_a_time_out_that_was_set_and_against_a_connect() -> None:
    weights = {
        kind: tried([shift(100, 900)], times(TIMED_OUT, 100), modes=[mode(kind)]).evidence[1].weight
        for kind in (CONFIGURED, MULTIPLES, CONNECT)
    }
    assert weights[MULTIPLES] > weights[CONFIGURED] > 0 > weights[CONNECT]
