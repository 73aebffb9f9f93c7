"""A backend that could not be reached, told from a want of ports."""

from pipeline.finding import Exhaustion, Verdict
from pipeline.hypotheses.backend_unreachable import backend_unreachable
from pipeline.hypothesis import Case
from pipeline.transforms.exhaustion import Verdict as Exhausted
from pipeline.transforms.fingerprints import AT_ONCE, CONFIGURED, CONNECT, Mode
from pipeline.transforms.ports import Bounds
from pipeline.transforms.through import Through
from tests.given import (
    CONNECT_TIMEOUT,
    PAYMENTS,
    SERVER_ERROR,
    FailureWay,
    died_of,
    fared,
    held,
    mode,
    times,
)

REFUSED = times(CONNECT_TIMEOUT, 1, fault="refused")
NONE_LEFT = {PAYMENTS: (100.0, 100.0)}
HALF_LEFT = {PAYMENTS: (200.0, 100.0)}


def tried(
    ports: list[Bounds],
    calls: dict[str, tuple[float, float]],
    *kinds: FailureWay,
    modes: list[Mode] | None = None,
    exhausted: Exhaustion | None = None,
    through: Through | None = None,
) -> Case:
    return backend_unreachable.tried(
        {
            "ways": died_of(*kinds),
            "ports": ports,
            "calls_during": calls,
            "modes": modes or [],
            "exhaustion": Exhausted(
                Exhaustion.EXCLUDED
                if exhausted is None and all(each.excluded for each in ports)
                else exhausted or Exhaustion.UNDECIDED,
                "The counter stood at 0.",
            ),
            "through": through,
        }
    )


def test_refused_connects_support_it() -> None:
    case = tried([held(100)], NONE_LEFT, times(REFUSED, 90), times(CONNECT_TIMEOUT, 10))
    assert (case.verdict, case.recorded) == (Verdict.SUPPORTED, True)
    assert "90 of 100 failures were refused or reset, 10 more waited" in case.evidence[0].says


def test_refused_connects_support_it_however_many_ports_were_held() -> None:
    assert tried([held(5000)], NONE_LEFT, times(REFUSED, 100)).verdict is Verdict.SUPPORTED


def test_unanswered_connects_at_low_port_demand_support_it() -> None:
    case = tried([held(400)], NONE_LEFT, times(CONNECT_TIMEOUT, 100))
    assert (case.verdict, case.recorded) == (Verdict.SUPPORTED, False)
    assert case.evidence[-1].says == (
        "At most 400 of 1,024 ports were in use for logged calls, so unanswered connects were not "
        "for want of one."
    )


def test_unanswered_connects_at_high_port_demand_leave_it_open() -> None:
    case = tried([held(2000)], NONE_LEFT, times(CONNECT_TIMEOUT, 100))
    assert case.verdict is Verdict.UNDECIDED
    assert case.would_decide is not None
    assert "was its SYN answered" in case.would_decide


def test_calls_that_still_succeed_speak_against_it() -> None:
    alive = tried([held(2000)], HALF_LEFT, times(CONNECT_TIMEOUT, 100))
    dead = tried([held(2000)], NONE_LEFT, times(CONNECT_TIMEOUT, 100))
    assert alive.evidence[1].says == (
        f"50.0 % of 200 calls to {PAYMENTS} still succeeded meanwhile."
    )
    assert alive.evidence[1].weight < 0 < dead.evidence[1].weight


def test_answers_of_the_backend_exclude_it() -> None:
    case = tried([held(100)], HALF_LEFT, times(SERVER_ERROR, 100))
    assert (case.verdict, case.would_decide) == (Verdict.EXCLUDED, None)


def test_a_mixture_leaves_it_open() -> None:
    case = tried([held(100)], HALF_LEFT, times(SERVER_ERROR, 70), times(CONNECT_TIMEOUT, 30))
    assert case.verdict is Verdict.UNDECIDED


def test_no_failures_at_all_leave_it_open() -> None:
    assert tried([], {}).verdict is Verdict.UNDECIDED


def test_lengths_speak_as_connects_last() -> None:
    weights = {
        kind: tried([], {}, times(REFUSED, 100), modes=[mode(kind)]).evidence[-1].weight
        for kind in (CONNECT, AT_ONCE, CONFIGURED)
    }
    assert weights[CONNECT] > weights[AT_ONCE] > 0 > weights[CONFIGURED]


def test_few_ports_on_a_way_that_others_use_prove_nothing() -> None:
    case = tried(
        [held(100)],
        NONE_LEFT,
        times(CONNECT_TIMEOUT, 100),
        exhausted=Exhaustion.UNDECIDED,
    )
    assert case.verdict is Verdict.UNDECIDED


def test_connects_that_wait_in_vain_everywhere_speak_against_one_backend() -> None:
    kinds = [times((f"203.0.113.{n}:443", *CONNECT_TIMEOUT[1:]), 50) for n in (10, 20, 30)]
    case = tried([held(100)], {PAYMENTS: (500.0, 50.0)}, *kinds)
    assert case.verdict is Verdict.UNDECIDED
    assert any(
        each.says == "Connects waited in vain at 3 destinations, none of which had 60.0 % of them: "
        "one backend out of reach does not explain that."
        for each in case.evidence
    )


def test_that_nothing_got_through_for_longer_than_a_hold_supports_it_whatever_the_bounds() -> None:
    cut_off = fared([10, *[50] * 6, 10])
    case = tried([held(3000)], NONE_LEFT, times(CONNECT_TIMEOUT, 100), through=cut_off)
    assert (case.verdict, case.recorded) == (Verdict.SUPPORTED, False)


def test_calls_that_went_well_in_between_speak_against_it() -> None:
    again = fared([40, 40, 0, 0, 40, 40])
    case = tried([held(3000)], HALF_LEFT, times(CONNECT_TIMEOUT, 100), through=again)
    assert case.verdict is Verdict.UNDECIDED
    assert any(
        "In 2 whole minutes in between" in each.says and each.weight == -1.5
        for each in case.evidence
    )


def test_a_counter_that_excludes_exhaustion_supports_it_whatever_the_bounds() -> None:
    failed = times(CONNECT_TIMEOUT, 100)
    case = tried([held(3000)], HALF_LEFT, failed, exhausted=Exhaustion.EXCLUDED)
    assert case.verdict is Verdict.SUPPORTED
    assert case.evidence[-1].says.startswith("The counter stood at 0, so unanswered connects")
