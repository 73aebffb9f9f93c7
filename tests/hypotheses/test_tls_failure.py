"""TLS or certificates that did not fit."""

from pipeline.finding import Verdict
from pipeline.hypotheses.tls_failure import tls_failure
from pipeline.hypothesis import Case
from tests.given import CONNECT_TIMEOUT, SERVER_ERROR, FailureWay, died_of, times

KIND = times(CONNECT_TIMEOUT, 1, fault="tls")
OTHER = SERVER_ERROR


def tried(*kinds: FailureWay) -> Case:
    return tls_failure.tried({"ways": died_of(*kinds)})


def test_handshakes_that_failed_support_it() -> None:
    case = tried(times(KIND, 95), times(OTHER, 5))
    assert (case.verdict, case.recorded, case.would_decide) == (Verdict.SUPPORTED, True, None)
    [evidence] = case.evidence
    assert evidence.weight > 2
    assert "95 of 100 failures (95 %) tell of SSL, TLS or a certificate" in evidence.says


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
