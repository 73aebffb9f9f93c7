"""Ports and timers of the way out, each with what it rests on."""

import re
from datetime import UTC, datetime

import pytest

from pipeline.config import Change, Egress, Gateway, Kind
from pipeline.limits import Basis, Value, Way, as_allocated, reuse_assumed, way_out
from tests.given import EIGHT, GATEWAY, at, way

WEB = "/subscriptions/0/resourcegroups/rg/providers/microsoft.web/sites/shop"
AKS = "/subscriptions/0/resourcegroups/rg/providers/microsoft.containerservice/managedclusters/k"
VM = "/subscriptions/0/resourcegroups/rg/providers/microsoft.compute/virtualmachines/proxy"
TELEMETRY = "/subscriptions/0/resourcegroups/rg/providers/microsoft.insights/components/shop"
ELSE = "/subscriptions/0/resourcegroups/rg/providers/microsoft.network/applicationgateways/front"

Timers = tuple[int, int, int, int]


def value(found: Way, name: str) -> Value:
    return next(each for each in found.values if each.name == name)


def history(*changes: Change, **stated: object) -> Gateway:
    return Gateway(AKS, history=changes, **stated)  # type: ignore[arg-type]


def nodes_from(hour: int, nodes: int) -> Change:
    return Change(datetime(2026, 3, 10, hour, tzinfo=UTC), units=nodes)


def test_what_the_settings_state_comes_from_the_file() -> None:
    found = way(units=3, ports_per_unit=512, hold_s=120, egress=Egress.LOAD_BALANCER)
    assert (found.units, found.ports.value, found.hold_s.value) == (3, 512, 120)
    for name in ("units", "ports_per_unit", "hold_s", "egress"):
        assert value(found, name).origin == "file"
        assert value(found, name).basis is Basis.STATED


def test_what_they_do_not_state_is_a_default_with_a_source() -> None:
    found = way_out(GATEWAY, None, EIGHT)
    assert (found.units, found.ports.value, found.hold_s.value) == (1, 1024, 240)
    assert {each.origin for each in found.values} == {"default", "measured"}
    assert all(each.source for each in found.values)


@pytest.mark.parametrize("resource", [GATEWAY, WEB, AKS, VM, TELEMETRY, ELSE])
@pytest.mark.parametrize("egress", [None, *Egress])
def test_a_page_is_named_with_its_month_and_an_assumption_is_called_one(
    resource: str, egress: Egress | None
) -> None:
    stated = Gateway(resource, units=1001, public_ips=2, firewall_instances=3, egress=egress)
    for each in (*way_out(resource, stated, EIGHT).values, reuse_assumed()):
        assert (each.origin == "file") == (each.basis is Basis.STATED)
        if each.basis is Basis.DOCUMENTED:
            assert re.search(r"^Microsoft, .+ \(20\d\d-\d\d( and current)?\): ", each.source)
        elif each.basis in {Basis.SECOND_HAND, Basis.ASSUMED}:
            assert re.search(r"assum|usual", each.source)


def test_the_ports_of_api_management_are_called_an_assumption() -> None:
    found = way_out(GATEWAY, None, EIGHT)
    assert not found.documented
    assert found.ports.basis is Basis.SECOND_HAND
    assert found.ports.source.startswith("assumption: Microsoft does not publish")


def test_the_ports_of_an_app_service_are_a_guarantee_and_no_ceiling() -> None:
    found = way_out(WEB, None, EIGHT)
    assert (found.egress, found.ports.value, found.documented) == (Egress.APP_SERVICE, 128, False)
    assert found.guaranteed
    assert found.ports.basis is Basis.DOCUMENTED
    assert not way_out(AKS, None, EIGHT).guaranteed


def test_ports_that_are_stated_for_an_app_service_are_its_ceiling() -> None:
    found = way_out(WEB, Gateway(WEB, ports_per_unit=160), EIGHT)
    assert (found.ports.value, found.guaranteed, found.documented) == (160, False, True)


def test_ports_that_the_file_states_are_taken_at_their_word() -> None:
    assert way(ports_per_unit=1024).documented
    odd = way_out(AKS, Gateway(AKS, ports_per_unit=1001, public_ips=2), EIGHT)
    assert (odd.ports.value, odd.documented) == (1001, True)


@pytest.mark.parametrize(
    ("resource", "kind", "basis"),
    [
        (GATEWAY, Kind.APIM, Basis.MEASURED),
        (WEB, Kind.APP_SERVICE, Basis.MEASURED),
        (AKS, Kind.AKS, Basis.MEASURED),
        (VM, Kind.VM, Basis.MEASURED),
        (TELEMETRY, Kind.APP_SERVICE, Basis.ASSUMED),
        (ELSE, Kind.VM, Basis.ASSUMED),
    ],
)
def test_the_kind_is_told_by_the_resource_id(resource: str, kind: Kind, basis: Basis) -> None:
    told = value(way_out(resource, None, EIGHT), "kind")
    assert (told.value, told.basis) == (kind, basis)


@pytest.mark.parametrize(
    ("nodes", "ports"),
    [(1, 1024), (50, 1024), (51, 512), (100, 512), (101, 256), (400, 128), (401, 64), (1000, 32)],
)
def test_a_load_balancer_gives_less_to_each_of_a_larger_pool(nodes: int, ports: int) -> None:
    found = way_out(AKS, Gateway(AKS, units=nodes, public_ips=1), EIGHT)
    assert (found.ports.value, found.documented) == (ports, True)


def test_pools_above_a_thousand_are_outside_the_table() -> None:
    found = way_out(AKS, Gateway(AKS, units=1001, public_ips=1), EIGHT)
    assert (found.ports.value, found.documented) == (32, False)
    assert "no row for pools above 1,000" in found.ports.source


