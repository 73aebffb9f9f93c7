"""requirements.lock names every dependency with hashes, and no place to fetch it from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"].values()
NAMED = [*PROJECT["dependencies"], *(each for extra in EXTRAS for each in extra)]
ENTRY = re.compile(r"^(\S+)==([^\s;]+)(.*\n(?:[ ]+--hash=sha256:[0-9a-f]{64}.*\n)+)", re.MULTILINE)


def locked_versions() -> dict[str, list[str]]:
    """Each name's versions; a universal lock may hold several, for several Pythons."""
    versions: dict[str, list[str]] = {}
    for name, version, _ in ENTRY.findall(LOCK):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


@pytest.mark.parametrize("place", ["://", "file:", "git+", "--index-url", "--find-links"])
def test_the_lock_says_no_place_to_fetch_from(place: str) -> None:
    assert place not in LOCK


def test_every_entry_has_hashes() -> None:
    entries = [line for line in LOCK.splitlines() if re.match(r"[A-Za-z0-9]", line)]
    assert entries
    assert len(ENTRY.findall(LOCK)) == len(entries)


@pytest.mark.parametrize("dependency", NAMED)
def test_a_dependency_is_locked_at_a_version_it_allows(dependency: str) -> None:
    wanted = Requirement(dependency)
    versions = locked_versions().get(canonicalize_name(wanted.name), [])
    assert versions, f"{wanted.name} is not in requirements.lock; run `make lock`"
    assert all(version in wanted.specifier for version in versions), f"{versions}; run `make lock`"
