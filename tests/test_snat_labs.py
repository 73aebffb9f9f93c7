"""Public labs that claim exhaustion without a counter: the whole line leaves it undecided."""

import json
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Gateway, Settings
from pipeline.report import Format
from pipeline.run import incident_report
from tests.snat_labs import REAL, Call, experiment, export, guide, recorded, resource

MINUTE = datetime(2026, 4, 10, 11, 38)
# Failures then lie in two minutes, as the product asks of an incident.
BEGUN = MINUTE + timedelta(seconds=15)
# The app's own log: the answer to request 2 at 05:55:05.070, after 36.515 s.
GUIDE_BEGUN = datetime(2026, 4, 4, 5, 54, 28, 555_000)
INBOUND = REAL / "log-analytics-query" / "yeongseon_snat-exhaustion_kql-http.json"
TARGET = "app-snat-target.azurewebsites.net:443"
FINE_S = 0.01
UNSTATED = Settings()


def findings(exports: list[Path], folder: Path, settings: Settings = UNSTATED) -> dict[str, Any]:
    """What the whole line finds, without a settings file unless told otherwise."""
    output = folder / "findings.json"
    incident_report(
        [str(each) for each in exports],
        None,
        (None, None),
        settings,
        {Format.JSON: output},
        lambda _: None,
        lambda _: None,
    )
    found: dict[str, Any] = json.loads(output.read_text())
    return found


def found_in(calls: list[Call], folder: Path, begun: datetime = BEGUN) -> dict[str, Any]:
    return findings([export(calls, "app-snat-source", begun, folder / "export")], folder)


@pytest.fixture(scope="module")
def starved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The one incident of the run with 300 threads."""
    found = found_in(experiment(300), tmp_path_factory.mktemp("starved"))
    [one] = found["incidents"]
    assert isinstance(one, dict)
    return one


@pytest.fixture(scope="module")
def ports(starved: dict[str, Any]) -> dict[str, Any]:
    [target] = starved["destinations"]
    assert target["name"] == TARGET
    held = target["ports"]
    assert isinstance(held, dict)
    return held


def most_at_once(records: list[dict[str, Any]]) -> int:
    """The most of an experiment's calls that were in flight at one moment."""
    ends = [(each["t"], -1) for each in records]
    starts = [(each["t"] - each["ms"] / 1000, 1) for each in records]
    return max(accumulate(step for _, step in sorted(starts + ends)))


def out_of_turn(spans: list[tuple[int, float, float]]) -> int:
    """How often a thread called again before it had its answer; spans are thread, start, end."""
    by_thread: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for thread, start, end in spans:
        by_thread[thread].append((start, end))
    return sum(
        after[0] < before[1] - FINE_S
        for calls in by_thread.values()
        for before, after in pairwise(sorted(calls))
    )


@pytest.mark.parametrize("connections", [50, 128, 300])
def test_the_moment_recorded_of_a_call_is_its_end(connections: int) -> None:
    run = recorded(connections)
    records = run["raw_results"]
    took_s = run["test_duration_actual_seconds"]
    as_end = [(each["w"], each["t"] - each["ms"] / 1000, each["t"]) for each in records]
    as_start = [(each["w"], each["t"], each["t"] + each["ms"] / 1000) for each in records]
    assert 0 <= min(start for _, start, _ in as_end) < 0.2
    assert max(end for _, _, end in as_end) == pytest.approx(took_s, abs=0.15)
    assert out_of_turn(as_end) == 0
    assert min(start for _, start, _ in as_start) > 10
    assert max(end for _, _, end in as_start) > took_s + 10
    assert out_of_turn(as_start) > 100


@pytest.mark.parametrize("connections", [50, 128])
def test_a_run_whose_calls_all_succeeded_is_no_incident_however_many_were_open(
    connections: int, tmp_path: Path
) -> None:
    """Nothing failed, so there is nothing to explain, by ports or otherwise."""
    records = recorded(connections)["raw_results"]
    assert all(each["ok"] for each in records)
    assert most_at_once(records) == connections
    found = found_in(experiment(connections), tmp_path)
    assert found["incidents"] == []
    [source] = found["coverage"]
    assert source["rows"] == source["lines"] == len(records)