def test_a_number_that_rests_on_assumed_counts_is_an_assumption() -> None:
    assert not way_out(AKS, None, EIGHT).documented
    assert way_out(AKS, Gateway(AKS, units=50), EIGHT).documented
    large = way_out(AKS, Gateway(AKS, units=51), EIGHT)
    assert not large.documented
    assert large.ports.source.endswith("; public_ips assumed")
    nat = way(egress=Egress.NAT_GATEWAY)
    assert (nat.ports.value, nat.documented) == (50_000, False)


def test_a_second_frontend_doubles_the_default_up_to_its_maximum() -> None:
    assert way_out(AKS, Gateway(AKS, units=51, public_ips=2), EIGHT).ports.value == 1024
    assert way_out(AKS, Gateway(AKS, units=101, public_ips=2), EIGHT).ports.value == 512
    assert way_out(AKS, Gateway(AKS, units=2, public_ips=4), EIGHT).ports.value == 1024


def test_units_share_the_connections_of_a_nat_gateway() -> None:
    nat = way(egress=Egress.NAT_GATEWAY, public_ips=2, units=4)
    assert (nat.ports.value, nat.shared, nat.documented) == (100_000, True, True)
    assert nat.total is not None
    assert (nat.total.value, nat.total.basis) == (2_000_000, Basis.DOCUMENTED)
    assert nat.total in nat.values
    assert not way(units=4).shared
    assert way(units=4).total is None


def test_a_firewall_gives_its_ports_per_address_and_instance() -> None:
    found = way(egress=Egress.AZURE_FIREWALL, public_ips=2, firewall_instances=5)
    assert (found.ports.value, found.shared, found.documented) == (2 * 5 * 2496, True, True)
    assert found.total is not None
    assert found.total.value == found.ports.value
    assert value(found, "firewall_instances").origin == "file"


def test_a_firewall_has_two_instances_at_least() -> None:
    found = way(egress=Egress.AZURE_FIREWALL, public_ips=2)
    assert (found.ports.value, found.documented) == (2 * 2 * 2496, False)
    assert "at least two" in value(found, "firewall_instances").source
    assert "firewall_instances" not in {each.name for each in way().values}


@pytest.mark.parametrize(
    ("resource", "egress", "timers", "known"),
    [
        (GATEWAY, Egress.LOAD_BALANCER, (240, 15, 240, 240), "yyny"),
        (AKS, Egress.LOAD_BALANCER, (240, 15, 240, 1800), "yyny"),
        (AKS, Egress.NAT_GATEWAY, (65, 16, 30, 240), "yyyy"),
        (WEB, Egress.APP_SERVICE, (240, 15, 240, 240), "yynn"),
        (VM, Egress.AZURE_FIREWALL, (240, 240, 240, 240), "nnnn"),
    ],
)
def test_timers_are_microsofts_where_it_gives_a_figure(
    resource: str, egress: Egress, timers: Timers, known: str
) -> None:
    found = way_out(resource, Gateway(resource, egress=egress), EIGHT)
    own = (found.holds.after_fin, found.holds.after_rst, found.holds.half_open, found.idle_s)
    assert tuple(each.value for each in own) == timers
    assert "".join("y" if each.basis is Basis.DOCUMENTED else "n" for each in own) == known
    assert found.values[-4:] == own
    assert found.hold_s == found.holds.after_fin


def test_timers_that_the_file_states_hold() -> None:
    found = way(hold_s=100, hold_after_reset_s=10, hold_half_open_s=40, idle_timeout_s=600)
    own = (found.holds.after_fin, found.holds.after_rst, found.holds.half_open, found.idle_s)
    assert [each.value for each in own] == [100, 10, 40, 600]
    assert {each.basis for each in own} == {Basis.STATED}


def test_what_has_no_figure_is_taken_as_after_a_close_and_said_to_be() -> None:
    half_open = way(hold_s=100).holds.half_open
    assert (half_open.name, half_open.value) == ("hold_half_open_s", 100)
    assert (half_open.origin, half_open.basis) == ("default", Basis.ASSUMED)
    assert "upper bound" in half_open.source


def test_the_history_tells_what_was_true_at_the_moment() -> None:
    gateway = Gateway(
        GATEWAY,
        units=2,
        history=(
            Change(datetime(2026, 3, 10, 9, tzinfo=UTC), units=4),
            Change(datetime(2026, 3, 10, 10, tzinfo=UTC), ports_per_unit=64),
        ),
    )
    seen = [way_out(GATEWAY, gateway, at(minute)) for minute in (0, 60, 119, 120)]
    assert [each.units for each in seen] == [2, 4, 4, 4]
    assert [each.ports.value for each in seen] == [1024, 1024, 1024, 64]


def test_the_reuse_of_connections_is_half_where_nothing_measured_tells() -> None:
    assumed = reuse_assumed()
    assert (assumed.name, assumed.value) == ("connection_reuse", 0.5)
    assert (assumed.origin, assumed.basis) == ("default", Basis.ASSUMED)


def test_ports_that_a_load_balancer_was_measured_to_give_are_the_limit() -> None:
    found = as_allocated(way(), 960, "/subscriptions/0/loadbalancers/lb")
    assert (found.ports.value, found.ports.origin, found.documented) == (960, "measured", True)
    assert "AllocatedSnatPorts of lb" in found.ports.source
    assert found.ports in found.values


def test_ports_that_are_stated_stay_whatever_was_measured() -> None:
    assert as_allocated(way(ports_per_unit=2048), 960, "/lb").ports.value == 2048


def test_a_nat_gateway_has_no_ports_of_its_own_to_allocate() -> None:
    nat = way(egress=Egress.NAT_GATEWAY)
    assert as_allocated(nat, 960, "/lb") == nat
