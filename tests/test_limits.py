"""Ports and timers of the way out, each with where it comes from."""

from datetime import UTC, datetime

import pytest

from pipeline.config import Change, Egress, Gateway, Kind
from pipeline.limits import Value, Way, way_out
from tests.given import EIGHT, GATEWAY, at, way

WEB = "/subscriptions/0/resourcegroups/rg/providers/microsoft.web/sites/shop"
AKS = "/subscriptions/0/resourcegroups/rg/providers/microsoft.containerservice/managedclusters/k"
VM = "/subscriptions/0/resourcegroups/rg/providers/microsoft.compute/virtualmachines/proxy"


def value(found: Way, name: str) -> Value:
    return next(each for each in found.values if each.name == name)


def test_what_the_settings_state_comes_from_the_file() -> None:
    found = way(units=3, ports_per_unit=512, hold_s=120, egress=Egress.LOAD_BALANCER)
    assert (found.units, found.ports.value, found.hold_s.value) == (3, 512, 120)
    for name in ("units", "ports_per_unit", "hold_s", "egress"):
        assert value(found, name).origin == "file"


def test_what_they_do_not_state_is_a_default_with_a_source() -> None:
    found = way_out(GATEWAY, None, EIGHT)
    assert (found.units, found.ports.value, found.hold_s.value) == (1, 1024, 240)
    assert {each.origin for each in found.values} == {"default", "measured"}
    assert all(each.source for each in found.values)


def test_the_ports_of_api_management_are_called_an_assumption() -> None:
    found = way_out(GATEWAY, None, EIGHT)
    assert not found.documented
    assert found.ports.source.startswith("assumption: Microsoft does not publish")


def test_the_ports_of_an_app_service_are_a_guarantee_and_no_ceiling() -> None:
    found = way_out(WEB, None, EIGHT)
    assert (found.egress, found.ports.value, found.documented) == (Egress.APP_SERVICE, 128, False)


def test_ports_that_the_file_states_are_taken_at_their_word() -> None:
    assert way(ports_per_unit=1024).documented


@pytest.mark.parametrize(
    ("resource", "kind"),
    [(GATEWAY, Kind.APIM), (WEB, Kind.APP_SERVICE), (AKS, Kind.AKS), (VM, Kind.VM)],
)
def test_the_kind_is_told_by_the_resource_id(resource: str, kind: Kind) -> None:
    assert value(way_out(resource, None, EIGHT), "kind").value == kind


@pytest.mark.parametrize(
    ("nodes", "ports"),
    [(1, 1024), (50, 1024), (51, 512), (100, 512), (101, 256), (401, 64), (1000, 32), (1001, 32)],
)
def test_a_load_balancer_gives_less_to_each_of_a_larger_pool(nodes: int, ports: int) -> None:
    found = way_out(AKS, Gateway(AKS, units=nodes), EIGHT)
    assert (found.ports.value, found.documented) == (ports, True)


def test_a_second_frontend_doubles_the_default_up_to_its_maximum() -> None:
    assert way_out(AKS, Gateway(AKS, units=51, public_ips=2), EIGHT).ports.value == 1024
    assert way_out(AKS, Gateway(AKS, units=101, public_ips=2), EIGHT).ports.value == 512
    assert way_out(AKS, Gateway(AKS, units=2, public_ips=4), EIGHT).ports.value == 1024


def test_units_share_the_connections_of_a_nat_gateway_alone() -> None:
    nat = way(egress=Egress.NAT_GATEWAY, public_ips=2, units=4)
    assert (nat.ports.value, nat.shared, nat.hold_s.value) == (100_000, True, 65)
    assert not way(units=4).shared


def test_a_firewall_gives_its_ports_per_address_and_instance() -> None:
    assert way(egress=Egress.AZURE_FIREWALL, public_ips=2).ports.value == 2 * 2 * 2496


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
