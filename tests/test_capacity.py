"""The weekly review, made from lakes that hold weeks of counts, and from exports."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import page
import pytest
from click.testing import CliRunner
from deltalake import DeltaTable

from pipeline.capacity import review, write_review
from pipeline.cli import main
from pipeline.config import Capacity, Event, Gateway, Settings, Slo
from pipeline.datasets import datasets
from pipeline.errors import NothingToReportError, PipelineError
from pipeline.finding import encoded
from pipeline.lake import Lake
from pipeline.report import composed, pdf
from pipeline.run import samples
from pipeline.schema import schema
from tests.weeks import GATEWAY, START, weeks

LIMIT = 1024
SETTINGS = Settings(
    gateway=(Gateway(GATEWAY, units=1, ports_per_unit=LIMIT),),
    slo=Slo(availability=0.999, window_days=30),
)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def growing(number: int) -> float:
    """Ports that come up to 80 % of the limit on day 84, weekends half."""
    return LIMIT * (0.38 + 0.005 * number) * (1 if number % 7 < 5 else 0.5)


def told(lake: Lake, settings: Settings = SETTINGS, **asked: Any) -> dict[str, Any]:
    """The document, which keeps its schema."""
    document = json.loads(encoded(review(lake, settings, **asked).findings))
    jsonschema.validate(document, schema(), cls=jsonschema.Draft202012Validator)
    return dict(document)


def resource(document: dict[str, Any], host: str) -> dict[str, Any]:
    (found,) = [e for e in document["resources"] if e["destination"] == f"{host}:443"]
    return dict(found)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Ten weeks: one destination grows, one does not, one came, one went; a day is missing."""
    return weeks(
        tmp_path_factory.mktemp("weeks") / "lake",
        {
            "pay.example": growing,
            "stock.example": lambda _: 200.0,
            "new.example": lambda number: 50.0 if number >= 65 else None,
            "old.example": lambda number: 60.0 if number < 40 else None,
        },
        [number for number in range(70) if number != 33],
    )


@pytest.fixture(scope="module")
def document(lake: Lake) -> dict[str, Any]:
    return told(lake)


def test_it_is_of_the_week_up_to_the_end_of_the_data(document: dict[str, Any]) -> None:
    assert document["kind"] == "capacity"
    assert document["window"]["start"] == f"{day(63):%Y-%m-%dT%H:%M:%S}.000Z"
    assert document["as_of"] == f"{day(70):%Y-%m-%dT%H:%M:%S}.000Z"
    assert document["as_of_from"] == "the end of the data"
    assert document["holes"] == []


def test_utilisation_is_told_against_the_limit_with_the_time_of_the_peak(
    document: dict[str, Any],
) -> None:
    pay = resource(document, "pay.example")
    assert pay["limit"] == LIMIT
    assert pay["limit_is_fact"]
    assert pay["utilisation"]["peak"] == pytest.approx(growing(67) / LIMIT, rel=0.02)
    at = datetime.fromisoformat(pay["utilisation"]["peak_at"]).replace(tzinfo=None)
    assert abs(at - day(67) - timedelta(hours=12)) < timedelta(minutes=10)
    used = pay["utilisation"]
    assert used["p50"] < used["p95"] < used["p99"] < used["peak"] < used["upper_peak"]
    assert pay["headroom"] == pytest.approx(1 - used["peak"])


def test_growth_is_told_over_as_many_days_as_there_are(document: dict[str, Any]) -> None:
    growth = resource(document, "pay.example")["growth"]
    assert growth["30"] == pytest.approx(0.005 * 12 / 14, rel=0.1)  # weekends grow by half
    assert growth["60"] == pytest.approx(growth["30"], rel=0.1)
    assert growth["90"] is None
    assert abs(resource(document, "stock.example")["growth"]["60"]) < 1e-4


