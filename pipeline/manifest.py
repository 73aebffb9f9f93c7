"""Manifests: what each run of the scheduled job did, one JSON file a run beside the lake's tables.

One is written when a run begins and written over when it ends; what a killed run leaves says
``running``.
"""

import resource
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec

from pipeline.errors import ExitStatus
from pipeline.lake import Lake
from pipeline.landed import Landing
from pipeline.location import deleted, listed, put
from pipeline.storage import blob_at

RUNS = "runs"
Outcome = Literal["running", "done", "incomplete", "nothing"]


class OfSource(msgspec.Struct):
    """What became of a source: its blobs (``left_out``: of no known format), and their lines."""

    source: str
    blobs: int = 0
    read: int = 0
    left_out: int = 0
    unchanged: int = 0
    lines: int = 0
    rows: dict[str, int] = msgspec.field(default_factory=dict)
    duplicates: int = 0
    quarantined: int = 0
    set_aside: int = 0
    pending: int = 0
    unfinished: bool = False

    def tell(self, landing: Landing) -> None:
        """Takes over what a landing saw and did."""
        self.blobs, self.read, self.unchanged = landing.seen, landing.read, landing.skipped
        self.left_out = len(landing.unclaimed)
        self.lines, self.rows = landing.lines, dict(landing.rows)
        self.duplicates, self.pending = landing.duplicates, landing.pending
        self.quarantined = landing.quarantined.total()
        self.set_aside = landing.set_aside.total()
        self.unfinished = landing.stopped


class Manifest(msgspec.Struct, kw_only=True):
    """What a run did. Times are UTC; ``took_s`` and ``steps`` are seconds.

    ``seen`` is what the last look for incidents rested on: the lake's commits and the settings;
    ``weighed`` the rows about each that the last look at it rested on, by its id. ``incidents``
    were reported for the first time; ``succeeded`` is when the last run that did well began.
    """

    started: datetime
    ended: datetime | None = None
    outcome: Outcome = "running"
    versions: dict[str, str] = msgspec.field(default_factory=dict)
    took_s: float = 0.0
    steps: dict[str, float] = msgspec.field(default_factory=dict)
    peak_memory_bytes: int = 0
    sources: list[OfSource] = msgspec.field(default_factory=list)
    incidents: int = 0
    reports: list[str] = msgspec.field(default_factory=list)
    delivered: list[str] = msgspec.field(default_factory=list)
    errors: list[str] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    seen: str = ""
    weighed: dict[str, str] = msgspec.field(default_factory=dict)
    tidied: datetime | None = None
    succeeded: datetime | None = None

    @property
    def status(self) -> ExitStatus:
        """What the command that made the run ends with."""
        if self.errors or self.outcome == "running":
            return ExitStatus.INCOMPLETE
        return ExitStatus.NOTHING if self.outcome == "nothing" else ExitStatus.DONE

    @property
    def name(self) -> str:
        """The file's name: the moment at which the run began."""
        return f"{self.started:%Y%m%dT%H%M%S%f}Z.json"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a run as it happened; that of a ``source`` lies within the one that lands all."""

    name: str
    began: datetime
    ended: datetime
    errors: tuple[str, ...] = ()
    source: OfSource | None = None


def begun(now: datetime, before: Manifest | None) -> Manifest:
    """The manifest of a run that begins; what lasts is carried on from the run before."""
    return Manifest(
        started=now,
        versions={name: version(name) for name in ("gateway-rca", "duckdb", "deltalake")},
        seen=before.seen if before else "",
        weighed=before.weighed if before else {},
        tidied=before.tidied if before else None,
        succeeded=before.succeeded if before else None,
    )


def closed(manifest: Manifest, now: datetime) -> None:
    """Tells how a run ended; one that failed after all is told of again."""
    manifest.ended = now
    manifest.took_s = (now - manifest.started).total_seconds()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    manifest.peak_memory_bytes = most if sys.platform == "darwin" else most * 1024
    if manifest.errors:
        manifest.outcome = "incomplete"
        if manifest.succeeded == manifest.started:
            manifest.succeeded = None
    elif manifest.outcome == "running":
        manifest.outcome = "done"
        manifest.succeeded = manifest.started


def kept(lake: Lake, manifest: Manifest) -> None:
    """Writes a manifest, over what was there of the same run."""
    told = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    with tempfile.NamedTemporaryFile() as file:
        file.write(told)
        file.flush()
        put(lake.place(RUNS), manifest.name, Path(file.name))


def latest(lake: Lake) -> list[str]:
    """Names of all manifests, the latest first."""
    found = (path for path, _, _ in listed(lake.place(RUNS)) if path.endswith("Z.json"))
    return sorted(found, reverse=True)


def read(lake: Lake, name: str) -> Manifest:
    """A manifest by its name."""
    blob = blob_at(f"{lake.place(RUNS)}/{name}")
    return msgspec.json.decode(b"".join(blob.chunks()), type=Manifest)


def last(lake: Lake) -> Manifest | None:
    """The manifest of the run before; null before the first."""
    names = latest(lake)
    return read(lake, names[0]) if names else None


def forgotten(lake: Lake, keep: timedelta, now: datetime) -> int:
    """Removes manifests of runs that began longer ago; how many."""
    oldest = f"{now - keep:%Y%m%dT%H%M%S%f}Z.json"
    return deleted(lake.place(RUNS), [name for name in latest(lake) if name < oldest])
