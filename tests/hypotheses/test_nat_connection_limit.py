"""The NAT gateway's limit of connections to one destination."""

from pipeline.config import Egress
from pipeline.finding import Verdict
from pipeline.hypotheses.nat_connection_limit import nat_connection_limit
from pipeline.hypothesis import Case
from pipeline.limits import Way
from pipeline.transforms.counters import Counter
from pipeline.transforms.exhaustion import exhaustion
from pipeline.transforms.ports import Bounds
from pipeline.transforms.through import Through
from tests.given import CONNECT_TIMEOUT, died_of, fared, held, times, way

NAT = way(egress=Egress.NAT_GATEWAY)


def tried(
    out: Way,
    *ports: Bounds,
    counters: list[Counter] | None = None,
    through: Through | None = None,
) -> Case:
    ways = died_of(times(CONNECT_TIMEOUT, 100))
    failed = {name: count for name, count in ways.by_destination() if name}
    return nat_connection_limit.tried(
        {
            "ways": ways,
            "ports": list(ports),
            "way": out,
            "counters": counters or [],
            "exhaustion": exhaustion(
                list(ports), counters or [], ways, out, failed, calls_told=True
            ),
            "through": through,
        }
    )


def test_more_connections_than_may_fit_leave_it_open_until_a_counter_is_read() -> None:
    case = tried(NAT, held(60_000, limit=50_000))
    assert case.verdict is Verdict.UNDECIDED
    assert case.would_decide is not None
    assert "SNATConnectionCount" in case.would_decide


def test_fewer_connections_than_fit_leave_it_open_for_others_use_the_gateway_too() -> None:
    case = tried(NAT, held(49_999, limit=50_000))
    assert case.verdict is Verdict.UNDECIDED
    assert case.would_decide is not None
    assert "SNATConnectionCount" in case.would_decide


def test_no_connections_exclude_it() -> None:
    assert tried(NAT).verdict is Verdict.EXCLUDED


def test_another_way_out_that_is_stated_excludes_it() -> None:
    case = tried(way(egress=Egress.LOAD_BALANCER), held(60_000))
    assert (case.verdict, case.would_decide) == (Verdict.EXCLUDED, None)


def test_another_way_out_that_is_assumed_leaves_it_open() -> None:
    case = tried(way(), held(60_000))
    assert case.verdict is Verdict.UNDECIDED
    assert case.would_decide is not None
    assert "gateway-rca.toml" in case.would_decide


def test_a_counter_of_failed_connections_makes_it_supported() -> None:
    failed = Counter("/nat", None, "It failed 9 times.", True, None, "failed_connections")
    case = tried(NAT, held(60_000, limit=50_000), counters=[failed])
    assert (case.verdict, case.recorded) == (Verdict.SUPPORTED, True)


def test_a_counter_that_says_no_excludes_it() -> None:
    none = Counter("/nat", None, "None failed.", False, None, "failed_connections")
    assert tried(NAT, held(60_000, limit=50_000), counters=[none]).verdict is Verdict.EXCLUDED


def test_connections_it_turned_away_while_some_calls_got_through_make_it_likely() -> None:
    proof = Counter("nat", None, "It counted 9 failed.", proves=True, at=None, name="failed")
    case = tried(NAT, held(500, limit=50_000), counters=[proof], through=fared([40, 40, 0, 40]))
    assert (case.verdict, case.recorded) == (Verdict.SUPPORTED, False)


def test_they_do_not_where_nothing_at_all_got_through() -> None:
    proof = Counter("nat", None, "It counted 9 failed.", proves=True, at=None, name="failed")
    case = tried(NAT, held(500, limit=50_000), counters=[proof], through=fared([50] * 6))
    assert case.verdict is Verdict.UNDECIDED
