"""Without a settings file, too: bounds, what they assume, and no exhaustion where none was.

With one, a black hole is excluded and a quiet gateway has no incident: see `test_scenarios`.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.storage import SETTINGS_NAME
from tests.simulation.sample import sample, write
from tests.simulation.scenario import draw

BURST = Path(__file__).parents[1] / "data" / "samples" / "synthetic" / "snat_burst"
TRUTH: dict[str, Any] = json.loads(BURST.with_name("snat_burst.truth.json").read_text())


def unsettled(folder: Path) -> dict[str, Any]:
    """The findings on ``export`` in a folder, where no settings file is to be found."""
    (folder / "export" / SETTINGS_NAME).unlink()
    output = folder / "findings.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        ran = CliRunner().invoke(
            main, ["incident", "export", "--format", "json", "--output", str(output)]
        )
    assert ran.exit_code == 0, ran.output
    assert "settings: none found; defaults hold" in ran.output
    found: dict[str, Any] = json.loads(output.read_text())
    return found


@pytest.fixture(scope="module")
def burst(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("burst")
    shutil.copytree(BURST, folder / "export")
    return unsettled(folder)


def test_bounds_without_a_settings_file_still_hold_the_true_peak(burst: dict[str, Any]) -> None:
    [one] = burst["incidents"]
    worst = one["destinations"][0]
    assert worst["ports"]["limit"] is not None
    peaks = [each["peak"] for each in TRUTH["ports"] if each["destination"] == worst["name"]]
    assert len(peaks) == 2
    for peak in peaks:
        assert worst["ports"]["lower_peak"] <= peak <= worst["ports"]["upper_peak"]
    assert one["snat"]["verdict"] == "undecided"


def test_what_the_bounds_assume_is_listed_with_its_source(burst: dict[str, Any]) -> None:
    [one] = burst["incidents"]
    listed = {each["name"]: each for each in burst["assumptions"] if each["of"] == one["gateway"]}
    rested_on = [
        listed[name]
        for name in ("kind", "egress", "units", "public_ips", "ports_per_unit", "hold_s")
    ]
    assert all(each["value"] is not None and each["source"] for each in rested_on)
    assert "file" not in {each["from"] for each in burst["assumptions"]}
    limit = listed["ports_per_unit"]
    ports = one["destinations"][0]["ports"]
    assert ports["limit"] == limit["value"]
    assert ports["limit_from"] == f"{limit['from']}: {limit['source']}"


@pytest.mark.parametrize("seed", [1, 2])
def test_a_black_hole_is_not_taken_for_exhaustion_without_a_settings_file(
    seed: int, tmp_path: Path
) -> None:
    """Connects wait out about 21 s while few ports are held; whose address is unknown widens it."""
    rng = np.random.default_rng(seed)
    _, files = sample("black_hole", seed, draw("black_hole", rng), rng)
    write(files, tmp_path / "export")
    label = json.loads((tmp_path / "export.truth.json").read_text())
    [one] = unsettled(tmp_path)["incidents"]
    assert one["verdict"]["mechanism"] == "backend_unreachable"
    commonest = max(one["samples"], key=lambda each: each["alike"])
    assert 20_000 < commonest["elapsed_ms"] < 23_000
    verdict, ports = one["snat"]["verdict"], one["destinations"][0]["ports"]
    assert max(each["peak"] for each in label["ports"]) < 0.3 * ports["limit"]
    assert ports["lower_peak"] < 0.3 * ports["limit"]
    assert verdict == ("excluded" if ports["upper_peak"] < ports["limit"] else "undecided")
    assert verdict == "excluded" or "of unknown address counted in" in one["snat"]["why"]
