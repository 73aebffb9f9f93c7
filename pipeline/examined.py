"""Examined: what the scheduled job needs beyond the machine: settings, targets, lake, last run."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable

from pipeline import manifest as manifests
from pipeline.checked import Target, checked, targets
from pipeline.config import Settings
from pipeline.datasets import datasets
from pipeline.errors import PipelineError
from pipeline.lake import Lake
from pipeline.location import deleted, put

PROBE = "gateway-rca-doctor"
# The protocol that the lake's tables are written in: any Delta reader knows it.
READER, WRITER = 1, 2
# A run is a matter of an hour or a day; what is older was forgotten by its scheduler.
LATE = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; ``cure`` says what to type where it is not sound."""

    name: str
    sound: bool
    says: str
    cure: str = ""


def examined(config: Path, now: datetime) -> tuple[list[Check], Sequence[str], str | None]:
    """What was found of a job's settings and targets; and its sources and lake, to be tried."""
    try:
        settings = checked(config)
    except PipelineError as error:
        return [Check("settings", False, f"{error}", "mend the file")], (), None
    found = [Check("settings", True, f"{config}: sound"), *_targets(settings)]
    land = settings.land
    if land is None:
        return found, (), None
    return [*found, *_lake(land.lake, now)], land.sources, land.lake


def _targets(settings: Settings) -> Iterator[Check]:
    for target in targets(settings):
        lacks = target.publisher.lacks(target.settings)
        if lacks:
            why, _, cure = lacks.partition("; ")
            yield Check(f"target {target.name}", False, why, cure)
        else:
            yield _written(target)


def _written(target: Target) -> Check:
    """A target that is a place is tried by a small file; to others nothing is sent."""
    name = f"target {target.name}"
    to = getattr(target.settings, "to", None) or getattr(target.settings, "folder", None)
    if not isinstance(to, str):
        return Check(name, True, "its settings are whole; nothing was sent")
    try:
        with tempfile.NamedTemporaryFile() as probe:
            put(to, PROBE, Path(probe.name))
        deleted(to, [PROBE])
    except PipelineError as error:
        why, _, cure = f"{error}".partition("; ")
        return Check(name, False, why, cure)
    return Check(name, True, "can be written")


def _lake(place: str, now: datetime) -> Iterator[Check]:
    """The protocol of the tables that there are, and the last run."""
    try:
        lake = Lake(place)
        tables = {name: table for name in datasets() if (table := lake.table(name))}
        for name, table in tables.items():
            if check := _protocol(name, table):
                yield check
        if tables:
            yield Check("lake protocol", True, f"{len(tables)} tables, reader version {READER}")
        yield _last_run(lake, now)
    except PipelineError as error:
        yield Check("last run", False, f"{error}")


def _protocol(name: str, table: DeltaTable) -> Check | None:
    told = table.protocol()
    if told.min_reader_version > READER or told.min_writer_version > WRITER:
        return Check(
            f"lake protocol of {name}",
            False,
            f"asks for reader {told.min_reader_version} and writer {told.min_writer_version}",
            "another engine changed the table; land into a new lake, or undo its table features",
        )
    wanted = {each.name for each in datasets()[name].columns}
    there = set(pa.schema(table.schema().to_arrow()).names)
    if missing := sorted(wanted - there):
        return Check(
            f"lake protocol of {name}",
            False,
            f"lacks the columns {', '.join(missing)}: another version of gateway-rca wrote it",
            "land into a new lake",
        )
    return None


def _last_run(lake: Lake, now: datetime) -> Check:
    last = manifests.last(lake)
    if last is None:
        return Check("last run", True, "none yet")
    told = f"{last.started:%Y-%m-%dT%H:%M:%SZ}, {last.outcome}"
    if last.outcome == "incomplete":
        return Check("last run", False, f"{told}: {'; '.join(last.errors)}", "mend that")
    if now - last.started > LATE:
        return Check("last run", False, told, "see the scheduler and its log")
    return Check("last run", True, told)
