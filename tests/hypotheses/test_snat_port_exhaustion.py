"""Port exhaustion: excluded where it cannot have been, never supported without a counter."""

from pipeline.config import Egress
from pipeline.finding import Verdict
from pipeline.hypotheses.snat_port_exhaustion import snat_port_exhaustion
from pipeline.hypothesis import Case
from pipeline.limits import Way
from pipeline.transforms.counters import Counter
from pipeline.transforms.exhaustion import exhaustion
from pipeline.transforms.fingerprints import AT_ONCE, CONNECT, Mode
from pipeline.transforms.ports import Bounds
from pipeline.transforms.through import Through
from tests.given import (
    CONNECT_TIMEOUT,
    ORDERS,
    PAYMENTS,
    SERVER_ERROR,
    FailureWay,
    at,
    died_of,
    fared,
    held,
    mode,
    times,
    way,
)

HEALTHY = ["203.0.113.30:443", "203.0.113.40:8080"]


def tried(
    ports: list[Bounds],
    *kinds: FailureWay,
    healthy: list[str] | None = None,
    counters: list[Counter] | None = None,
    out: Way | None = None,
    modes: list[Mode] | None = None,
    through: Through | None = None,
) -> Case:
    ways, out = died_of(*kinds), out or way()
    failed = {name: count for name, count in ways.by_destination() if name}
    return snat_port_exhaustion.tried(
        {
            "ways": ways,
            "ports": ports,
            "way": out,
            "healthy": HEALTHY if healthy is None else healthy,
            "counters": counters or [],
            "exhaustion": exhaustion(
                ports, counters or [], ways, out, failed, calls_told=True, through=through
            ),
            "modes": modes or [],
            "through": through,
        }
    )


def test_failed_connects_with_the_limit_inside_the_band_stay_undecided() -> None:
    case = tried([held(3000, lower=300)], times(CONNECT_TIMEOUT, 100))
    assert case.verdict is Verdict.UNDECIDED
    assert case.would_decide is not None
    assert "Azure Support" in case.would_decide
    assert "100 of 100 failures (100 %) waited in vain to connect" in case.evidence[0].says
    assert f"100 % of them went to {PAYMENTS}, while 2 other" in case.evidence[1].says
    assert "the limit lies inside the band" in case.evidence[2].says


def test_no_evidence_of_a_log_makes_it_supported() -> None:
    case = tried([held(90_000, lower=1030)], times(CONNECT_TIMEOUT, 10_000))
    assert case.verdict is Verdict.UNDECIDED
    assert "that are assumed to be there: even the lower bound is at" in case.evidence[-1].says


def test_more_calls_in_flight_than_the_limit_allows_say_that_it_is_not_the_limit() -> None:
    case = tried([held(90_000, lower=20_000)], times(CONNECT_TIMEOUT, 10_000))
    assert "this is not the limit" in case.evidence[-1].says
    assert case.evidence[-1].weight < 1


def test_an_upper_bound_under_the_limit_excludes_it() -> None:
    case = tried([held(1023)], times(CONNECT_TIMEOUT, 100))
    assert (case.verdict, case.would_decide) == (Verdict.EXCLUDED, None)
    assert "not even the upper bound comes up to the limit" in case.evidence[-1].says


def test_a_busy_destination_that_did_not_fail_does_not_keep_it_open() -> None:
    busy = held(5000, destination=ORDERS)
    assert tried([busy, held(100)], times(CONNECT_TIMEOUT, 100)).verdict is Verdict.EXCLUDED


def test_one_of_two_failing_destinations_near_the_limit_keeps_it_open() -> None:
    case = tried(
        [held(5000, destination=ORDERS), held(100)],
        times(CONNECT_TIMEOUT, 100),
        times(CONNECT_TIMEOUT, 100, destination=ORDERS),
    )
    assert case.verdict is Verdict.UNDECIDED


def test_a_private_way_takes_no_port_and_excludes_it() -> None:
    private = times(CONNECT_TIMEOUT, 100, destination="10.1.2.4:443")
    case = tried([held(5000)], private)
    assert case.verdict is Verdict.EXCLUDED
    assert case.evidence[-1].says == "10.1.2.4:443 takes no port: its way is private."


def test_an_unknown_destination_leaves_it_open() -> None:
    unknown = times(CONNECT_TIMEOUT, 100, destination=None)
    assert tried([held(5000)], unknown).verdict is Verdict.UNDECIDED


def test_failures_spread_over_destinations_speak_against_one_of_them_running_out() -> None:
    kinds = [times(CONNECT_TIMEOUT, 40, destination=f"203.0.113.{n}:443") for n in range(4)]
    case = tried([held(5000, destination="203.0.113.1:443")], *kinds)
    assert "They spread over 4 destinations" in case.evidence[1].says
    assert case.evidence[1].weight < 0


def test_without_a_healthy_destination_nothing_is_said_of_the_others() -> None:
    case = tried([held(5000)], times(CONNECT_TIMEOUT, 100), healthy=[])
    assert not [each for each in case.evidence if "healthy" in each.says]