def test_what_grows_gets_a_date_and_what_does_not_gets_none(document: dict[str, Any]) -> None:
    pay = resource(document, "pay.example")["crossing"]["80"]
    true = date.fromisoformat(f"{day(84):%Y-%m-%d}")
    assert abs((date.fromisoformat(pay["median"]) - true).days) <= 3
    assert pay["low"] <= pay["median"] <= pay["high"]
    never = {"low": None, "median": None, "high": None}
    assert resource(document, "stock.example")["crossing"] == {"80": never, "100": never}


def test_too_little_history_is_said_and_nothing_guessed(document: dict[str, Any]) -> None:
    new = resource(document, "new.example")
    assert not new["outlook"]["known"]
    assert "Too little history: 5 whole days" in new["outlook"]["says"]
    assert new["growth"] == {"30": None, "60": None, "90": None}
    assert new["crossing"]["80"]["low"] is None


def test_the_interval_was_tried_out_on_the_lakes_own_past(document: dict[str, Any]) -> None:
    tried = resource(document, "pay.example")["outlook"]["back_test"]
    assert tried["calibrated"]
    assert tried["days"] > 50
    assert tried["aimed_at"] == 0.8


def test_what_came_and_went_is_named(document: dict[str, Any]) -> None:
    assert document["new_destinations"] == ["contoso to new.example:443"]
    gone = resource(document, "old.example")
    assert gone["utilisation"] is gone["headroom"] is None
    assert gone["sign"] == "unknown"
    assert gone["crossing"]["100"]["low"] is None


def test_options_come_least_invasive_first_with_the_headroom_each_gives(
    document: dict[str, Any],
) -> None:
    pay = resource(document, "pay.example")
    options = {each["id"]: each["headroom"] for each in pay["options"]}
    assert next(iter(options)) == "connection_pooling"
    assert options["connection_pooling"] == pytest.approx(1 - (1 - pay["headroom"]) / 5, abs=1e-3)
    assert options["scale_units"] == pytest.approx(1 - (1 - pay["headroom"]) / 2, abs=1e-3)
    assert options["private_endpoint"] == 1
    assert "scale out by one unit" in document["autoscale"][0]
    assert "717 of 1,024" in document["autoscale"][0]


def test_offenders_are_told_with_the_weeks_they_stood_out(document: dict[str, Any]) -> None:
    pay = {
        (each["kind"], each["name"]): each
        for each in resource(document, "pay.example")["offenders"]
    }
    assert pay["destination", "pay.example:443"]["status"] == "recurring"
    assert pay["caller", "shop"]["share"] == pytest.approx(2 / 3, abs=0.01)
    assert pay["caller", "shop"]["weeks_seen"] == pay["caller", "shop"]["weeks_known"] == 10
    (new,) = [e for e in resource(document, "new.example")["offenders"] if e["kind"] == "api"]
    assert (new["status"], new["weeks_seen"]) == ("new", 1)


def test_a_promise_that_is_kept_uses_no_budget(document: dict[str, Any]) -> None:
    for each in document["reliability"]:
        assert each["availability"] in (1, None)
        assert each["burn_rate"] in (0, None)


def test_every_figure_names_a_query(document: dict[str, Any]) -> None:
    ids = [each["id"] for each in document["figures"]]
    assert len(ids) == len(set(ids))
    assert {"C1", "C2", "C3", "D1"} <= set(ids)


def test_the_past_can_be_reviewed_again_and_knows_nothing_of_what_came(lake: Lake) -> None:
    past = told(lake, as_of=day(56))
    assert past["as_of_from"] == "--as-of"
    assert past["window"]["end"] == f"{day(56):%Y-%m-%dT%H:%M:%S}.000Z"
    assert not [e for e in past["resources"] if e["destination"] == "new.example:443"]


