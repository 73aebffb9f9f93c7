"""Connections cut by an idle timer."""

from pipeline.finding import Verdict
from pipeline.hypotheses.idle_timeout_reset import idle_timeout_reset
from pipeline.hypothesis import Case
from pipeline.transforms.fingerprints import CONNECT, SILENCE, Mode
from pipeline.transforms.silence import AfterSilence
from tests.given import CONNECT_TIMEOUT, SERVER_ERROR, FailureWay, died_of, mode, times
from tests.recorded import RecordedMechanism

NOTHING = AfterSilence(first=0, first_failed=0, failed=0)
ALL_FIRST = AfterSilence(first=26, first_failed=25, failed=30)
BUSY = AfterSilence(first=1, first_failed=1, failed=100)


class TestIdleTimeoutReset(RecordedMechanism):
    hypothesis = idle_timeout_reset
    kind = times(CONNECT_TIMEOUT, 1, fault="idle_closed")
    other = SERVER_ERROR
    says = "say that an established connection was closed under them"

    def tried(
        self,
        *kinds: FailureWay,
        modes: list[Mode] | None = None,
        silence: AfterSilence = NOTHING,
    ) -> Case:
        return idle_timeout_reset.tried(
            {"ways": died_of(*kinds), "modes": modes or [], "after_silence": silence}
        )

    def test_failures_after_four_minutes_keep_it_open(self) -> None:
        case = self.tried(times(SERVER_ERROR, 100), modes=[mode(SILENCE)])
        assert case.verdict is Verdict.UNDECIDED
        assert case.evidence[1].weight > 0
        assert case.would_decide

    def test_other_lengths_say_nothing_of_it(self) -> None:
        case = self.tried(times(SERVER_ERROR, 100), modes=[mode(CONNECT)])
        assert (case.verdict, len(case.evidence)) == (Verdict.EXCLUDED, 1)

    def test_first_calls_after_silence_that_fail_speak_for_it(self) -> None:
        case = self.tried(times(self.kind, 60), times(SERVER_ERROR, 40), silence=ALL_FIRST)
        assert case.verdict is Verdict.SUPPORTED
        assert case.evidence[1].says == (
            "25 of 30 failed calls may have been the first to their destination after the idle "
            "time; 26 calls were."
        )
        assert case.evidence[1].weight > 0

    def test_failures_among_many_other_calls_speak_against_it(self) -> None:
        case = self.tried(times(self.kind, 60), times(SERVER_ERROR, 40), silence=BUSY)
        assert case.verdict is Verdict.SUPPORTED
        assert case.evidence[1].weight < 0

    def test_a_few_first_calls_are_chance(self) -> None:
        few = AfterSilence(first=4, first_failed=4, failed=4)
        assert len(self.tried(times(self.kind, 100), silence=few).evidence) == 1

    def test_a_connection_reset_by_its_peer_is_not_an_idle_one(self) -> None:
        assert self.tried(times(self.kind, 100, fault="reset")).verdict is Verdict.EXCLUDED
