"""The bundled samples: the synthetic one against its own truth, the real ones end to end."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.lake import Lake
from pipeline.land import Landing, land

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
SYNTHETIC = SAMPLES / "synthetic" / "snat_burst"
REAL = SAMPLES / "real"
TRUTH: dict[str, Any] = json.loads(SYNTHETIC.with_name("snat_burst.truth.json").read_text())


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    output = tmp_path_factory.mktemp("report") / "rca.json"
    ran = CliRunner().invoke(
        main, ["incident", str(SYNTHETIC), "--output", str(output), "--format", "json"]
    )
    assert ran.exit_code == 0, ran.output
    loaded: dict[str, Any] = json.loads(output.read_text())
    return loaded


@pytest.fixture(scope="module")
def incident(findings: dict[str, Any]) -> dict[str, Any]:
    (found,) = findings["incidents"]
    assert isinstance(found, dict)
    return found


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_every_line_of_the_sample_is_accounted_for(findings: dict[str, Any]) -> None:
    (source,) = findings["coverage"]
    dirt = TRUTH["dirt"]
    assert source["lines"] == dirt["lines"]
    assert source["duplicates"] == dirt["duplicates"]
    assert source["quarantined"] == dirt["malformed"] + dirt["truncated"]
    assert source["rows"] == (
        source["lines"] - source["duplicates"] - source["quarantined"] - source["set_aside"]
    )


def test_the_incident_begins_and_ends_when_it_did(incident: dict[str, Any]) -> None:
    truth = TRUTH["incident"]
    for side in ("start", "end"):
        assert abs(_moment(incident[side]) - _moment(truth[side])) < timedelta(minutes=1)


def test_the_ip_and_port_that_starved_comes_first(incident: dict[str, Any]) -> None:
    worst, *others = incident["destinations"]
    starved = TRUTH["incident"]["destinations"]
    assert {(worst["ip"], worst["port"])} == {(each["ip"], each["port"]) for each in starved}
    assert set(worst["hosts"]) == {each["host"] for each in starved}
    assert abs(worst["failures"] - sum(each["failures"] for each in starved)) <= 10
    assert all(other["failures"] < 10 for other in others)


def test_exhaustion_is_left_open_for_want_of_a_counter(incident: dict[str, Any]) -> None:
    assert TRUTH["mechanism"] == "snat_port_exhaustion"
    assert incident["snat"]["verdict"] == "undecided"
    assert incident["verdict"]["mechanism"] == "snat_port_exhaustion"
    assert incident["verdict"]["status"] == "undecided"
    assert incident["verdict"]["trigger"] == TRUTH["trigger"]
    assert "UsedSnatPorts" in incident["hypotheses"][0]["would_decide"]


def test_the_true_peak_lies_between_the_bounds(incident: dict[str, Any]) -> None:
    ports = incident["destinations"][0]["ports"]
    true_peaks = [
        unit["peak"]
        for unit in TRUTH["ports"]
        if unit["destination"] == incident["destinations"][0]["name"]
    ]
    assert len(true_peaks) == 2
    assert all(ports["lower_peak"] <= peak <= ports["upper_peak"] for peak in true_peaks)


def test_the_window_that_the_report_prints_gives_the_same_hashes(
    findings: dict[str, Any], tmp_path: Path
) -> None:
    lake, again = tmp_path / "lake", tmp_path / "again.json"
    run = CliRunner()
    assert run.invoke(main, ["land", str(SYNTHETIC), "--lake", str(lake)]).exit_code == 0
    window = ["--from", findings["window"]["start"], "--to", findings["window"]["end"]]
    named = ["--config", str(SYNTHETIC / "gateway-rca.toml"), "--format", "json"]
    ran = run.invoke(
        main, ["incident", "--lake", str(lake), *window, *named, "--output", str(again)]
    )
    assert ran.exit_code == 0, ran.output
    repeated = json.loads(again.read_text())
    assert repeated["figures"] == findings["figures"]
    assert repeated["incidents"] == findings["incidents"]


def test_settings_that_no_log_answers_to_are_named(tmp_path: Path) -> None:
    settings = (SYNTHETIC / "gateway-rca.toml").read_text().replace("orders.contoso", "order.typo")
    settings = settings.replace("203.0.113.20", "203.0.113.99").replace("apim-synthetic", "other")
    (tmp_path / "mine.toml").write_text(settings)
    ran = CliRunner().invoke(
        main,
        [
            *("incident", str(SYNTHETIC), "--config", str(tmp_path / "mine.toml")),
            *("--format", "json", "--output", str(tmp_path / "rca.json")),
        ],
    )
    assert ran.exit_code == 0, ran.output
    assert "note: mine.toml: [[gateway]]" in ran.output
    assert "note: mine.toml: [[destination]] order.typo.example was not called" in ran.output
    assert ran.output.count("note: ") == 2


def test_the_samples_are_small_and_each_real_one_has_its_origin() -> None:
    files = [path for path in SAMPLES.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 10_000_000
    origins = (REAL / "ORIGINS.md").read_text(encoding="utf-8")
    for path in files:
        if path.is_relative_to(REAL) and path.suffix not in (".md", ".txt"):
            folder = path.relative_to(REAL).parts[0]
            assert f"| {folder}/" in origins, path


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Landing:
    return land([str(REAL)], Lake(tmp_path_factory.mktemp("lake") / "lake"))


def test_a_real_record_with_a_masked_time_is_quarantined_for_it(landed: Landing) -> None:
    assert landed.read == 1
    assert landed.quarantined == {"wrong value": 1}
    assert landed.rows["requests"] == 0


def test_real_files_of_other_formats_are_named_with_what_was_looked_for(landed: Landing) -> None:
    names = {Path(name).parent.name for name in landed.unclaimed}
    assert {"nsg-flow-logs", "activity-log", "portal-csv", "append-blob-growth"} <= names
    assert all("GatewayLogs" in why for why in landed.unclaimed.values())
    assert landed.seen == landed.read + len(landed.unclaimed)


def test_a_report_on_real_files_without_a_request_says_there_is_none(tmp_path: Path) -> None:
    output = tmp_path / "rca.pdf"
    ran = CliRunner().invoke(main, ["incident", str(REAL), "--output", str(output)])
    assert ran.exit_code == 3
    assert "no request could be read" in ran.output
    assert not list(tmp_path.iterdir())
