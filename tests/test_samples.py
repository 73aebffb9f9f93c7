"""The bundled samples: the synthetic one against its own truth, the real ones end to end."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main
from pipeline.dataset import Type
from pipeline.lake import Lake
from pipeline.land import land
from pipeline.landed import Landing
from pipeline.sources import sources
from tests import tables

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
SYNTHETIC = SAMPLES / "synthetic" / "snat_burst"
REAL = SAMPLES / "real"
COUNTS = ("rows", "duplicates", "quarantined", "set_aside")
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


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A lake of it."""
    lake = str(tmp_path_factory.mktemp("synthetic") / "lake")
    assert CliRunner().invoke(main, ["land", str(SYNTHETIC), "--lake", lake]).exit_code == 0
    return lake


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
    assert incident["verdict"]["status"] == "likely"
    assert incident["verdict"]["trigger"] == TRUTH["trigger"]
    assert "Azure Support" in incident["snat"]["would_decide"]


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
    findings: dict[str, Any], synthetic: str, tmp_path: Path
) -> None:
    again = tmp_path / "again.json"
    window = ["--from", findings["window"]["start"], "--to", findings["window"]["end"]]
    named = ["--config", str(SYNTHETIC / "gateway-rca.toml"), "--format", "json"]
    ran = CliRunner().invoke(
        main, ["incident", "--lake", synthetic, *window, *named, "--output", str(again)]
    )
    assert ran.exit_code == 0, ran.output
    repeated = json.loads(again.read_text())
    assert repeated["figures"] == findings["figures"]
    assert repeated["incidents"] == findings["incidents"]


