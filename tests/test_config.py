"""Settings: what is stated holds, what is wrong is named with its key and cure."""

from datetime import datetime
from pathlib import Path

import pytest

from pipeline.config import Egress, beside, settings
from pipeline.errors import PipelineError

GATEWAY = '[[gateway]]\nresource_id = "/subscriptions/S/providers/X"\n'


def _file(folder: Path, text: str) -> Path:
    path = folder / "gateway-rca.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_defaults_hold() -> None:
    read = settings(None)
    assert read.origin is None
    assert read.gateway == ()
    assert read.incident.minimum_failures == 20


def test_a_gateway_is_found_by_its_id_in_any_case(tmp_path: Path) -> None:
    read = settings(_file(tmp_path, GATEWAY + 'egress = "nat_gateway"\n'))
    stated = read.stated("/subscriptions/s/providers/x")
    assert stated is not None
    assert stated.egress is Egress.NAT_GATEWAY
    assert read.stated("/subscriptions/s/providers/y") is None


def test_history_holds_from_its_moment_on(tmp_path: Path) -> None:
    history = (
        "units = 2\n"
        "[[gateway.history]]\nfrom = 2026-03-05T00:00:00Z\nunits = 8\n"
        "[[gateway.history]]\nfrom = 2026-03-01T01:00:00+01:00\nunits = 4\n"
    )
    (gateway,) = settings(_file(tmp_path, GATEWAY + history)).gateway
    for day, units in ((28, 2), (1, 4), (4, 4), (5, 8)):
        moment = datetime(2026, 2 if day == 28 else 3, day)
        assert gateway.at(moment).units == units


def test_timers_and_instances_of_the_way_out_are_read(tmp_path: Path) -> None:
    text = "hold_after_reset_s = 10\nhold_half_open_s = 0\nfirewall_instances = 3\n"
    (gateway,) = settings(_file(tmp_path, GATEWAY + text)).gateway
    assert (gateway.hold_after_reset_s, gateway.hold_half_open_s) == (10, 0)
    assert gateway.firewall_instances == 3


def test_a_nat_gateway_has_sixteen_addresses_and_others_may_have_more(tmp_path: Path) -> None:
    nat = GATEWAY + 'egress = "nat_gateway"\npublic_ips = 16\n'
    assert settings(_file(tmp_path, nat)).gateway[0].public_ips == 16
    firewall = GATEWAY + 'egress = "azure_firewall"\npublic_ips = 17\n'
    assert settings(_file(tmp_path, firewall)).gateway[0].public_ips == 17


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GATEWAY + "unit = 2\n", "unit"),
        (GATEWAY + 'units = "two"\n', "units"),
        (GATEWAY + "units = 0\n", "units"),
        (GATEWAY + 'egress = "vpn"\n', "egress"),
        (GATEWAY + "hold_after_reset_s = -1\n", "hold_after_reset_s"),
        (GATEWAY + "hold_half_open_s = 1.5\n", "hold_half_open_s"),
        (GATEWAY + "firewall_instances = 0\n", "firewall_instances"),
        (GATEWAY + 'egress = "nat_gateway"\npublic_ips = 17\n', "takes 16"),
        (
            GATEWAY
            + 'egress = "nat_gateway"\n'
            + "[[gateway.history]]\nfrom = 2026-03-05T00:00:00Z\npublic_ips = 20\n",
            "takes 16",
        ),
        (
            GATEWAY
            + GATEWAY.upper()
            .replace("[[GATEWAY]]", "[[gateway]]")
            .replace("RESOURCE_ID", "resource_id"),
            "stands twice",
        ),
        ('[[destination]]\nhost = "a"\nport = 70000\n', "port"),
        ('[[destination]]\nhost = "https://a.example/"\n', "write the name alone"),
        ('[[destination]]\nhost = "a.example:8443"\n', "write the name alone"),
        ('[[destination]]\nhost = "a"\nips = ["203.0.113.300"]\n', "is no ip address"),
        (GATEWAY + "[[gateway.history]]\nfrom = 2026-03-05\n", "as in 2026-03-01T00:00:00Z"),
        ("[slo]\navailability = 99.9\n", "availability"),
        ("[[gateway]\n", "not TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(PipelineError, match=told) as raised:
        settings(path)
    assert str(path) in str(raised.value)


def test_settings_are_found_beside_and_above_the_exports(tmp_path: Path) -> None:
    export = tmp_path / "exports" / "insights-logs-gatewaylogs" / "PT1H.json"
    export.parent.mkdir(parents=True)
    export.write_text("")
    assert beside([str(export.parent)]) is None
    above = _file(tmp_path / "exports", "")
    assert beside([str(export.parent)]) == above
    near = _file(export.parent, "")
    assert beside([str(export)]) == near
