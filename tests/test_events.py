"""What other sources than gateway logs say of an incident, from exports to findings."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from pipeline.cli import main
from tests.exports import Row, as_line
from tests.simulation.sample import sample, write
from tests.simulation.scenario import draw

SEED = 1


def findings(export: Path) -> dict[str, Any]:
    output = export.with_name("findings.json")
    typed = ["incident", str(export), "--format", "json", "--output", str(output)]
    result = CliRunner().invoke(main, typed)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(output.read_text())
    return found


@pytest.fixture(scope="module")
def black_hole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logs of a gateway whose packets are dropped on the way from a moment on."""
    folder = tmp_path_factory.mktemp("black_hole") / "export"
    rng = np.random.default_rng(SEED)
    _, files = sample("black_hole", SEED, draw("black_hole", rng), rng)
    write(files, folder)
    return folder


@pytest.fixture
def export(black_hole: Path, tmp_path: Path) -> Path:
    """The same, in a folder that a test may add to."""
    folder = tmp_path / "export"
    folder.mkdir()
    for each in black_hole.rglob("*"):
        if each.is_file():
            there = folder / each.relative_to(black_hole)
            there.parent.mkdir(parents=True, exist_ok=True)
            there.hardlink_to(each)
    return folder


@pytest.fixture(scope="module")
def bare(black_hole: Path) -> dict[str, Any]:
    """The incident as gateway logs alone tell it."""
    [one] = findings(black_hole)["incidents"]
    incident: dict[str, Any] = one
    return incident


def route_change(gateway: str, ended: datetime) -> Iterator[Row]:
    """A route table of the gateway's resource group is written, in a minute."""
    group = gateway.split("/providers/", maxsplit=1)[0]
    for status, moment in (("Start", ended - timedelta(minutes=1)), ("Success", ended)):
        yield {
            "time": f"{moment:%Y-%m-%dT%H:%M:%S}.0000000Z",
            "resourceId": f"{group}/providers/Microsoft.Network/routeTables/egress".upper(),
            "operationName": "MICROSOFT.NETWORK/ROUTETABLES/WRITE",
            "category": "Administrative",
            "resultType": status,
            "correlationId": "11111111-1111-1111-1111-111111111111",
            "level": "Information",
            "identity": {"claims": {"idtyp": "user", "name": "Jane Doe"}},
            "properties": {"eventCategory": "Administrative"},
        }


def add(export: Path, *records: Row) -> None:
    blob = export / "insights-activity-logs" / "PT1H.json"
    blob.parent.mkdir(parents=True, exist_ok=True)
    with blob.open("ab") as there:
        there.writelines(as_line(each) for each in records)


def onset(bare: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(bare["start"]).replace(tzinfo=None)


def test_without_an_activity_log_nothing_is_said_of_changes_but_that(bare: dict[str, Any]) -> None:
    assert bare["changes"] == []
    assert bare["verdict"]["trigger"] == "none_found"
    assert "no activity log of this time was read" in bare["cannot_see"][-1]


def test_a_route_that_was_changed_before_is_the_trigger_and_on_the_timeline(
    export: Path, bare: dict[str, Any]
) -> None:
    add(export, *route_change(bare["gateway"], onset(bare) - timedelta(minutes=7, seconds=5)))
    [one] = findings(export)["incidents"]
    assert one["verdict"]["trigger"] == "configuration_change"
    assert (
        "route table egress (in the same resource group) by a user"
        in (one["verdict"]["trigger_why"])
    )
    assert "7 min before the first failure" in one["verdict"]["trigger_why"]
    [event] = [each for each in one["timeline"] if each["figure"] == "T12"]
    assert event["time"] < one["start"]
    assert "it succeeded at " in event["says"]
    assert "Jane" not in json.dumps(one)
    [change] = one["changes"]
    assert (change["near"], change["status"]) == ("group", "succeeded")
    # What the other sources say of the mechanism is as it was.
    assert one["verdict"]["mechanism"] == bare["verdict"]["mechanism"]
    assert one["snat"] == bare["snat"]


def test_a_route_that_was_changed_afterwards_explains_nothing_and_shows_that_the_log_was_read(
    export: Path, bare: dict[str, Any]
) -> None:
    long_before = route_change(bare["gateway"], onset(bare) - timedelta(hours=2))
    add(export, *({**each, "correlationId": "c2"} for each in long_before))
    add(export, *route_change(bare["gateway"], onset(bare) + timedelta(minutes=3)))
    [one] = findings(export)["incidents"]
    assert one["verdict"]["trigger"] == "none_found"
    assert [each["near"] for each in one["changes"]] == ["group", "group"]
    assert not [each for each in one["cannot_see"] if each.startswith("Changes")]


def minute(resource: str, metric: str, moment: datetime, percent: float) -> Row:
    """A percentage of a minute, as a diagnostic setting writes platform metrics to storage."""
    return {
        "count": 6,
        "total": 6 * percent,
        "minimum": percent,
        "maximum": percent,
        "average": percent,
        "resourceId": resource.upper(),
        "time": f"{moment:%Y-%m-%dT%H:%M}:00.0000000Z",
        "metricName": metric,
        "timeGrain": "PT1M",
    }


def test_metrics_tell_how_busy_the_gateway_was_and_dips_far_from_it_are_set_aside(
    export: Path, bare: dict[str, Any]
) -> None:
    group = bare["gateway"].partition("/providers/")[0]
    balancer = f"{group}/providers/microsoft.network/loadbalancers/egress"
    minutes = [onset(bare) + timedelta(minutes=each) for each in range(-60, 60)]
    add(export, *(minute(bare["gateway"], "Capacity", each, 21) for each in minutes))
    add(export, *(minute(balancer, "VipAvailability", each, 55) for each in minutes[30:33]))
    found = findings(export)
    [says] = found["set_aside"]
    assert "The load balancer egress: the availability of its datapath was below 90 %" in says
    assert "in 3 minutes" in says
    assert "55.0 % at worst. No incident: " in says
    [one] = found["incidents"]
    [load] = one["gateway_load"]
    assert (load["measure"], load["own"], load["told"]) == ("capacity", True, 1)
    assert (load["before"], load["during"], load["highest"]) == pytest.approx((0.21,) * 3)
    [saturation] = [each for each in one["hypotheses"] if each["id"] == "gateway_saturation"]
    assert saturation["verdict"] == "excluded"
    assert "T14" in {each["figure"] for each in saturation["evidence"]}
    assert one["verdict"]["mechanism"] == bare["verdict"]["mechanism"]
    assert one["cannot_see"] == bare["cannot_see"]


def test_lengths_of_failures_are_told_with_what_they_look_like(bare: dict[str, Any]) -> None:
    [mode] = bare["durations"]
    assert mode["kind"] == "connect_timeout"
    assert "F4" in {
        each["figure"]
        for tried in bare["hypotheses"]
        if tried["id"] == "backend_unreachable"
        for each in tried["evidence"]
    }
