"""Doctor: what this machine has for the job, and how to mend what it lacks."""

import ctypes.util
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.examined import PROBE, Check, examined
from pipeline.location import deleted, listed, named, put
from pipeline.report import FONTS, PANGO
from pipeline.storage import BrokenBlobError, blobs
from pipeline.telemetry import endpoints, tried, wanted
from pipeline.wording import of

PACKAGES = ("duckdb", "polars", "pyarrow", "deltalake", "matplotlib", "weasyprint")
LIBRARIES = ("pango-1.0", "pangoft2-1.0", "harfbuzz-subset")
LEAST_FREE_BYTES = 2 << 30
# Tokens and SAS are refused by clocks that differ by more.
MOST_SKEW = timedelta(minutes=5)


def checks(
    sources: Sequence[str] = (), lake: str | None = None, config: Path | None = None
) -> list[Check]:
    """What this machine has, whether the sources can be read, and the lake be written.

    With the settings of a scheduled job also what it needs; its sources and lake are tried, too.
    """
    if config is not None:
        found, own, place = examined(config, datetime.now(UTC))
        return [*checks((*sources, *own), lake or place), *found, *_telemetry()]
    machine = [_python(), *map(_package, PACKAGES), _pango(), _fonts(), _space()]
    return [*machine, *map(_source, sources), *(_lake(lake) if lake else [])]


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


def _telemetry() -> Iterator[Check]:
    """Whether OpenTelemetry would take what a run sends; nothing where none is wanted."""
    if not wanted():
        return
    failures = tried()
    yield from (_unsound("telemetry", each) for each in failures)
    if not failures:
        yield Check("telemetry", True, f"{endpoints()}: taken")


def _source(source: str) -> Check:
    """Whether what is there can be listed, and the first of it read."""
    try:
        found = blobs(source)
        for blob in found[:1]:
            blob.stored(0, 1)
    except (PipelineError, BrokenBlobError) as error:
        return _unsound("source", _told(source, error))
    if not found:
        return Check("source", False, f"{named(source)} holds no files", "name another folder")
    return Check("source", True, f"{named(source)}: {of(len(found), 'blob')}, readable")


def _unsound(name: str, told: str) -> Check:
    """What an error says, and the cure that it ends in."""
    why, _, cure = told.partition("; ")
    return Check(name, False, why, cure)


def _told(location: str, error: Exception) -> str:
    """The error, with where it happened if it does not say so."""
    name = location.partition("?")[0]
    return str(error) if name in str(error) else f"{name}: {error}"


def _lake(lake: str) -> list[Check]:
    """Whether a lake can be written and read there, and whose clock is wrong if any is."""
    try:
        with tempfile.NamedTemporaryFile() as probe:
            now = datetime.now(UTC)
            put(lake, PROBE, Path(probe.name))
        (written,) = [changed for path, _, changed in listed(lake) if path == PROBE]
        deleted(lake, [PROBE])
    except PipelineError as error:
        return [_unsound("lake", _told(lake, error))]
    skew = abs(written - now)
    told = f"differs by {skew.total_seconds():.0f} s from that of {named(lake)}"
    return [
        Check("lake", True, f"{named(lake)} can be written"),
        Check("clock", skew < MOST_SKEW, told, "" if skew < MOST_SKEW else "set this clock"),
    ]
