"""Connections cut by an idle timer."""

from pipeline.finding import Verdict
from pipeline.hypotheses.idle_timeout_reset import idle_timeout_reset
from pipeline.hypothesis import Case
from tests.given import CONNECT_TIMEOUT, SERVER_ERROR, FailureWay, died_of, times

KIND = times(CONNECT_TIMEOUT, 1, fault="idle_closed")
OTHER = SERVER_ERROR


def tried(*kinds: FailureWay) -> Case:
    return idle_timeout_reset.tried({"ways": died_of(*kinds)})


def test_connections_closed_under_them_support_it() -> None:
    case = tried(times(KIND, 95), times(OTHER, 5))
    assert (case.verdict, case.recorded, case.would_decide) == (Verdict.SUPPORTED, True, None)
    [evidence] = case.evidence
    assert evidence.weight > 2
    assert (
        "95 of 100 failures (95 %) say that an established connection was closed under them"
        in evidence.says
    )


def test_a_bare_majority_supports_it_without_recording_it() -> None:
    case = tried(times(KIND, 60), times(OTHER, 40))
    assert (case.verdict, case.recorded) == (Verdict.SUPPORTED, False)


def test_none_among_failures_that_tell_their_cause_exclude_it() -> None:
    case = tried(times(OTHER, 100))
    assert (case.verdict, case.would_decide) == (Verdict.EXCLUDED, None)
    assert case.evidence[0].weight < -3


def test_a_few_leave_it_open_and_say_what_would_decide() -> None:
    case = tried(times(KIND, 5), times(OTHER, 95))
    assert case.verdict is Verdict.UNDECIDED
    assert case.would_decide
    assert case.evidence[0].weight < 0


def test_none_among_a_handful_prove_nothing() -> None:
    assert tried(times(OTHER, 19)).verdict is Verdict.UNDECIDED


def test_none_among_failures_that_tell_nothing_prove_nothing() -> None:
    silent = times(CONNECT_TIMEOUT, 80, reason=None, fault=None)
    assert tried(silent, times(OTHER, 20)).verdict is Verdict.UNDECIDED


def test_a_connection_reset_by_its_peer_is_not_an_idle_one() -> None:
    assert tried(times(KIND, 100, fault="reset")).verdict is Verdict.EXCLUDED
