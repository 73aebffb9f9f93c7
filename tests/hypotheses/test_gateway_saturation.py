"""A gateway short of its own means, by its own time."""

import pytest

from pipeline.finding import Verdict
from pipeline.hypotheses.gateway_saturation import gateway_saturation
from pipeline.hypothesis import Case
from pipeline.transforms.load import Load
from pipeline.transforms.overhead import Overhead
from pipeline.transforms.ways import Ways
from tests.given import SERVER_ERROR, died_of, times

ANSWERED = died_of(times(SERVER_ERROR, 100))
TURNED_AWAY = (None, "failed", None, None, None, 1)


def tried(before: float | None, during: float | None, *load: Load, ways: Ways = ANSWERED) -> Case:
    return gateway_saturation.tried(
        {"overhead": Overhead(before, during, 0.0), "load": list(load), "ways": ways}
    )


def busy(
    before: float | None,
    during: float,
    measure: str = "capacity",
    own: bool = True,
    told: float = 1.0,
    highest: float | None = None,
) -> Load:
    return Load("/subscriptions/0/it", measure, own, before, during, highest or during, told)


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


def test_a_processor_that_was_high_during_and_not_before_supports_it() -> None:
    case = tried(None, None, busy(0.4, 0.97))
    assert (case.verdict, case.would_decide) == (Verdict.SUPPORTED, None)
    assert case.evidence[0].says == (
        "The capacity metric of the gateway was 97.0 % in the middle minute of the incident, "
        "97.0 % at most, 40.0 % before, as told of 100 % of it."
    )


@pytest.mark.parametrize(
    "load",
    [
        busy(0.95, 0.97),
        busy(None, 0.97),
        busy(0.4, 0.97, told=0.5),
        busy(0.4, 0.97, measure="memory"),
        busy(0.4, 0.97, own=False),
        busy(0.4, 0.7),
    ],
    ids=["high before", "no before", "partly told", "memory", "a plan of the group", "between"],
)
def test_what_is_less_than_that_leaves_it_open(load: Load) -> None:
    case = tried(5, 500, load)
    assert case.verdict is Verdict.UNDECIDED
    assert case.would_decide is not None


def test_its_own_time_that_kept_still_excludes_it_however_busy_it_was() -> None:
    assert tried(5, 5, busy(0.4, 0.97)).verdict is Verdict.EXCLUDED


@pytest.mark.parametrize(
    ("load", "verdict"),
    [
        ([busy(0.3, 0.4)], Verdict.EXCLUDED),
        ([busy(0.3, 0.4, "cpu"), busy(0.3, 0.5, "memory")], Verdict.EXCLUDED),
        ([busy(0.3, 0.4, "cpu")], Verdict.UNDECIDED),
        ([busy(0.3, 0.4, "cpu"), busy(0.7, 0.8, "memory")], Verdict.UNDECIDED),
        ([busy(0.3, 0.4, highest=0.8)], Verdict.UNDECIDED),
        ([busy(0.3, 0.4, told=0.8)], Verdict.UNDECIDED),
        ([busy(0.3, 0.4, own=False)], Verdict.UNDECIDED),
    ],
    ids=["capacity", "both", "cpu alone", "memory not", "a peak", "partly told", "a plan"],
)
def test_only_all_that_is_needed_low_throughout_excludes_it(
    load: list[Load], verdict: Verdict
) -> None:
    assert tried(None, None, *load).verdict is verdict
    # The gateway's own time may have risen for another reason, as a policy that waits.
    assert tried(5, 500, *load).verdict is verdict


def test_a_hundredfold_own_time_and_requests_turned_away_without_a_word_make_it_likely() -> None:
    case = tried(5, 4000, ways=died_of(times(TURNED_AWAY, 95), times(SERVER_ERROR, 5)))
    assert (case.verdict, case.recorded) == (Verdict.SUPPORTED, False)
    assert "95.0 % of the failures ended in the gateway" in case.evidence[-1].says


def test_they_do_not_where_backends_were_called() -> None:
    assert tried(5, 4000).verdict is Verdict.UNDECIDED


def test_they_do_not_where_a_metric_was_read_and_did_not_rise() -> None:
    away = died_of(times(TURNED_AWAY, 100))
    assert tried(5, 4000, busy(0.5, 0.6), ways=away).verdict is not Verdict.SUPPORTED
