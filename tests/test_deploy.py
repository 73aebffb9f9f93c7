"""What is under deploy/ runs as it says, as far as this machine lets it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.exports import blob, lines
from tests.test_job import failing

DEPLOY = Path(__file__).parents[1] / "deploy"
COMMAND = Path(sys.executable).with_name("gateway-rca")
INSTALLED = "/opt/gateway-rca/.venv/bin/gateway-rca"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings of a job over one small export."""
    blob(tmp_path / "in" / "PT1H.json", lines(1, 2, 3))
    file = tmp_path / "gateway-rca.toml"
    file.write_text(
        f'[land]\nsources = ["{tmp_path}/in"]\nlake = "{tmp_path}/lake"\n'
        "[incident]\nlook_back_days = 90\n"
    )
    return file


def test_the_units_are_sound(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("systemd-analyze is not on this machine")
    for unit in (DEPLOY / "systemd").iterdir():
        told = unit.read_text().replace(INSTALLED, str(COMMAND))
        (tmp_path / unit.name).write_text(
            re.sub("^Documentation.*\n", "", told, flags=re.MULTILINE)
        )
    done = subprocess.run(
        [analyze, "verify", "--man=no", tmp_path / "gateway-rca.timer"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    said = [line for line in done.stderr.splitlines() if "gateway-rca" in line]
    assert said == []
    calendar = "*-*-* *:07:00 UTC"
    assert f"OnCalendar={calendar}" in (DEPLOY / "systemd" / "gateway-rca.timer").read_text()
    subprocess.run([analyze, "calendar", calendar], check=True, capture_output=True)


def cron_lines() -> list[str]:
    """What the crontab runs, without the times."""
    text = (DEPLOY / "crontab").read_text()
    return [line.split(None, 5)[5] for line in text.splitlines() if re.match(r"[\d*]", line)]


def test_the_lines_of_the_crontab_work_and_speak_up_when_they_fail(
    config: Path, tmp_path: Path
) -> None:
    places = {
        "/etc/gateway-rca": str(tmp_path),
        "/var/log/gateway-rca": str(tmp_path),
        "/tmp/gateway-rca-status": f"{tmp_path}/status",
        INSTALLED: str(COMMAND),
    }
    # As systemd takes it, without an `export`; the command must get it all the same.
    (tmp_path / "environment").write_text("OTEL_EXPORTER_OTLP_ENDPOINT='no URL; none'\n")

    def done(line: str) -> str:
        for old, new in places.items():
            line = line.replace(old, new)
        ran = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
        return ran.stdout

    run, status = cron_lines()
    assert done(run) == ""
    told = [json.loads(each) for each in (tmp_path / "run.log").read_text().splitlines()]
    assert [each["event"] for each in told[-2:]] == ["run ended", "telemetry not exported"]
    assert "none did well" in done(status)
    shutil.rmtree(tmp_path / "in")
    assert done(run).endswith(f"gateway-rca failed; see {tmp_path}/run.log\n")


def test_a_run_ends_within_ten_seconds_of_sigterm(config: Path, tmp_path: Path) -> None:
    failing(tmp_path)
    for number in range(150):
        blob(tmp_path / "in" / f"{number}.json", lines(*range(2000)))
    with subprocess.Popen([COMMAND, "run", config], stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 20
        while not (tmp_path / "lake" / "runs").exists() and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        _, err = process.communicate(timeout=20)
        assert time.monotonic() - begun < 10
    assert process.returncode == 1, err
    assert "the next run goes on from" in err
    again = subprocess.run([COMMAND, "run", config], capture_output=True, text=True, check=False)
    assert again.returncode in (0, 3), again.stderr


def test_the_root_may_be_read_only(config: Path, tmp_path: Path) -> None:
    """Nothing is written but to the lake and to TMPDIR: what both manifests count on."""
    (tmp_path / "scratch").mkdir()
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    environment = {"TMPDIR": f"{tmp_path}/scratch", "HOME": str(home), "PATH": os.environ["PATH"],
                   "PYTHONDONTWRITEBYTECODE": "1", "MPLCONFIGDIR": f"{tmp_path}/scratch/m",
                   "PYTHONPATH": os.environ.get("PYTHONPATH", "")}  # fmt: skip
    done = subprocess.run([COMMAND, "run", config], env=environment, check=False, cwd=home)
    assert done.returncode in (0, 3)
    assert list(home.iterdir()) == []
    assert {each.name for each in tmp_path.iterdir()} == {
        "in", "lake", "scratch", "home", "gateway-rca.toml"
    }  # fmt: skip


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


def test_the_line_that_fetches_metrics_stands_before_the_one_that_runs() -> None:
    page = (DEPLOY.parent / "docs" / "operate.md").read_text()
    schedule = page.partition("## 4. Schedule")[2].partition("## 5.")[0]
    assert "`run` does not fetch" in schedule
    for text in (
        (DEPLOY / "crontab").read_text(),
        (DEPLOY / "systemd" / "gateway-rca.service").read_text(),
    ):
        fetches = text.index("gateway-rca fetch-metrics --config /etc/gateway-rca/gateway-rca.toml")
        assert fetches < text.index("gateway-rca run /etc/gateway-rca/gateway-rca.toml")


def test_the_container_jobs_run_the_command_without_rights_to_spare() -> None:
    account, job = documents("kubernetes-cronjob.yaml")
    assert "azure.workload.identity/client-id" in account["metadata"]["annotations"]
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    pod = job["spec"]["jobTemplate"]["spec"]["template"]
    assert pod["metadata"]["labels"]["azure.workload.identity/use"] == "true"
    (container,) = pod["spec"]["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pod["spec"]["securityContext"]["runAsNonRoot"]
    (apps,) = documents("container-apps-job.yaml")
    (other,) = apps["properties"]["template"]["containers"]
    told = json.loads(
        re.findall(r"^CMD (.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)[0]
    )
    assert container["args"] == other["args"] == told


@pytest.mark.parametrize("name", ["Dockerfile", "azure_function/Dockerfile"])
def test_an_image_pins_what_the_lock_pins(name: str, tmp_path: Path) -> None:
    text = (DEPLOY / name).read_text()
    (pattern,) = re.findall(r"grep -oE '([^']*)'", text)
    lock = DEPLOY.parent / "requirements.lock"
    pins = subprocess.run(
        ["grep", "-oE", pattern, lock], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(pins) == len(re.findall(r"^\S+==", lock.read_text(), re.MULTILINE))
    from packaging.requirements import Requirement

    assert all("\\" not in each and Requirement(each) for each in pins)
    for copied in re.findall(r"deploy/\S+", text.split("COPY deploy/")[-1].split("ENV")[0]):
        if not copied.endswith("gateway-rca.toml"):
            assert (DEPLOY.parent / copied).exists()
