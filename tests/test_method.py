"""Method: what a report says of its assumptions."""

from pipeline.config import Detection, Settings, Slo
from pipeline.method import assumptions


def said(settings: Settings) -> dict[str, tuple[str, str]]:
    """How well each value is known, and where it came from."""
    return {each.name: (each.basis, each.source) for each in assumptions({}, settings, {})}


def test_what_the_settings_leave_open_is_not_called_stated() -> None:
    told = said(Settings(slo=Slo(availability=0.999), origin="gateway-rca.toml"))
    assert told["least failures of an incident"] == ("assumed", "")
    assert told["objective: availability"] == ("stated", "gateway-rca.toml")
    assert "objective: days" not in told


def test_what_the_settings_change_names_them() -> None:
    told = said(Settings(incident=Detection(minimum_failures=5), origin="gateway-rca.toml"))
    assert told["least failures of an incident"] == ("stated", "gateway-rca.toml")
    assert told["least bad minutes of an incident"] == ("assumed", "")
