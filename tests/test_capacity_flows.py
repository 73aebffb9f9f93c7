"""The weekly review where flow logs measured the ports that gateway logs only bound."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline import flow_weeks
from pipeline.capacity import review
from pipeline.config import Capacity, Gateway, Settings
from pipeline.lake import Lake
from pipeline.markdown import written
from pipeline.report import composed
from tests.flows import ADDRESS, OTHER_GATEWAY, flows
from tests.test_capacity import day, resource, told
from tests.weeks import GATEWAY, weeks

LIMIT, PEAK = 128, 60.0
# Of what two units hold, as gateway logs make of it: an even share each.
BY_LOGS = PEAK / 2 / LIMIT
EVEN = {"10.0.0.4": 0.5, "10.0.0.5": 0.5}
UNEVEN = {"10.0.0.4": 0.8, "10.0.0.5": 0.2}
NOON = range(8, 16)


def of(**stated: Any) -> Settings:
    return Settings(gateway=(Gateway(GATEWAY, **{"units": 2, "ports_per_unit": LIMIT, **stated}),))


def both(
    folder: Path,
    sources: Mapping[str, float],
    hours: range = NOON,
    peak: float = PEAK,
    days: int = 2,
) -> Lake:
    """Days of counts, by which each of two units holds half of the ports, and the flows of them."""
    home = weeks(folder / "lake", {ADDRESS: lambda _: PEAK}, range(days), hours=NOON)
    flows(home, range(max(0, days - 2), days), peak, sources, hours)
    return Lake(folder / "lake")


def reviewed(lake: Lake, **stated: Any) -> dict[str, Any]:
    return resource(told(lake, of(**stated)), ADDRESS)


def test_flow_logs_that_tell_of_all_minutes_lead_and_gateway_logs_stand_beside_them(
    tmp_path: Path,
) -> None:
    found = reviewed(both(tmp_path, EVEN))
    assert (found["basis"], found["scope"]) == ("flow_logs", "instance")
    assert found["utilisation"]["peak"] == pytest.approx(BY_LOGS, rel=0.1)
    # Connections are told one by one: what is held at most is what is held.
    assert found["utilisation"]["upper_peak"] == found["utilisation"]["peak"]
    assert found["headroom"] == pytest.approx(1 - found["utilisation"]["peak"], abs=1e-4)
    (logs,) = found["other_bases"]
    assert (logs["basis"], logs["scope"]) == ("gateway_logs", "unit")
    assert logs["utilisation"]["upper_peak"] == pytest.approx(4 * BY_LOGS, rel=0.1)


def test_the_fullest_source_is_named_and_the_others_are_told(tmp_path: Path) -> None:
    found = reviewed(both(tmp_path, UNEVEN))
    assert found["peak_instance"] == "10.0.0.4"
    assert found["utilisation"]["peak"] == pytest.approx(1.6 * BY_LOGS, rel=0.1)
    assert [each["id"] for each in found["instances"]] == list(UNEVEN)
    assert found["spread"] == pytest.approx(1.2 * BY_LOGS, rel=0.15)


def test_what_flow_logs_do_not_cover_is_not_free(tmp_path: Path) -> None:
    """Of the morning alone: gateway logs tell of a fuller noon, and lead."""
    found = reviewed(both(tmp_path, EVEN, hours=range(8, 10)))
    assert found["basis"] == "gateway_logs"
    (measured,) = found["other_bases"]
    assert measured["basis"] == "flow_logs"
    # Two hours of two days; a silence of a few minutes may be one, so the last minutes may miss.
    assert 200 < measured["utilisation"]["minutes"] <= 250
    assert measured["utilisation"]["peak"] < found["utilisation"]["peak"]
    assert measured["utilisation"]["p50"] > 0


def test_a_higher_peak_by_flow_logs_leads_however_few_minutes_they_cover(tmp_path: Path) -> None:
    found = reviewed(both(tmp_path, EVEN, hours=range(9, 11), peak=2 * PEAK))
    assert found["basis"] == "flow_logs"
    assert found["utilisation"]["minutes"] <= 250
    assert found["utilisation"]["peak"] > BY_LOGS


def test_alerts_count_minutes_that_flow_logs_miss_by_gateway_logs(tmp_path: Path) -> None:
    home = both(tmp_path, EVEN, hours=range(9, 10), peak=2 * PEAK)
    alerts = msgspec.structs.replace(of(), capacity=Capacity(alerts=(0.2,)))
    found = resource(told(home, alerts), ADDRESS)
    assert found["basis"] == "flow_logs"
    # An hour on each of two days by flow logs, and the hours around noon by gateway logs.
    assert found["alerts"][0]["minutes"] > 4 * 60 > found["utilisation"]["minutes"]


def test_all_sources_draw_on_one_pool_behind_a_nat_gateway(tmp_path: Path) -> None:
    found = reviewed(both(tmp_path, UNEVEN), egress="nat_gateway")
    assert (found["scope"], found["instances"]) == ("total", [])
    alone = reviewed(both(tmp_path / "alone", {"10.0.0.4": 1.0}), egress="nat_gateway")
    assert found["utilisation"]["peak"] == pytest.approx(alone["utilisation"]["peak"], rel=0.05)


def test_a_destination_that_two_gateways_call_is_left_to_their_logs(tmp_path: Path) -> None:
    home = both(tmp_path, EVEN)
    weeks(tmp_path / "lake", {ADDRESS: lambda _: PEAK}, range(2), gateway=OTHER_GATEWAY, hours=NOON)
    document = told(Lake(tmp_path / "lake"), of())
    assert home.files("flows")
    ports = [each for each in document["resources"] if each["kind"] == "ports"]
    assert len(ports) == 2
    assert {each["basis"] for each in ports} == {"gateway_logs"}
    assert all(each["other_bases"] == [] for each in ports)
    assert any("whose a flow was they do not say" in each for each in document["notes"])


def test_dates_stand_where_flow_logs_bear_gateway_logs_out(tmp_path: Path) -> None:
    found = reviewed(both(tmp_path, EVEN, days=28))
    assert found["basis"] == "flow_logs"
    assert found["outlook"]["known"]
    assert found["peak_before"] == pytest.approx(BY_LOGS, rel=0.05)


def test_days_before_are_taken_as_much_higher_as_flow_logs_measured(tmp_path: Path) -> None:
    """Else a week that is measured would look like a jump; and what is kept can still be scored."""
    home = weeks(tmp_path / "lake", {ADDRESS: lambda _: PEAK}, range(35), hours=NOON)
    flows(home, [*range(26, 28), *range(33, 35)], PEAK, UNEVEN, NOON)
    first = resource(told(Lake(tmp_path / "lake"), of(), as_of=day(28)), ADDRESS)
    assert re.search(r"are taken 1.[67] times", first["outlook"]["says"])
    assert first["crossing"]["80"]["low"] is None
    second = resource(told(Lake(tmp_path / "lake"), of(), as_of=day(35)), ADDRESS)
    assert second["last_forecast_scored"]["inside"] == 7
    assert second["last_forecast_scored"]["median_error"] < 0.02


def test_no_date_is_made_of_gateway_logs_that_flow_logs_refute(tmp_path: Path) -> None:
    home = both(tmp_path, {"10.0.0.4": 1.0}, peak=4 * PEAK, days=28)
    document = told(home, of())
    found = resource(document, ADDRESS)
    assert found["utilisation"]["peak"] == 1
    assert found["utilisation"]["upper_peak"] > 1
    assert not found["outlook"]["known"]
    assert "no growth and no date is made of them" in found["outlook"]["says"]
    assert found["growth"] == {"30": None, "60": None, "90": None}
    # It was reached in the week reviewed, and nothing else is known.
    reached = f"{day(26):%Y-%m-%d}"
    assert found["crossing"]["100"] == dict.fromkeys(("low", "median", "high"), reached)
    assert found["sign"] == "act"
    # That other data told of it is no change.
    assert not any("peak rose" in each for each in document["changed"])


def test_options_are_told_of_what_was_measured(tmp_path: Path) -> None:
    found = reviewed(both(tmp_path, UNEVEN))
    options = {each["id"]: each["headroom"] for each in found["options"]}
    assert options["scale_units"] == pytest.approx(1 - found["utilisation"]["peak"] / 2)
    assert options["private_endpoint"] == 1


def test_of_too_many_tuples_the_fullest_hours_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = both(tmp_path, EVEN)
    monkeypatch.setattr(flow_weeks, "MOST_TUPLES", 6_000)
    found = reviewed(home)
    used = [each for each in [found, *found["other_bases"]] if each["basis"] == "flow_logs"]
    assert 60 <= used[0]["utilisation"]["minutes"] <= 300
    assert used[0]["utilisation"]["peak"] == pytest.approx(BY_LOGS, rel=0.1)


@pytest.mark.parametrize(
    ("most", "destination", "said"),
    [
        (100, ADDRESS, "more than 100 tuples"),
        (500_000, "203.0.113.99", "ips under [[destination]]"),
    ],
)
def test_flow_logs_that_cannot_be_used_make_a_note(
    most: int, destination: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = weeks(tmp_path / "lake", {ADDRESS: lambda _: PEAK}, range(2), hours=NOON)
    flows(home, range(2), PEAK, EVEN, NOON, destination)
    monkeypatch.setattr(flow_weeks, "MOST_TUPLES", most)
    document = told(Lake(tmp_path / "lake"), of())
    assert resource(document, ADDRESS)["other_bases"] == []
    assert any(said in each for each in document["notes"])


def test_the_pages_lay_both_side_by_side_and_name_what_they_rest_on(tmp_path: Path) -> None:
    home = both(tmp_path, UNEVEN)
    made = review(home, of())
    text = written(composed(made), "figures")
    assert "measured by flow logs" in text
    assert "Ports as flow logs tell them" in text
    assert "another machine that calls the same address is told as one" in text
    (figure,) = [each for each in made.findings.figures if each.id == "C12"]
    assert figure.query == "queries/ports/flow_ports_by_minute.sql"
    assert figure.rows > 60


def test_a_lake_without_flow_logs_says_nothing_of_them(tmp_path: Path) -> None:
    home = weeks(tmp_path / "lake", {ADDRESS: lambda _: PEAK}, range(2), hours=NOON)
    made = review(home, of())
    assert "flow logs" not in written(composed(made), "figures").lower()
    assert not [each for each in made.findings.figures if each.id == "C12"]
