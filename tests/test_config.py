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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GATEWAY + "unit = 2\n", "unit"),
        (GATEWAY + 'units = "two"\n', "units"),
        (GATEWAY + "units = 0\n", "units"),
        (GATEWAY + 'egress = "vpn"\n', "egress"),
        (
            GATEWAY
            + GATEWAY.upper()
            .replace("[[GATEWAY]]", "[[gateway]]")
            .replace("RESOURCE_ID", "resource_id"),
            "stands twice",
        ),
        ('[[destination]]\nhost = "a"\nport = 70000\n', "port"),
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
