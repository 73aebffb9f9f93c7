"""Confirmed, excluded or undecided: never more than the evidence bears."""

from datetime import timedelta

import pytest

from pipeline.config import Egress, Kind
from pipeline.finding import Exhaustion
from pipeline.limits import Way
from pipeline.transforms.counters import Counter
from pipeline.transforms.exhaustion import Verdict, exhaustion
from pipeline.transforms.ports import Bounds
from pipeline.transforms.through import Through
from tests.given import (
    CONNECT_TIMEOUT,
    ORDERS,
    PAYMENTS,
    FailureWay,
    at,
    died_of,
    fared,
    held,
    times,
    way,
)

REFUSED = times(CONNECT_TIMEOUT, 1, fault="refused")
LB = {"units": 2, "kind": Kind.VM, "public_ips": 1}


def counter(proves: bool | None, name: str = "failed_connections") -> Counter:
    return Counter("/lb", None, f"The counter says {proves}.", proves, at(61), name)


def decided(
    ports: list[Bounds],
    *kinds: FailureWay,
    counters: list[Counter] | None = None,
    out: Way | None = None,
    failed: dict[str, float] | None = None,
    calls_told: bool = True,
    through: Through | None = None,
) -> Verdict:
    return exhaustion(
        ports,
        counters or [],
        died_of(*(kinds or (times(CONNECT_TIMEOUT, 300),))),
        out or way(**LB),
        {PAYMENTS: 300.0} if failed is None else failed,
        calls_told,
        through,
    )


def test_an_upper_bound_below_the_limit_excludes() -> None:
    found = decided([held(1023)])
    assert found.verdict is Exhaustion.EXCLUDED
    assert "1,023" in found.why
    assert "1,024" in found.why
    assert found.would_decide is None


def test_an_upper_bound_below_the_limit_of_a_shared_way_out_excludes_nothing() -> None:
    nat = way(egress=Egress.NAT_GATEWAY)
    found = decided([held(500, limit=50_000)], out=nat)
    assert found.verdict is Exhaustion.UNDECIDED
    assert "what others held is not logged here" in found.why
    assert decided([held(500, limit=50_000)], REFUSED, out=nat).verdict is Exhaustion.EXCLUDED


def test_a_limit_within_the_band_decides_nothing_and_what_would_is_told() -> None:
    found = decided([held(5000, lower=30)])
    assert found.verdict is Exhaustion.UNDECIDED
    assert "inside the band" in found.why
    assert found.would_decide
    assert "SnatConnectionCount" in found.would_decide


@pytest.mark.parametrize(
    ("egress", "said"),
    [
        (Egress.LOAD_BALANCER, "UsedSnatPorts"),
        (Egress.NAT_GATEWAY, "NAT gateway"),
        (Egress.AZURE_FIREWALL, "SNATPortUtilization"),
        (Egress.APP_SERVICE, "SNAT detector"),
    ],
)
def test_what_would_decide_is_the_counter_of_the_way_out(egress: Egress, said: str) -> None:
    out = way(kind=Kind.VM, units=2, egress=egress, public_ips=1)
    found = decided([held(10**6)], out=out)
    assert found.would_decide
    assert said in found.would_decide


def test_only_microsoft_can_tell_of_the_load_balancer_of_api_management() -> None:
    found = decided([held(5000)], out=way(kind=Kind.APIM))
    assert found.would_decide
    assert "Azure Support" in found.would_decide


def test_a_lower_bound_at_a_documented_limit_where_connects_failed_confirms() -> None:
    assert decided([held(5000, lower=1024)]).verdict is Exhaustion.CONFIRMED


@pytest.mark.parametrize(
    "out",
    [way(kind=Kind.APIM, units=2), way(kind=Kind.APP_SERVICE, units=2)],
    ids=["assumed", "only guaranteed"],
)
def test_a_lower_bound_at_a_limit_that_may_be_none_confirms_nothing(out: Way) -> None:
    limit = int(out.ports.value)
    found = decided([held(5000, lower=limit, limit=limit)], out=out)
    assert found.verdict is Exhaustion.UNDECIDED
    assert "below the band" in found.why


@pytest.mark.parametrize(("lower", "said"), [(1126, "confirmed"), (1127, "undecided")])
def test_a_lower_bound_far_above_the_limit_says_that_it_is_none(lower: int, said: str) -> None:
    found = decided([held(5000, lower=lower)])
    assert found.verdict == said
    assert ("this is not the limit" in found.why) == (said == "undecided")


