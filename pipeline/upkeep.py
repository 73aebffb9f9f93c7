"""Upkeep of a lake: what it covers, small files merged, old rows and leftovers removed."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import polars as pl
from deltalake import DeltaTable, WriterProperties

from pipeline import roll_up
from pipeline.ask import ask
from pipeline.dataset import DATED
from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.lake import Lake
from pipeline.location import deleted, listed
from pipeline.wording import of

HOUR = timedelta(hours=1)
# What is written by a run that is still going is younger than this.
LEFTOVER_AGE = timedelta(days=1)
# A Parquet file that a killed writer did not finish; Delta's own vacuum passes over it.
UNFINISHED = re.compile(r"\.parquet#\d+$|\.part$")
FILE_BYTES = 128 << 20
GAPS_TOLD = 5


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours one after the other, the last one included; times are UTC."""

    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a dataset holds of a resource: from the first hour with rows to the last.

    ``gaps`` are hours between them without any. Whether something is missing there, or nothing
    happened, the lake cannot know.
    """

    resource_id: str | None
    first: datetime
    last: datetime
    rows: int
    gaps: tuple[Hours, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """A dataset's table: its size and what it covers; nothing where its rows have no time."""

    dataset: str
    rows: int
    files: int
    bytes: int
    coverage: tuple[Coverage, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """What upkeep did to a table: files it had and has, or that were removed; rows removed."""

    dataset: str
    before: int = 0
    after: int = 0
    removed: int = 0
    rows: int = 0


def status(lake: Lake, engine: Engine) -> Iterator[Status]:
    """What each dataset of the lake holds."""
    for name, table in _tables(lake):
        actions = pl.DataFrame(table.get_add_actions())
        yield Status(
            dataset=name,
            rows=int(actions["num_records"].sum()),
            files=actions.height,
            bytes=int(actions["size_bytes"].sum()),
            coverage=tuple(coverage(name, lake, engine)),
        )


def coverage(name: str, lake: Lake, engine: Engine) -> Iterator[Coverage]:
    """What a dataset covers of each resource; nothing where its rows have no time."""
    if not {each.name for each in DATED.columns} <= {e.name for e in datasets()[name].columns}:
        return
    engine.attach("dated", DATED, lake.files(name))
    hours = ask(engine, ["hours"], {})["hours"].frame
    for (resource,), frame in hours.group_by(["resource_id"], maintain_order=True):
        told = frame["hour"].to_list()
        yield Coverage(
            resource_id=resource if isinstance(resource, str) else None,
            first=told[0],
            last=told[-1],
            rows=int(frame["rows"].sum()),
            gaps=tuple(
                Hours(before + HOUR, after - HOUR)
                for before, after in pairwise(told)
                if after - before > HOUR
            ),
        )


def told(states: Iterable[Status]) -> Iterator[str]:
    """The same for people, line by line."""
    for state in states:
        size = f"{state.bytes / 1e6:,.1f} MB"
        yield f"{state.dataset}: {of(state.rows, 'row')} in {of(state.files, 'file')}, {size}"
        for each in state.coverage:
            span = f"{each.first:%Y-%m-%dT%H:%M} to {each.last + HOUR:%Y-%m-%dT%H:%M} UTC"
            yield f"  {each.resource_id or 'resource not told'}"
            yield f"    {span}, {of(each.rows, 'row')}, {_told_gaps(each.gaps)}"


def _told_gaps(gaps: tuple[Hours, ...]) -> str:
    if not gaps:
        return "no hour without rows"
    shown = ", ".join(
        f"{gap.first:%Y-%m-%dT%H:%M} to {gap.last + HOUR:%Y-%m-%dT%H:%M}"
        for gap in gaps[:GAPS_TOLD]
    )
    more = f" and {len(gaps) - GAPS_TOLD} more (--json tells all)" if gaps[GAPS_TOLD:] else ""
    return f"no rows from {shown}{more}"


def compact(lake: Lake) -> Iterator[Done]:
    """Merges small files; readers and writers may go on meanwhile."""
    roll_up.keep_up(lake)
    for name, table in _tables(lake):
        before = len(lake.files(name))
        with lake.telling():
            table.optimize.compact(
                target_size=FILE_BYTES,
                max_concurrent_tasks=1,
                writer_properties=WriterProperties(compression="ZSTD"),
            )
        yield Done(name, before=before, after=len(lake.files(name)))


def vacuum(lake: Lake, keep: timedelta, now: datetime) -> Iterator[Done]:
    """Removes files that no version younger than ``keep`` needs, and what killed writers left."""
    roll_up.keep_up(lake)
    for name, table in _tables(lake):
        with lake.telling():
            gone = table.vacuum(
                retention_hours=int(keep.total_seconds() // 3600),
                enforce_retention_duration=False,
                dry_run=False,
                full=True,
            )
        place = lake.place(name)
        leftovers = [
            path
            for path, _, changed in listed(place)
            if UNFINISHED.search(path) and changed < now - LEFTOVER_AGE
        ]
        yield Done(name, removed=len(gone) + deleted(place, leftovers))


def forget(lake: Lake, before: date, port_history: bool = False) -> Iterator[Done]:
    """Drops the rows of days before one; what was landed stays known, and is not read again.

    The ledger and the quarantine have no days and stay; so does the ``port_history``, which tells
    of no caller, unless it is to go, too. Disk space is free after ``vacuum``.
    """
    roll_up.keep_up(lake)
    for name, table in _tables(lake):
        if datasets()[name].partition != "date":
            continue
        if name in roll_up.COUNTS and not port_history:
            _forget_callers(table, lake, before)
            continue
        files = len(lake.files(name))
        with lake.telling():
            told = table.delete(f"date < '{before.isoformat()}'")
        rows = int(told["num_deleted_rows"] or 0)
        yield Done(name, before=files, after=len(lake.files(name)), rows=rows)


def _forget_callers(table: DeltaTable, lake: Lake, before: date) -> None:
    """What outlives the rows tells of no caller."""
    if "caller" in (each.name for each in table.schema().fields):
        with lake.telling():
            table.update(
                updates={"caller": "null"},
                predicate=f"date < '{before.isoformat()}' and caller is not null",
            )


def _tables(lake: Lake) -> Iterator[tuple[str, DeltaTable]]:
    for name in datasets():
        if table := lake.table(name):
            yield name, table
