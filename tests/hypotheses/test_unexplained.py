"""None of the mechanisms in the catalogue."""

from pipeline.finding import Verdict
from pipeline.hypotheses.unexplained import unexplained
from pipeline.hypothesis import Case
from tests.given import CONNECT_TIMEOUT, SERVER_ERROR, FailureWay, died_of, times

SILENT = times(CONNECT_TIMEOUT, 1, reason=None, fault=None)


def tried(*kinds: FailureWay) -> Case:
    return unexplained.tried({"ways": died_of(*kinds)})


def test_failures_that_say_nothing_speak_for_it() -> None:
    case = tried(times(SILENT, 90), times(SERVER_ERROR, 10))
    assert case.evidence[0].weight > 2
    assert "90 of 100 failures (90.0 %) carry neither" in case.evidence[0].says


def test_texts_that_nobody_knows_speak_for_it() -> None:
    case = tried(times(CONNECT_TIMEOUT, 90, fault="other"), times(SERVER_ERROR, 10))
    assert case.evidence[0].weight > 2


def test_failures_that_tell_their_cause_speak_against_it() -> None:
    assert tried(times(SERVER_ERROR, 100)).evidence[0].weight < -3


def test_it_is_never_ruled_out_and_never_proved() -> None:
    for kinds in ([times(SILENT, 100)], [times(SERVER_ERROR, 100)], []):
        case = tried(*kinds)
        assert case.verdict is Verdict.UNDECIDED
        assert case.would_decide is not None