def test_time_outs_without_a_counter_leave_exhaustion_undecided(starved: dict[str, Any]) -> None:
    failures = [each for each in recorded(300)["raw_results"] if not each["ok"]]
    assert starved["gateway"] == resource("app-snat-source").lower()
    assert starved["impact"]["failed"] == starved["destinations"][0]["failures"] == len(failures)
    assert starved["snat"]["verdict"] == "undecided"
    assert "no port counter was read" in starved["snat"]["why"]
    assert starved["verdict"]["status"] == "undecided"
    [tried] = [each for each in starved["hypotheses"] if each["id"] == "snat_port_exhaustion"]
    assert tried["verdict"] == "undecided"
    assert tried["would_decide"]


@pytest.mark.parametrize(
    "second",
    [
        0,
        30,
        45,
    ],
)
def test_the_failures_are_found_and_undecided_wherever_in_a_minute_they_began(
    second: int, tmp_path: Path
) -> None:
    found = found_in(experiment(300), tmp_path, MINUTE + timedelta(seconds=second))
    [one] = found["incidents"]
    assert one["impact"]["failed"] == 394
    assert one["snat"]["verdict"] == "undecided"


def test_the_bounds_hold_what_was_open_at_once(ports: dict[str, Any]) -> None:
    assert ports["lower_peak"] <= most_at_once(recorded(300)["raw_results"]) <= ports["upper_peak"]


def test_connections_known_to_have_succeeded_do_not_exceed_the_upper_bound(
    ports: dict[str, Any],
) -> None:
    """Each had a connection of its own, and all ended within the time that a port is held."""
    answered = [each for each in recorded(300)["raw_results"] if each["ok"]]
    assert max(each["t"] for each in answered) < 240
    assert len(answered) == 705
    assert len(answered) <= ports["upper_peak"]


def test_a_guarantee_that_was_passed_without_a_failure_confirms_nothing(
    starved: dict[str, Any], ports: dict[str, Any]
) -> None:
    """The target waits 10 s with each answer: 300 calls had got there and were waiting at once."""
    warm_up = [each for each in recorded(300)["raw_results"] if each["wu"]]
    assert all(each["ok"] for each in warm_up)
    assert ports["limit"] < most_at_once([{**each, "ms": 10_000} for each in warm_up]) == 300
    assert "more may be given" in ports["limit_from"]
    assert starved["snat"]["verdict"] == "undecided"


def test_a_limit_that_the_answered_calls_passed_is_contradicted_by_them_and_confirms_nothing(
    tmp_path: Path,
) -> None:
    """Nobody holds 300 of 128 ports: who states so few is wrong, or the lower bound is."""
    stated = Gateway(resource("app-snat-source"), ports_per_unit=128)
    outbound = export(experiment(300), "app-snat-source", BEGUN, tmp_path / "export")
    [one] = findings([outbound], tmp_path, Settings(gateway=(stated,)))["incidents"]
    assert one["destinations"][0]["ports"]["limit"] == 128
    assert one["snat"]["verdict"] == "undecided"


def test_one_failed_call_of_forty_is_no_incident(tmp_path: Path) -> None:
    calls = guide()
    assert [each.succeeded for each in calls].count(False) == 1
    found = findings([export(calls, "app-labsnat", GUIDE_BEGUN, tmp_path / "export")], tmp_path)
    assert found["incidents"] == []
    [source] = found["coverage"]
    assert source["rows"] == source["lines"] == len(calls) == 40


def test_all_that_the_guide_recorded_leaves_exhaustion_undecided(tmp_path: Path) -> None:
    outbound = export(guide(), "app-labsnat", GUIDE_BEGUN, tmp_path / "export")
    found = findings([outbound, INBOUND], tmp_path)
    assert len(found["coverage"]) == 2
    assert found["incidents"]
    for each in found["incidents"]:
        assert each["snat"]["verdict"] == "undecided"
        assert each["verdict"]["status"] == "undecided"