def test_a_lower_bound_at_the_limit_where_no_connect_failed_confirms_nothing() -> None:
    found = decided([held(5000, lower=1024)], times(REFUSED, 300))
    assert found.verdict is Exhaustion.UNDECIDED


def test_connects_that_failed_elsewhere_confirm_nothing_here() -> None:
    ports = [held(5000, lower=1024), held(2000, destination=ORDERS)]
    kinds = (times(REFUSED, 300), times(CONNECT_TIMEOUT, 300, destination=ORDERS))
    found = decided(ports, *kinds, failed={PAYMENTS: 300.0, ORDERS: 300.0})
    assert found.verdict is Exhaustion.UNDECIDED


def test_a_counter_of_failed_connections_confirms_where_connects_failed() -> None:
    found = decided([held(5000)], counters=[counter(proves=True)])
    assert found.verdict is Exhaustion.CONFIRMED
    assert found.why.startswith("The counter says True.")


def test_a_counter_confirms_nothing_where_no_connect_failed() -> None:
    found = decided([held(5000)], times(REFUSED, 300), counters=[counter(proves=True)])
    assert found.verdict is Exhaustion.UNDECIDED
    assert found.would_decide


def test_a_counter_confirms_nothing_against_an_upper_bound_below_the_limit() -> None:
    found = decided([held(100)], counters=[counter(proves=True)])
    assert found.verdict is Exhaustion.UNDECIDED
    assert "other traffic" in found.why


def test_a_counter_that_says_no_excludes_whatever_the_bounds_say() -> None:
    found = decided([held(5000, lower=1024)], counters=[counter(proves=False)])
    assert found.verdict is Exhaustion.EXCLUDED


def test_a_counter_that_decides_nothing_leaves_the_bounds_to() -> None:
    counters = [counter(proves=None)]
    assert decided([held(100)], counters=counters).verdict is Exhaustion.EXCLUDED
    assert decided([held(5000)], counters=counters).verdict is Exhaustion.UNDECIDED


def test_counters_that_contradict_each_other_are_told_both() -> None:
    counters = [counter(proves=True), counter(proves=False)]
    found = decided([held(5000)], counters=counters)
    assert found.verdict is Exhaustion.UNDECIDED
    assert "True" in found.why
    assert "False" in found.why


def test_a_private_way_takes_no_port() -> None:
    assert decided([]).verdict is Exhaustion.EXCLUDED


def test_a_destination_whose_calls_went_well_does_not_count() -> None:
    ports = [held(100), held(9000, destination=ORDERS)]
    assert decided(ports).verdict is Exhaustion.EXCLUDED


def test_failures_that_do_not_tell_where_they_went_leave_it_open() -> None:
    lost = times(CONNECT_TIMEOUT, 50, destination=None)
    found = decided([held(100)], times(CONNECT_TIMEOUT, 300), lost)
    assert found.verdict is Exhaustion.UNDECIDED
    assert "50 failed calls" in found.why


def test_logs_of_requests_alone_leave_it_open() -> None:
    assert decided([], calls_told=False).verdict is Exhaustion.UNDECIDED


def test_hosts_of_unknown_address_are_told_where_they_are_counted_in() -> None:
    shared = Bounds(PAYMENTS, 1, 5000, at(60) + timedelta(seconds=1), 1024, sharing=2)
    assert "2 hosts of unknown address" in decided([shared]).why


BEAT = fared([40, 20, 0, 20] * 4)


def test_bounds_of_logged_calls_exclude_nothing_where_failures_keep_time_with_ports() -> None:
    found = decided([held(500)], through=BEAT)
    assert found.verdict is Exhaustion.UNDECIDED
    assert "calls that no log shows" in found.why
    assert found.would_decide


def test_that_failures_keep_time_with_ports_is_said_where_the_limit_lies_within_the_band() -> None:
    found = decided([held(5000, lower=30)], through=BEAT)
    assert found.verdict is Exhaustion.UNDECIDED
    assert "came back every 240 s, for as long as" in found.why


def test_failures_that_keep_time_do_not_outweigh_a_counter() -> None:
    none = counter(proves=False)
    assert decided([held(500)], counters=[none], through=BEAT).verdict is Exhaustion.EXCLUDED


def test_a_private_way_takes_no_port_whatever_the_beat() -> None:
    assert decided([], through=BEAT).verdict is Exhaustion.EXCLUDED
