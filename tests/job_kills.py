"""The scheduled job, killed again and again: whatever the moment, nothing is lost or told twice.

``python -m tests.job_kills --rounds 12`` kills several runs a round, each with SIGKILL at a moment
of chance, while more logs arrive; then one is let through. It ends at the first round that fails.
"""

import argparse
import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from pipeline import ledger
from pipeline import manifest as manifests
from pipeline.config import Settings
from pipeline.job import run
from pipeline.lake import Lake
from tests.exports import assert_sound
from tests.test_job import failing

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.test_job", "weasyprint"])
EVENING = datetime(2026, 3, 10, 20, tzinfo=UTC)
PATIENCE_S = 300
# The incident begins within the third part of the export, and ends within it.
ARRIVALS = 5


def settings(folder: Path) -> Settings:
    """A job over a folder."""
    told = {
        "land": {"sources": [str(folder / "in")], "lake": str(folder / "lake")},
        "publish": [{"kind": "folder", "to": str(folder / "out")}],
    }
    return msgspec.convert(told, Settings)


def _run(folder: str, moment: datetime) -> None:
    # A fault of ours would be an error in the manifest, and a status.
    os._exit(1 if run(settings(Path(folder)), lambda: moment).errors else 0)


def let_run(folder: Path, moment: datetime, kill_after_s: float | None = None) -> int | None:
    """One run in a process of its own, and its status; killed, if it is, when a time is over."""
    process: Any = PROCESSES.Process(target=_run, args=(str(folder), moment))
    process.start()
    process.join(PATIENCE_S if kill_after_s is None else kill_after_s)
    if process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    status: int | None = process.exitcode
    return status


def arrivals(folder: Path, number: int) -> None:
    """One more blob: so much of the hour in which the incident is."""
    part = 3600 // ARRIVALS
    failing(folder, f"{number}", range(number * part, (number + 1) * part, 4))


def told(folder: Path) -> dict[str, bytes]:
    """What was handed on, but for what names a revision: kills decide how many there are."""
    latest = folder / "out" / "incident" / "latest"
    found = {each.name: each.read_bytes() for each in latest.iterdir()}
    rca = msgspec.json.decode(found["rca.json"])
    del rca["issue"]
    return {"verdicts": msgspec.json.encode([each["verdict"] for each in rca["incidents"]])}


def assert_well(folder: Path, killed: int, runs: int) -> None:
    """One incident, its revisions in a row, each handed on once; a manifest for every run."""
    lake = Lake(folder / "lake")
    issued = ledger.entries(lake)
    assert len({each.id for each in issued}) == 1, issued
    assert [each.revision for each in issued] == list(range(1, len(issued) + 1))
    assert ledger.pending(lake, [f"folder {folder}/out"], datetime(2026, 1, 1)) == []
    handed = [each.name for each in sorted((folder / "out" / "incident" / issued[0].id).iterdir())]
    assert handed == [f"r{each.revision}" for each in issued]
    assert not list((folder / "out").rglob("*.part"))
    outcomes = Counter(manifests.read(lake, name).outcome for name in manifests.latest(lake))
    assert outcomes["incomplete"] == 0, outcomes
    assert outcomes["done"] >= runs - killed, outcomes
    assert_sound(lake.location)


def round_of(draw: random.Random, took_s: float) -> tuple[int, int]:
    """Kills some runs of one job, lets one through; how many were killed, and revisions issued."""
    with tempfile.TemporaryDirectory(prefix="gateway-rca-kills-") as name:
        folder, killed = Path(name), 0
        for number in range(ARRIVALS):
            arrivals(folder, number)
            moment = EVENING + timedelta(minutes=number)
            # Rather soon than late: what comes before the report takes little of the time.
            status = let_run(folder, moment, 0.05 + took_s * draw.random() * draw.random())
            assert status in (0, -signal.SIGKILL), status
            killed += status != 0
        assert let_run(folder, EVENING + timedelta(hours=1)) == 0
        assert_well(folder, killed, ARRIVALS + 1)
        with tempfile.TemporaryDirectory(prefix="gateway-rca-kills-") as calm:
            for number in range(ARRIVALS):
                arrivals(Path(calm), number)
            assert let_run(Path(calm), EVENING) == 0
            assert told(folder) == told(Path(calm))
        return killed, len(ledger.entries(Lake(folder / "lake")))


def main() -> None:
    """The loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    draw = random.Random(asked.seed)
    with tempfile.TemporaryDirectory(prefix="gateway-rca-kills-") as calm:
        # The first starts what all others are forked from.
        arrivals(Path(calm), 0)
        assert let_run(Path(calm), EVENING) == 0
        for number in range(1, ARRIVALS):
            arrivals(Path(calm), number)
        begun = time.monotonic()
        assert let_run(Path(calm), EVENING + timedelta(hours=1)) == 0
        took_s = time.monotonic() - begun
    print(f"{took_s:.1f} s undisturbed", flush=True)
    kills = 0
    for number in range(asked.rounds):
        killed, revisions = round_of(draw, took_s)
        kills += killed
        print(f"round {number + 1}: {killed} killed, {revisions} issued, sound", flush=True)
    print(f"{kills} runs killed, all sound", flush=True)


if __name__ == "__main__":
    main()
