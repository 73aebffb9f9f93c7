"""The Azure Function, indexed and invoked by the real Python engine of Azure Functions.

The engine needs Python 3.13; where the tests run on an older one, `make test` sets up a second
environment (.functions) if the machine has a python3.13.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.lake import Lake
from pipeline.ledger import entries
from tests.test_job import failing

ROOT = Path(__file__).parents[1]
APP = ROOT / "deploy" / "azure_function"
OWN = ROOT / ".functions" / "bin" / "python"
TIMER = {"Schedule": {"AdjustForDST": True}, "IsPastDue": False, "ScheduleStatus": None}


def engine() -> str:
    """A Python that has the engine."""
    python = sys.executable if sys.version_info >= (3, 13) else str(OWN)
    if not Path(python).exists():
        pytest.skip(
            "the engine of Azure Functions needs Python 3.13, which was not found: install "
            "python3.13, then `sh setup.sh tests`"
        )
    return python


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A function app with settings of its own, over an export with an incident."""
    failing(tmp_path)
    (tmp_path / "gateway-rca.toml").write_text(
        f'[land]\nsources = ["{tmp_path}/in"]\nlake = "{tmp_path}/lake"\nat_most_minutes = 25\n'
        "[incident]\nlook_back_days = 90\n"
    )
    return tmp_path


def invoked(app: Path, *calls: dict[str, Any], **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [engine(), str(ROOT / "tests" / "functions_engine.py"), str(APP), str(app / "answers")],
        input=json.dumps(calls),
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "GATEWAY_RCA_CONFIG": str(app / "gateway-rca.toml"),
            **environment,
        },
        cwd=app,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads((app / "answers").read_text())
    assert "failed" not in told, told
    return told


def test_the_host_finds_two_timers_and_a_request_behind_a_key(app: Path) -> None:
    triggers = {
        name: each
        for name, raw in invoked(app)["bindings"].items()
        for each in map(json.loads, raw)
        if each["type"].endswith("Trigger")
    }
    assert triggers.keys() == {"run", "review", "incident"}
    assert triggers["run"]["schedule"] == "%GATEWAY_RCA_SCHEDULE%"
    assert triggers["review"]["schedule"] == "%GATEWAY_RCA_REVIEW_SCHEDULE%"
    assert triggers["incident"]["authLevel"] == "FUNCTION"
    assert triggers["incident"]["route"] == "incident"


def test_a_timer_does_the_job_and_a_request_gets_its_report(app: Path) -> None:
    window = {"from": "2026-03-10T08:00", "to": "2026-03-10T09:00", "format": "json"}
    run, again, report, page, wrong, none = invoked(
        app,
        {"name": "run", "timer": TIMER},
        {"name": "review", "timer": TIMER},
        {"name": "incident", "body": json.dumps(window)},
        {"name": "incident", "body": "", "query": {"from": "2026-03-10T08:00"}},
        {"name": "incident", "body": json.dumps({"from": "noon"})},
        {"name": "incident", "body": json.dumps({"from": "2036-03-10T08:00"})},
    )["answers"]
    assert (report["status"], page["status"]) == (200, 200)
    assert len(json.loads(report["body"])["incidents"]) == 1
    assert page["body"].startswith("<!DOCTYPE html>")
    assert page["headers"]["content-type"].startswith("text/html")
    assert (wrong["status"], none["status"]) == (400, 404)
    assert "is not a time" in wrong["body"]
    # The export is long past by today's clock: there is nothing to look at, and no error.
    assert (run, again) == ({}, {})
    assert len(list((app / "lake" / "runs").glob("*.json"))) == 2
    assert entries(Lake(app / "lake")) == []


def test_a_run_that_fails_is_an_invocation_that_fails(app: Path) -> None:
    text = (app / "gateway-rca.toml").read_text()
    (app / "gateway-rca.toml").write_text(text.replace(f"{app}/in", f"{app}/away"))
    (told,) = invoked(app, {"name": "run", "timer": TIMER})["answers"]
    assert "no such file or folder" in told["failed"]


def test_without_pango_the_page_comes_out_and_the_pdf_says_why(app: Path) -> None:
    # A folder in which WeasyPrint cannot be loaded stands for a machine without Pango.
    broken = app / "broken" / "weasyprint"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise OSError('cannot load library')\n")
    landed, pdf, page = invoked(
        app,
        {"name": "run", "timer": TIMER},
        {"name": "incident", "body": '{"format": "pdf"}'},
        {"name": "incident", "body": '{"format": "html"}'},
        PYTHONPATH=f"{broken.parent}:{ROOT}",
    )["answers"]
    assert landed == {}
    assert pdf["status"] == 501
    assert "Pango" in pdf["body"]
    assert page["status"] == 200
