"""What befalls simulated gateways leaves the traces that Azure would leave, and its metrics agree.

Each draw is made small: what is tested here are kinds of records, not how many there are.
"""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.simulation.arrivals import Rate
from tests.simulation.azure_logs import CONTAINER
from tests.simulation.exchange import Cause, Outcome
from tests.simulation.occupancy import by_table, peak
from tests.simulation.other_sources import CHANGES, OUTBOUND, activity_log, other_sources
from tests.simulation.ports import NAT_GATEWAY, Endpoint
from tests.simulation.run import Run, run
from tests.simulation.sample import gateway_logs
from tests.simulation.scenario import HOUR_S, START, Scenario, SideCalls, draw

SEED = 7
ORDERS = Endpoint("203.0.113.20", 443)


def drawn(name: str) -> tuple[Scenario, np.random.Generator]:
    rng = np.random.default_rng(SEED)
    return draw(name, rng), rng


@cache
def simulated(name: str) -> Run:
    scenario, rng = drawn(name)
    points = tuple((time, height / 2) for time, height in scenario.background.points)
    return run(replace(scenario, background=Rate(points)), rng)


def failed(name: str) -> list[Outcome]:
    actual = simulated(name)
    found = [each for each in actual.outcomes if each.cause in actual.scenario.causes]
    assert len(found) > 20
    return found


def messages(name: str) -> set[str]:
    return {each.error.message for each in failed(name) if each.error}


def test_a_name_that_does_not_resolve_is_told_without_an_address() -> None:
    assert messages("dns_failure") == {
        "The remote name could not be resolved: 'orders.contoso.example'"
    }
    took = [each.ended - each.started for each in failed("dns_failure")]
    assert np.median(took) < 2.0


def test_open_connections_outlive_a_name_that_is_lost() -> None:
    actual = simulated("dns_failure")
    first = min(each.started for each in failed("dns_failure"))
    well = [
        each
        for each in actual.outcomes
        if each.started > first
        and each.backend_status == 200
        and each.call.api is not None
        and each.call.api.id == "orders-api"
    ]
    assert well


def test_a_bad_certificate_is_found_after_the_connection_is_made() -> None:
    [message] = messages("tls_failure")
    assert "SSL/TLS" in message
    assert all(each.ended - each.started < 1.0 for each in failed("tls_failure"))
    failing = len(failed("tls_failure"))
    to_catalogue = [
        lease
        for lease in simulated("tls_failure").leases
        if str(lease.endpoint)[:12] == "203.0.113.30"
    ]
    assert len(to_catalogue) > failing


def test_a_silent_connection_is_cut_when_the_way_outs_timer_says_so() -> None:
    assert messages("idle_timeout_reset") == {
        "Underlying transport connection was unexpectedly closed."
    }
    took = [each.ended - each.started for each in failed("idle_timeout_reset")]
    assert min(took) > 229.0
    assert max(took) < 241.0


def test_a_connection_that_was_silent_in_the_pool_is_found_dead() -> None:
    scenario, rng = drawn("quiet")
    trickle = Rate(((0.0, 0.05), (HOUR_S, 0.05)))
    world = replace(scenario.world, pool_idle_s=900.0)
    actual = run(replace(scenario, world=world, background=trickle), rng)
    dead = [each for each in actual.outcomes if each.cause is Cause.IDLE_CUT]
    assert dead
    assert all(each.ended - each.started < 0.1 for each in dead)
    assert all(each.error and "kept alive was closed" in each.error.message for each in dead)


def test_a_broken_policy_calls_no_backend() -> None:
    for each in failed("gateway_policy_error"):
        assert not each.backend_called
        assert each.error is not None
        assert each.error.reason == "ExpressionValueEvaluationFailure"
        assert each.call.api is not None
        assert each.call.api.id == "orders-api"


def test_a_saturated_gateway_makes_mocked_answers_wait_too_and_tells_no_reason() -> None:
    turned_away = failed("gateway_saturation")
    assert {(each.status, each.error, each.backend_called) for each in turned_away} == {
        (503, None, False)
    }
    first = min(each.started for each in turned_away)
    mocked = [
        each.ended - each.started
        for each in simulated("gateway_saturation").outcomes
        if first < each.started < first + 300.0
        and each.status == 200
        and each.call.api is not None
        and each.call.api.destination is None
    ]
    assert np.median(mocked) > 0.5


def test_a_sick_unit_fails_alone_and_towards_all() -> None:
    sick = failed("single_instance_fault")
    assert len({each.unit for each in sick}) == 1
    assert len({each.call.api.id for each in sick if each.call.api}) >= 4


def test_many_calls_share_a_connection_where_the_backend_speaks_http_2() -> None:
    actual = simulated("load_test")
    catalogue = [o for o in actual.outcomes if o.call.api and o.call.api.id == "catalogue-api"]
    held = [
        peak(leases).ports
        for table, leases in by_table(actual.leases).items()
        if table.endpoint.ip == "203.0.113.30"
    ]
    assert len(catalogue) > 5000
    assert max(held) < 20
    assert not [each for each in actual.outcomes if each.cause not in (None, Cause.NOISE)]


def test_no_shared_connection_that_has_just_been_opened_is_found_dead() -> None:
    causes = {each.cause for each in simulated("black_hole_multiplexed").outcomes}
    assert causes <= {None, Cause.NOISE, Cause.BLACK_HOLE, Cause.HUNG_UP}


