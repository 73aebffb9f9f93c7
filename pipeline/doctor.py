"""Doctor: what this machine has for the job, and how to mend what it lacks."""

import ctypes.util
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files

from pipeline.report import FONTS, PANGO

PACKAGES = ("duckdb", "polars", "pyarrow", "deltalake", "matplotlib", "weasyprint")
LIBRARIES = ("pango-1.0", "pangoft2-1.0", "harfbuzz-subset")
LEAST_FREE_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; ``cure`` says what to type where it is not sound."""

    name: str
    sound: bool
    says: str
    cure: str = ""


def checks() -> list[Check]:
    """All that can be told without a source or a lake."""
    return [_python(), *map(_package, PACKAGES), _pango(), _fonts(), _space()]


def _python() -> Check:
    told = ".".join(map(str, sys.version_info[:3]))
    return Check("Python", sys.version_info >= (3, 11), told, "")


def _package(name: str) -> Check:
    try:
        return Check(name, True, version(name))
    except PackageNotFoundError:
        return Check(name, False, "not installed", "run 'pip install gateway-rca' again")


def _pango() -> Check:
    missing = [name for name in LIBRARIES if not ctypes.util.find_library(name)]
    if not missing:
        return Check("Pango", True, "found; PDF can be written")
    return Check(
        "Pango",
        False,
        f"{', '.join(missing)} not found; HTML and JSON are written, PDF is not",
        f"apt-get install {PANGO}",
    )


def _fonts() -> Check:
    missing = [name for name in FONTS if not (files("reports") / "fonts" / name).is_file()]
    says = f"missing: {', '.join(missing)}" if missing else f"{len(FONTS)} bundled"
    return Check("fonts", not missing, says, "install gateway-rca again" if missing else "")


def _space() -> Check:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    says = f"{free / (1 << 30):,.1f} GiB free in {folder}"
    enough = free >= LEAST_FREE_BYTES
    return Check("free space", enough, says, "" if enough else "set TMPDIR to a larger disk")