def test_settings_that_no_log_answers_to_are_named(synthetic: str, tmp_path: Path) -> None:
    settings = (SYNTHETIC / "gateway-rca.toml").read_text().replace("orders.contoso", "order.typo")
    settings = settings.replace("203.0.113.20", "203.0.113.99").replace("apim-synthetic", "other")
    (tmp_path / "mine.toml").write_text(settings)
    ran = CliRunner().invoke(
        main,
        [
            *("incident", "--lake", synthetic, "--config", str(tmp_path / "mine.toml")),
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


# What each real file holds, by what becomes of it; lines are the sum.
LANDED = tables.rows(
    """
| file                                                                 | format                          | dataset  | rows | duplicates | quarantined | set_aside |
| activity-log/otel_administrative_valid_1.json                        | activity_log                    | changes  | 1    | 0          | 0           | 0         |
| activity-log/otel_autoscale-log.json                                 | activity_log                    | changes  | 1    | 0          | 0           | 0         |
| activity-log/sumologic_activity_log_fixtures.json                    | activity_log                    | changes  | 1    | 0          | 0           | 0         |
| apim-gateway-logs/docs_gatewaylogs_success.json                      | apim_gateway_logs               | requests | 0    | 0          | 1           | 0         |
| appinsights-dependencies/otel_app-dependencies.json                  | app_dependencies                | requests | 1    | 0          | 0           | 2         |
| application-gateway/otel_access-log.json                             | application_gateway_access_logs | requests | 6    | 0          | 0           | 0         |
| appservice-http-logs/otel_appservice_httplogs.json                   | app_service_http_logs           | requests | 1    | 0          | 0           | 0         |
| appservice-http-logs/otel_http-log-string-properties.json            | app_service_http_logs           | requests | 1    | 0          | 0           | 0         |
| appservice-w3c/sumologic_blob_fixtures.log                           | app_service_w3c                 | requests | 8    | 0          | 0           | 0         |
| log-analytics-query/yeongseon_failed-to-forward-request_kql-http.json | app_service_http_logs_table     | requests | 34   | 0          | 0           | 0         |
| log-analytics-query/yeongseon_intermittent-5xx_kql-http.json         | app_service_http_logs_table     | requests | 60   | 0          | 0           | 0         |
| log-analytics-query/yeongseon_snat-exhaustion_kql-http.json          | app_service_http_logs_table     | requests | 195  | 0          | 0           | 0         |
| metrics-rest/azure-rest-api-specs_GetMetric.json                     | metrics_rest                    | metrics  | 8    | 0          | 0           | 0         |
| nsg-flow-logs/sumologic_blob_fixtures.json                           | nsg_flow_logs                   | flows    | 153  | 0          | 0           | 0         |
| platform-metrics-storage/otel_metrics-records.json                   | platform_metrics                | metrics  | 3    | 0          | 0           | 0         |
| platform-metrics-storage/otel_metrics-records.json                   | platform_metrics_rule           | metrics  | 1    | 0          | 0           | 0         |
| platform-metrics-storage/sumologic_metrics_fixtures.json             | platform_metrics                | metrics  | 3    | 3          | 0           | 0         |
| vnet-flow-logs/otel_valid_1.json                                     | vnet_flow_logs                  | flows    | 2    | 0          | 0           | 0         |
| vnet-flow-logs/sumologic_blob_fixtures_networkinterfaceflowlogs.json | vnet_flow_logs                  | flows    | 48   | 13         | 0           | 0         |
| vnet-flow-logs/sumologic_blob_fixtures_vnetflowlogs.json             | vnet_flow_logs                  | flows    | 81   | 85         | 0           | 0         |
""",  # noqa: E501
    {
        **dict.fromkeys(("file", "format", "dataset"), Type.VARCHAR),
        **dict.fromkeys(COUNTS, Type.BIGINT),
    },
)
# Their lines are no JSON, whatever comes later: quotes are single, or a table is not one.
UNREADABLE = {
    "append-blob-growth/datadog_cursor_validation_state_a.json",
    "append-blob-growth/datadog_cursor_validation_state_b.json",
    "functionapp-logs/datadog_function_app_logs.json",
    "snat-experiments/yeongseon_lab_outbound-targeted-20260404T055433Z.csv",
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(tmp_path_factory.mktemp("lake") / "lake")


@pytest.fixture(scope="module")
def landed(lake: Lake) -> Landing:
    return land([str(REAL)], lake)


def _in_samples(blob: str) -> str:
    return Path(blob).relative_to(REAL).as_posix()


def test_every_record_of_each_real_file_is_accounted_for(landed: Landing, lake: Lake) -> None:
    ledger = pl.read_parquet(lake.files("landings")).sort("blob", "format")
    assert landed.unreadable == {}
    assert [
        {"file": _in_samples(row.pop("blob")), **row}
        for row in ledger.select("blob", "format", "dataset", *COUNTS).rows(named=True)
    ] == sorted(LANDED, key=lambda row: (str(row["file"]), str(row["format"])))
    assert (ledger["lines"] == ledger.select(pl.sum_horizontal(COUNTS)).to_series()).all()
    assert ledger["pending"].sum() == 0


def test_what_the_ledger_says_is_in_the_lake(landed: Landing, lake: Lake) -> None:
    for dataset in ("requests", "metrics", "flows", "changes"):
        rows = sum(int(str(row["rows"])) for row in LANDED if row["dataset"] == dataset)
        assert pl.read_parquet(lake.files(dataset)).height == rows == landed.rows[dataset]


def test_a_real_record_with_a_masked_time_is_quarantined_for_it(landed: Landing) -> None:
    assert landed.quarantined == {"wrong value": 1}


def test_dependencies_that_are_no_calls_are_set_aside(landed: Landing) -> None:
    assert landed.set_aside == {"AppDependencies": 2}


def test_every_other_real_file_is_named_with_what_was_looked_for(landed: Landing) -> None:
    files = {path.relative_to(REAL).as_posix() for path in REAL.rglob("*") if path.is_file()}
    unclaimed = {_in_samples(blob): why for blob, why in landed.unclaimed.items()}
    assert set(unclaimed) == files - {row["file"] for row in LANDED}
    assert landed.seen == len(files)
    kinds = {file.rpartition("/")[0] for file in unclaimed}
    assert kinds >= {
        *("aks-control-plane", "functionapp-logs", "portal-csv", "log-analytics-query"),
        *("snat-experiments", "append-blob-growth", "licences"),
    }
    for file, why in unclaimed.items():
        if file in UNREADABLE:
            assert why.startswith("no format claims it: ")
        else:
            assert why == "no format claims it"


def test_who_lands_files_that_nobody_claims_is_told_what_was_looked_for(tmp_path: Path) -> None:
    export = REAL / "portal-csv"
    ran = CliRunner().invoke(main, ["land", str(export), "--lake", str(tmp_path / "lake")])
    (looked_for,) = (line for line in ran.output.splitlines() if line.startswith("looked for: "))
    names = looked_for.removeprefix("looked for: ").split(", ")
    assert names == [name.replace("_", " ") for name in sources()]


def _report(*words: str, output: Path) -> Result:
    return CliRunner().invoke(
        main, ["incident", *words, "--output", str(output), "--format", "json"]
    )


def test_a_report_without_a_single_request_says_there_is_none(tmp_path: Path) -> None:
    ran = _report(str(REAL / "apim-gateway-logs"), output=tmp_path / "rca.json")
    assert ran.exit_code == 3
    assert "no request could be read" in ran.output
    assert not list(tmp_path.iterdir())


def test_a_report_on_nine_years_of_real_files_asks_for_a_window(
    landed: Landing, lake: Lake, tmp_path: Path
) -> None:
    ran = _report("--lake", str(lake.location), output=tmp_path / "rca.json")
    assert ran.exit_code == 2
    assert (
        "longer than 100 days; name a shorter one. Most requests are of one day: --from "
        in ran.output
    )


def test_what_a_lab_calls_exhaustion_stays_undecided(tmp_path: Path) -> None:
    output = tmp_path / "rca.json"
    window = ("--from", "2026-04-03T00:00Z", "--to", "2026-04-08T00:00Z")
    ran = _report(str(REAL), *window, output=output)
    assert ran.exit_code == 0, ran.output
    findings = json.loads(output.read_text())
    (found,) = findings["incidents"]
    assert found["gateway"] == "resource not told"
    assert found["verdict"]["status"] == "undecided"
    assert found["snat"]["verdict"] == "undecided"
    assert "nothing of calls that were made" in found["snat"]["why"]
    assert (found["impact"]["failed"], found["impact"]["aborted"]) == (147, 147)
    assert found["impact"]["callers"] is None
    assert found["destinations"] == []
    covered = {
        each["resource_id"]: each["rows"]
        for each in findings["coverage"]
        if each["format"] == "app_service_http_logs_table"
    }
    assert covered == {"resource not told": 289}


def test_each_kind_of_real_request_log_has_a_report_of_its_own(tmp_path: Path) -> None:
    for folder, since in (
        ("application-gateway", "2023-06-01T00:00Z"),
        ("appinsights-dependencies", "2023-01-01T00:00Z"),
        ("appservice-w3c", "2018-01-01T00:00Z"),
    ):
        output = tmp_path / f"{folder}.json"
        ran = _report(str(REAL / folder), "--from", since, output=output)
        assert ran.exit_code == 0, ran.output
        assert json.loads(output.read_text())["incidents"] == []
