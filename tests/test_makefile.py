"""The Makefile says what it can do, and can do what it says."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()
DOCUMENTED = re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE)


def make(*words: str) -> subprocess.CompletedProcess[str]:
    """Run make as a person would, even when these tests were started by make."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def listed() -> list[str]:
    return re.findall(r"^  ([a-z]+) ", make("help").stdout, re.MULTILINE)


def test_help_lists_each_documented_target() -> None:
    assert listed() == DOCUMENTED
    assert {"demo", "test", "check", "lock"} <= set(DOCUMENTED)


def test_make_alone_is_help() -> None:
    assert make().stdout == make("help").stdout


@pytest.mark.parametrize("target", DOCUMENTED)
def test_a_listed_target_exists(target: str) -> None:
    tried = make("--dry-run", target)
    assert tried.returncode == 0, tried.stderr


def test_every_phony_target_is_declared() -> None:
    declared = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split()
    assert set(declared) == {*DOCUMENTED, "setup", "azurite"}


def test_a_missing_python_is_one_plain_line() -> None:
    tried = make("setup", "PYTHON=no-such-python")
    said = [line for line in tried.stderr.splitlines() if line.startswith("set-up:")]
    assert said == ["set-up: needs Python 3.11 or newer; no-such-python is missing"]
    assert tried.returncode == 2


def test_an_old_python_is_one_plain_line(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\n')
    old.chmod(0o755)
    tried = make("setup", f"PYTHON={old}")
    assert f"set-up: needs Python 3.11 or newer; {old} is Python 3.9.2\n" in tried.stderr
    assert tried.returncode == 2


@pytest.mark.parametrize("name", ["Makefile", "setup.sh", ".ci/run"])
def test_no_host_and_no_home_is_written_down(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"/(home|root|work|opt|Users)/", text)


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_readme_says_how_to_begin(target: str) -> None:
    assert f"make {target}" in (ROOT / "README.md").read_text()


def test_ci_runs_what_people_run() -> None:
    runner = ROOT / ".ci" / "run"
    assert os.access(runner, os.X_OK)
    assert runner.read_text().splitlines()[-1] == "make test"
