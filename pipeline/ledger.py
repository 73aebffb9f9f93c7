"""The ledger of reports: which were issued, by which data, and to whom each was handed on.

A report's files are put into the lake before the row that tells of them is committed, and handed
on after; so a run that was killed anywhere is made good by the next. A row commits once, whoever
tries.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from pipeline.datasets import datasets
from pipeline.lake import Lake, Span
from pipeline.location import put
from pipeline.storage import blob_at

REPORTS = "reports"
DELIVERIES = "deliveries"
FOLDER = "issued"
INCIDENT = "incident"
# Parts of one incident seen by two runs lie this near, as runs of failures that are one incident.
SAME_INCIDENT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Entry:
    """A revision of a report, as the dataset ``reports`` tells it."""

    blob: str
    kind: str
    id: str
    revision: int
    issued_at: datetime
    gateway: str | None
    onset: datetime
    finish: datetime
    going: bool
    mechanism: str | None
    trigger: str | None
    status: str | None
    snat: str | None
    complete: bool
    evidence: str
    title: str
    says: str
    files: str

    @property
    def withdrawn(self) -> bool:
        """Whether it says of an incident that it is none any more."""
        return self.kind == INCIDENT and self.mechanism is None

    @property
    def rows(self) -> dict[str, int]:
        """Rows that it rested on, by dataset."""
        return msgspec.json.decode(self.evidence, type=dict[str, int])


def folder(id_: str, revision: int) -> str:
    """Where the files of a revision stand in the lake."""
    return f"{FOLDER}/{id_}/r{revision}"


def entries(lake: Lake) -> list[Entry]:
    """All that was issued, in the order of issue."""
    found = [Entry(**row) for row in _rows(lake, REPORTS)]
    return sorted(found, key=lambda each: (each.issued_at, each.id, each.revision))


def newest(found: Iterable[Entry]) -> dict[str, Entry]:
    """The last revision of each report, by its id."""
    return {each.id: each for each in sorted(found, key=lambda each: each.revision)}


def issue(lake: Lake, entry: Entry, files: Iterable[Path]) -> None:
    """Makes a report part of the lake: its files, then the row that tells of them."""
    for file in files:
        put(lake.place(entry.blob), file.name, file)
    _committed(lake, REPORTS, asdict(entry))


def pending(lake: Lake, targets: Iterable[str], since: datetime) -> list[tuple[Entry, str]]:
    """What was issued since a moment and not handed to a target, in the order of issue."""
    done = {(row["report"], row["target"]) for row in _rows(lake, DELIVERIES)}
    names = list(targets)
    return [
        (entry, name)
        for entry in entries(lake)
        if entry.issued_at >= since
        for name in names
        if (entry.blob, name) not in done
    ]


def delivered(lake: Lake, entry: Entry, target: str, now: datetime) -> None:
    """Remembers that a report was handed to a target."""
    row = {"report": entry.blob, "target": target, "delivered_at": now}
    _committed(lake, DELIVERIES, {"blob": f"{entry.blob} to {target}", **row})


def fetched(lake: Lake, entry: Entry, into: Path) -> tuple[Path, ...]:
    """The files of a report, copied to a folder."""
    found = []
    for name in entry.files.split(","):
        path = into / name
        path.write_bytes(b"".join(blob_at(f"{lake.place(entry.blob)}/{name}").chunks()))
        found.append(path)
    return tuple(found)


def matched(
    found: Iterable[tuple[str, datetime, datetime]], known: Iterable[Entry]
) -> dict[int, Entry]:
    """Which runs of failures (gateway, start, end) are of incidents reported before.

    Gives the report by the run's place. Each run is of one incident and each incident has one run,
    those first that overlap for longest.
    """
    pairs = [
        (min(last, entry.finish) - max(start, entry.onset), -place, entry)
        for place, (gateway, start, last) in enumerate(found)
        for entry in known
        if entry.gateway == gateway
        and start < entry.finish + SAME_INCIDENT
        and entry.onset < last + SAME_INCIDENT
    ]
    taken: dict[int, Entry] = {}
    for _, place, entry in sorted(pairs, key=lambda each: (each[0], each[1]), reverse=True):
        if -place not in taken and entry.id not in {each.id for each in taken.values()}:
            taken[-place] = entry
    return taken


def _committed(lake: Lake, name: str, row: dict[str, Any]) -> None:
    rows = pa.Table.from_pylist([row], schema=datasets()[name].arrow_schema)
    lake.append(name, rows, [Span(row["blob"], 0, 0, 1)])


def _rows(lake: Lake, name: str) -> list[dict[str, Any]]:
    table = lake.table(name)
    if not table:
        return []
    with lake.telling():
        table.update_incremental()
        rows = table.to_pyarrow_table().to_pylist()
    return [
        {
            key: value.replace(tzinfo=None) if isinstance(value, datetime) else value
            for key, value in row.items()
        }
        for row in rows
    ]