def test_last_weeks_forecast_is_kept_once_and_scored(tmp_path: Path) -> None:
    home = weeks(tmp_path / "lake", {"pay.example": growing}, range(49))
    assert resource(told(home, as_of=day(42)), "pay.example")["last_forecast_scored"] is None
    told(Lake(tmp_path / "lake"), as_of=day(42))
    kept = DeltaTable(str(tmp_path / "lake" / "forecasts")).to_pyarrow_table()
    assert kept.num_rows == 7
    scored = resource(told(Lake(tmp_path / "lake"), as_of=day(49)), "pay.example")
    said = scored["last_forecast_scored"]
    assert (said["made"], said["days"]) == (f"{day(42):%Y-%m-%d}", 7)
    assert said["inside"] >= 5
    assert said["median_error"] < 0.05


def test_a_lake_that_cannot_be_written_makes_a_note(tmp_path: Path) -> None:
    home = weeks(tmp_path / "lake", {"pay.example": growing}, range(28))

    def refused(*_: object) -> None:
        raise PipelineError("lake: cannot be used: Read-only file system")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lake, "append", refused)
        (note,) = told(home)["notes"]
    assert "the forecast was not kept" in note


def test_a_week_with_holes_says_so(tmp_path: Path) -> None:
    home = weeks(tmp_path / "lake", {"pay.example": growing}, [*range(25), 27])
    (hole,) = told(home)["holes"]
    assert "no request was logged in 48 of 168 hours" in hole
    assert f"{day(25):%Y-%m-%d} 00:00 to {day(27):%Y-%m-%d} 00:00" in hole
    assert "The week has holes." in composed(review(home, SETTINGS))


def test_planned_events_enter_the_projection(tmp_path: Path) -> None:
    home = weeks(tmp_path / "lake", {"pay.example": lambda _: 0.5 * LIMIT}, range(42))
    sale = Event("sale", day(60).date(), day(62).date(), 1.8, destination="pay.example")
    crossing = resource(
        told(home, msgspec.structs.replace(SETTINGS, event=(sale,))), "pay.example"
    )["crossing"]
    assert crossing["80"]["median"] == f"{day(60):%Y-%m-%d}"
    assert crossing["100"]["median"] is None


def test_alerts_tell_how_long_and_how_often(tmp_path: Path) -> None:
    home = weeks(tmp_path / "lake", {"pay.example": lambda _: 0.85 * LIMIT}, range(7))
    settings = msgspec.structs.replace(SETTINGS, capacity=Capacity(alerts=(0.7, 0.9)))
    low, high = resource(told(home, settings), "pay.example")["alerts"]
    assert (low["at"], low["episodes"]) == (0.7, 7)
    assert low["minutes"] == pytest.approx(7 * low["longest_minutes"], rel=0.05)
    assert (high["minutes"], high["episodes"], high["longest_minutes"]) == (0, 0, 0)


@pytest.mark.parametrize(("lost", "spared"), [(0.0, True), (0.1, False)])
def test_a_near_miss_is_one_only_if_no_call_went_without(
    lost: float, spared: bool, tmp_path: Path
) -> None:
    def failing(moment: datetime) -> float:
        return lost if moment.hour == 12 else 0.0

    home = weeks(tmp_path / "lake", {"a.example": lambda _: 0.6 * LIMIT}, range(3), failing=failing)
    found = resource(told(home), "a.example")
    assert bool(found["near_misses"]) is spared
    (promise,) = told(home)["reliability"]
    assert (promise["burn_rate"] == 0) is spared


def test_ports_a_request_tell_waste_from_growth(tmp_path: Path) -> None:
    home = weeks(tmp_path / "lake", {"a.example": lambda n: 100.0 if n < 7 else 200.0}, range(14))
    shift = resource(told(home), "a.example")["shift"]
    assert shift["calls"] == pytest.approx(2 * shift["calls_before"], rel=0.01)
    assert shift["ports_per_1000_requests"] == pytest.approx(
        shift["ports_per_1000_requests_before"], rel=0.05
    )


