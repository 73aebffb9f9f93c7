"""The wheel: built, installed by pip into an environment of its own, used from another folder."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _run(*words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel; this one lends it the dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    built = _run(
        sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, folder=ROOT
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    home = folder / "environment"
    venv.create(home, with_pip=True)
    installed = _run(home / "bin/pip", "install", "--no-deps", "--no-index", wheel, folder=folder)
    assert installed.returncode == 0, installed.stderr
    (packages,) = home.glob("lib/python*/site-packages")
    # A path named in a .pth file is searched; .pth files in it (our editable self) are not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return home


def test_the_demo_runs_from_the_wheel_in_another_folder(environment: Path, tmp_path: Path) -> None:
    ran = _run(environment / "bin/gateway-rca", "demo", "--output", "rca.pdf", folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "written: rca.pdf rca.html rca.json"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rca.html", "rca.json", "rca.pdf"]


def test_the_example_of_settings_comes_with_the_wheel(environment: Path, tmp_path: Path) -> None:
    told = _run(environment / "bin/gateway-rca", "config", "example", folder=tmp_path)
    assert told.stdout == (ROOT / "deploy" / "gateway-rca.toml").read_text(encoding="utf-8")


def test_the_product_comes_from_the_wheel_alone(environment: Path, tmp_path: Path) -> None:
    told = _run(
        environment / "bin/python",
        "-c",
        "import pipeline, queries, reports; print(*pipeline.__path__, *queries.__path__,"
        " *reports.__path__, sep='\\n')",
        folder=tmp_path,
    )
    assert told.returncode == 0, told.stderr
    assert all(Path(path).is_relative_to(environment) for path in told.stdout.split())


def test_the_version_is_told(environment: Path, tmp_path: Path) -> None:
    told = _run(environment / "bin/gateway-rca", "--version", folder=tmp_path)
    assert told.stdout.startswith("gateway-rca, version ")