def test_calls_that_leave_no_record_take_ports_from_those_that_do() -> None:
    actual = simulated("snat_side_traffic")
    logged = [each for each in actual.outcomes if each.backend_called]
    taken = [lease for lease in actual.leases if lease.endpoint.ip == "203.0.113.10"]
    assert len(failed("snat_side_traffic")) > 20
    assert len(taken) > len([o for o in logged if o.call.api and "payments" in o.call.api.id])


def test_units_get_the_share_of_the_traffic_that_is_theirs() -> None:
    scenario, rng = drawn("quiet")
    world = replace(scenario.world, unit_weights=(3.0, 1.0))
    short = Rate(((0.0, 4.0), (HOUR_S / 4, 4.0)))
    actual = run(replace(scenario, world=world, background=short), rng)
    busier = sum(each.unit == 0 for each in actual.outcomes) / len(actual.outcomes)
    assert busier == pytest.approx(0.75, abs=0.03)


def test_a_nat_gateway_lends_ports_from_one_pool_and_takes_them_back_sooner() -> None:
    scenario, rng = drawn("quiet")
    shared = replace(NAT_GATEWAY, shared_ports=12)
    hour = Rate(((0.0, 2.0), (HOUR_S / 4, 2.0)))
    world = replace(scenario.world, egress=shared)
    side = SideCalls("orders.contoso.example", Rate(((0.0, 1.0), (HOUR_S / 4, 1.0))), 0.2)
    actual = run(replace(scenario, world=world, background=hour, side_calls=(side,)), rng)
    assert {lease.unit for lease in actual.leases} == {0}
    held = {table.endpoint: peak(leases).ports for table, leases in by_table(actual.leases).items()}
    assert held[ORDERS] == 12
    assert actual.starved_connects[0, ORDERS] + actual.starved_connects.get((1, ORDERS), 0)
    assert {round(lease.freed - lease.closed) for lease in actual.leases} <= {65, 30, 16}


def test_what_arrives_in_a_lost_hour_is_in_no_blob() -> None:
    scenario, rng = drawn("quiet")
    few = Rate(((0.0, 0.2), (1.5 * HOUR_S, 0.2)))
    actual = run(replace(scenario, background=few, lost=((HOUR_S, 2 * HOUR_S),)), rng)
    blobs, _ = gateway_logs(actual, rng)
    assert blobs
    assert not [path for path in blobs if "/h=09/" in path]


def metric(run_: Run, name: str) -> list[dict[str, Any]]:
    files = other_sources(run_, np.random.default_rng(SEED))
    told = json.loads(files[f"{OUTBOUND}snat.json"])
    [one] = [each for each in told["value"] if each["name"]["value"] == name]
    series: list[dict[str, Any]] = one["timeseries"]
    return series


def dimension(series: dict[str, Any], name: str) -> str:
    values = {each["name"]["value"]: each["value"] for each in series["metadatavalues"]}
    return str(values[name])


def total(series: dict[str, Any]) -> float:
    return float(sum(point["total"] for point in series["data"]))


def test_failed_snat_connections_are_those_that_found_no_port() -> None:
    actual = simulated("snat_side_traffic")
    by_state = {
        dimension(each, "connectionstate"): total(each)
        for each in metric(actual, "SnatConnectionCount")
    }
    assert by_state["Failed"] == sum(actual.starved_connects.values()) > 0
    assert by_state["Successful"] == len(actual.leases)


def test_used_ports_come_up_to_those_allocated_only_where_they_ran_out() -> None:
    for name, full in (("snat_side_traffic", True), ("dns_failure", False)):
        actual = simulated(name)
        used = metric(actual, "UsedSnatPorts")
        there = metric(actual, "AllocatedSnatPorts")
        parts = [
            point["maximum"] / limit["maximum"]
            for one, other in zip(used, there, strict=True)
            for point, limit in zip(one["data"], other["data"], strict=True)
        ]
        assert max(parts) <= 1.0
        assert (max(parts) == 1.0) is full


def test_dips_of_availability_are_in_the_metrics_alone() -> None:
    scenario, rng = drawn("datapath_noise")
    short = Rate(((0.0, 0.5), (HOUR_S, 0.5)))
    [series] = metric(run(replace(scenario, background=short), rng), "VipAvailability")
    assert min(point["average"] for point in series["data"]) < 90


def test_a_change_is_told_by_its_start_and_its_end_where_the_activity_log_lies() -> None:
    changes = drawn("slow_after_deploy")[0].changes
    [(path, raw)] = activity_log(changes).items()
    told = [json.loads(line) for line in raw.split()]
    assert path.startswith(f"{CHANGES}resourceId=/SUBSCRIPTIONS/")
    assert [each["resultType"] for each in told] == ["Start", "Success"]
    assert {each["operationName"] for each in told} == {
        "MICROSOFT.APIMANAGEMENT/SERVICE/APIS/WRITE"
    }
    assert told[0]["time"] > f"{START:%Y-%m-%dT%H:%M}"


def test_gateway_logs_and_other_exports_lie_apart() -> None:
    files = other_sources(simulated("dns_failure"), np.random.default_rng(SEED))
    assert not [path for path in files if path.startswith(CONTAINER)]
    assert b"egress_resource_id" in files["gateway-rca.toml"]
