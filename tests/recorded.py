"""What every mechanism that the logs name outright must do; its own test adds what is its own."""

from typing import ClassVar

from pipeline.finding import Verdict
from pipeline.hypothesis import Case, HypothesisTest
from tests.given import CONNECT_TIMEOUT, FailureWay, died_of, times


class RecordedMechanism:
    """``kind`` is a failure of the mechanism, ``other`` one that it is not, ``says`` its words."""

    hypothesis: ClassVar[HypothesisTest]
    kind: ClassVar[FailureWay]
    other: ClassVar[FailureWay]
    says: ClassVar[str]

    def tried(self, *kinds: FailureWay) -> Case:
        return self.hypothesis.tried({"ways": died_of(*kinds)})

    def test_nearly_all_failures_of_its_kind_support_and_record_it(self) -> None:
        case = self.tried(times(self.kind, 95), times(self.other, 5))
        assert (case.verdict, case.recorded, case.would_decide) == (Verdict.SUPPORTED, True, None)
        [evidence] = case.evidence
        assert evidence.weight > 2
        assert f"95 of 100 failures (95.0 %) {self.says}" in evidence.says

    def test_a_bare_majority_supports_it_without_recording_it(self) -> None:
        case = self.tried(times(self.kind, 60), times(self.other, 40))
        assert (case.verdict, case.recorded) == (Verdict.SUPPORTED, False)

    def test_none_among_failures_that_tell_their_cause_exclude_it(self) -> None:
        case = self.tried(times(self.other, 100))
        assert (case.verdict, case.would_decide) == (Verdict.EXCLUDED, None)
        assert case.evidence[0].weight < -3

    def test_a_few_leave_it_open_and_say_what_would_decide(self) -> None:
        case = self.tried(times(self.kind, 5), times(self.other, 95))
        assert case.verdict is Verdict.UNDECIDED
        assert case.would_decide
        assert case.evidence[0].weight < 0

    def test_none_among_a_handful_prove_nothing(self) -> None:
        assert self.tried(times(self.other, 19)).verdict is Verdict.UNDECIDED

    def test_none_among_failures_that_tell_nothing_prove_nothing(self) -> None:
        silent = times(CONNECT_TIMEOUT, 80, reason=None, fault=None)
        assert self.tried(silent, times(self.other, 20)).verdict is Verdict.UNDECIDED