def test_answers_of_the_backend_speak_against_it() -> None:
    case = tried([held(5000)], times(SERVER_ERROR, 100))
    assert case.evidence[0].weight < -3
    assert case.verdict is Verdict.UNDECIDED


def test_one_failing_destination_weighs_little_for_any_faulty_backend_is_one() -> None:
    case = tried([held(3000)], times(CONNECT_TIMEOUT, 100))
    assert 0 < case.evidence[1].weight < 0.5


def test_failed_connects_that_do_not_say_where_to_keep_it_open() -> None:
    lost = times(CONNECT_TIMEOUT, 100, destination=None)
    assert tried([held(10)], lost, times(CONNECT_TIMEOUT, 5)).verdict is Verdict.UNDECIDED
    assert tried([held(10)], times(CONNECT_TIMEOUT, 5)).verdict is Verdict.EXCLUDED


def test_names_that_did_not_resolve_hold_no_port_and_leave_nothing_open() -> None:
    unresolved = times(CONNECT_TIMEOUT, 100, destination=None, fault="dns")
    assert tried([held(10)], unresolved, times(CONNECT_TIMEOUT, 5)).verdict is Verdict.EXCLUDED


def test_a_counter_of_failed_connections_makes_it_supported() -> None:
    failed = Counter("/lb", None, "It failed 9 times.", True, at(60), "failed_connections")
    case = tried([held(3000)], times(CONNECT_TIMEOUT, 100), counters=[failed])
    assert (case.verdict, case.recorded) == (Verdict.SUPPORTED, True)
    assert case.evidence[-1].says == "It failed 9 times."
    assert case.evidence[-1].weight > 0


def test_a_counter_that_says_no_excludes_it() -> None:
    none = Counter("/lb", None, "None failed.", False, None, "failed_connections")
    case = tried([held(3000)], times(CONNECT_TIMEOUT, 100), counters=[none])
    assert case.verdict is Verdict.EXCLUDED
    assert case.evidence[-1].weight < 0


def test_behind_a_nat_gateway_its_connection_limit_is_the_cause() -> None:
    failed = Counter("/nat", None, "It failed 9 times.", True, at(60), "failed_connections")
    nat = way(egress=Egress.NAT_GATEWAY, public_ips=1)
    case = tried(
        [held(90_000, limit=50_000)], times(CONNECT_TIMEOUT, 9), counters=[failed], out=nat
    )
    assert case.verdict is Verdict.EXCLUDED


def test_lengths_speak_for_waiting_and_against_failing_at_once() -> None:
    waited = tried([held(3000)], times(CONNECT_TIMEOUT, 100), modes=[mode(CONNECT)])
    at_once = tried([held(3000)], times(CONNECT_TIMEOUT, 100), modes=[mode(AT_ONCE)])
    plain = tried([held(3000)], times(CONNECT_TIMEOUT, 100))
    [more] = [each for each in waited.evidence if each not in plain.evidence]
    [less] = [each for each in at_once.evidence if each not in plain.evidence]
    assert more.weight > 0 > less.weight
    assert (waited.verdict, at_once.verdict) == (plain.verdict, plain.verdict)


def test_lengths_of_a_few_failures_speak_of_none() -> None:
    plain = tried([held(3000)], times(CONNECT_TIMEOUT, 100))
    assert tried([held(3000)], times(CONNECT_TIMEOUT, 100), modes=[mode(CONNECT, 0.4)]) == plain


def test_failures_that_keep_time_with_the_hold_make_it_likely_without_a_counter() -> None:
    beat = fared([40, 20, 0, 20] * 4)
    case = tried([held(3000, lower=300)], times(CONNECT_TIMEOUT, 100), through=beat)
    assert (case.verdict, case.recorded) == (Verdict.SUPPORTED, False)
    assert "came back every 240 s" in case.evidence[-1].says
    assert case.evidence[-1].weight == 2.0


def test_they_leave_it_open_where_logged_calls_cannot_have_taken_all_ports() -> None:
    beat = fared([40, 20, 0, 20] * 4)
    without = tried([held(100)], times(CONNECT_TIMEOUT, 100))
    assert without.verdict is Verdict.EXCLUDED
    case = tried([held(100)], times(CONNECT_TIMEOUT, 100), through=beat)
    assert (case.verdict, case.recorded) == (Verdict.SUPPORTED, False)


def test_they_prove_nothing_where_failures_are_of_many_destinations() -> None:
    beat = fared([40, 20, 0, 20] * 4)
    other = (ORDERS, *CONNECT_TIMEOUT[1:])
    kinds = (times(CONNECT_TIMEOUT, 60), times(other, 40))
    case = tried([held(3000, lower=300)], *kinds, through=beat)
    assert case.verdict is Verdict.UNDECIDED


def test_that_nothing_got_through_for_longer_than_a_hold_speaks_against_it() -> None:
    cut_off = fared([10, *[50] * 6, 10])
    case = tried([held(3000, lower=300)], times(CONNECT_TIMEOUT, 100), through=cut_off)
    assert case.verdict is Verdict.UNDECIDED
    assert "that began from 08:01 to 08:07 UTC got through" in case.evidence[-1].says
    assert case.evidence[-1].weight == -2.5
