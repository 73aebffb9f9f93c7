"""A gateway short of its own means, by its own time."""

from pipeline.finding import Verdict
from pipeline.hypotheses.gateway_saturation import gateway_saturation
from pipeline.hypothesis import Case
from pipeline.transforms.overhead import Overhead


def tried(before: float | None, during: float | None) -> Case:
    return gateway_saturation.tried({"overhead": Overhead(before, during, 0.0)})


def test_its_own_time_that_rose_far_speaks_for_it_and_leaves_it_open() -> None:
    case = tried(5, 500)
    assert case.verdict is Verdict.UNDECIDED
    assert case.evidence[0].weight > 0
    assert "500 ms at the 95th percentile during the incident, 5 ms before" in case.evidence[0].says


def test_its_own_time_that_kept_still_excludes_it() -> None:
    assert tried(200, 210).verdict is Verdict.EXCLUDED


def test_a_rise_of_a_few_milliseconds_excludes_it() -> None:
    assert tried(2, 20).verdict is Verdict.EXCLUDED


def test_a_moderate_rise_leaves_it_open() -> None:
    case = tried(200, 300)
    assert case.verdict is Verdict.UNDECIDED
    assert case.evidence[0].weight < 0


def test_without_a_time_before_it_stays_open_without_evidence() -> None:
    for case in (tried(None, 500), tried(5, None)):
        assert (case.verdict, case.evidence) == (Verdict.UNDECIDED, [])
        assert case.would_decide is not None