def test_a_review_that_ends_in_the_midst_of_a_day_compares_weeks_of_one_length(
    tmp_path: Path,
) -> None:
    """Else the day that it begins in would count in both, and whole."""
    home = weeks(tmp_path / "lake", {"a.example": lambda _: 100.0}, range(16))
    document = told(home, as_of=day(15) + timedelta(hours=6))
    shift = resource(document, "a.example")["shift"]
    assert shift["calls"] == shift["calls_before"] == document["reliability"][0]["requests"]
    assert shift["ports_per_1000_requests"] == pytest.approx(
        shift["ports_per_1000_requests_before"], rel=0.02
    )


def test_the_pages_keep_pdf_ua_1_and_repeat_byte_for_byte(lake: Lake) -> None:
    html = composed(review(lake, SETTINGS))
    content = pdf(html)
    assert content
    checked = page.validate_pdf_bytes(content, profile=page.ValidationProfile.PDF_UA_1)
    assert checked.is_compliant, [str(each) for each in checked.failures]
    assert composed(review(lake, SETTINGS)) == html


def test_an_empty_lake_has_nothing_to_review(tmp_path: Path) -> None:
    with pytest.raises(NothingToReportError, match="holds no requests"):
        write_review(Lake(tmp_path / "lake"), SETTINGS, tmp_path / "c.json", ("json",))


@pytest.mark.parametrize(
    ("as_of", "said"), [(day(-1), "no request before"), (day(100), "no request in the 1 week")]
)
def test_a_time_without_data_is_told_with_what_there_is(
    lake: Lake, as_of: datetime, said: str
) -> None:
    with pytest.raises(NothingToReportError, match=said) as refused:
        review(lake, SETTINGS, as_of)
    assert "the data goes from 2026-01-05" in str(refused.value)


def run(*words: object) -> Any:
    return CliRunner().invoke(main, ["capacity", *map(str, words)])


def test_one_day_of_exports_is_reviewed_without_a_forecast(tmp_path: Path) -> None:
    done = run(samples(), "--output", tmp_path / "c.json", "--format", "json", "--format", "md")
    assert done.exit_code == 0, done.output
    assert "## What to decide on Monday" in (tmp_path / "c.md").read_text()
    document = json.loads((tmp_path / "c.json").read_text())
    assert document["holes"]
    assert document["coverage"][0]["rows"] > 70_000
    assert not any(each["outlook"]["known"] for each in document["resources"])
    assert any(
        "Too little history: 0 whole days" in e["outlook"]["says"] for e in document["resources"]
    )
    assert all(each["crossing"]["80"]["low"] is None for each in document["resources"])


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--lake", "LAKE", "--as-of", "2026-03-01"], 0, "is read as 2026-03-02 00:00:00 UTC"),
        (["--lake", "LAKE", "--as-of", "2020-01-01"], 3, "no request before 2020-01-02T00:00"),
        (["--lake", "LAKE", "--as-of", "monday"], 2, "--as-of 'monday' is not a time"),
        (["--lake", "NONE"], 2, "no lake is there"),
        ([], 2, "name exports to read, or a lake"),
    ],
)
def test_the_command_says_what_it_did_or_how_to_mend_it(
    words: list[str], status: int, said: str, lake: Lake, tmp_path: Path
) -> None:
    places = {"LAKE": str(lake.location), "NONE": str(tmp_path / "none")}
    asked = [places.get(word, word) for word in words]
    done = run(*asked, "--output", tmp_path / "c.json", "--format", "json")
    assert done.exit_code == status, done.output
    assert said in done.output


def test_an_event_that_ends_before_it_begins_is_refused(lake: Lake, tmp_path: Path) -> None:
    settings = tmp_path / "gateway-rca.toml"
    settings.write_text(
        '[[event]]\nname = "sale"\nfrom = 2026-05-02\nto = 2026-05-01\nfactor = 2.0\n'
    )
    done = run("--lake", lake.location, "--config", settings, "--output", tmp_path / "c.pdf")
    assert done.exit_code == 2
    assert "event 'sale' ends (2026-05-01) before it begins" in done.output


def test_forecasts_are_no_rows_that_forget_drops() -> None:
    assert datasets()["forecasts"].partition is None
