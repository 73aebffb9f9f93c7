"""Commit: what was read of a batch goes into the lake, each row and line once."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa

from pipeline.arrivals import Arrivals
from pipeline.datasets import datasets
from pipeline.feed import BROKEN
from pipeline.lake import Lake, OvertakenError, ParquetFile, Span
from pipeline.landed import Landing
from pipeline.read import Read, Told
from pipeline.sources import sources
from pipeline.stretch import BROKEN_BLOB, Place
from pipeline.transforms.redaction import redacted


class Committer:
    """Puts what was read into the lake: rows, quarantine, ledger, in this order.

    So the ledger only tells what is there. What one table does not hold to the end, because another
    run was in the midst of it, the following are not told: that run or the next sees to it.
    """

    def __init__(self, lake: Lake, folder: Path, arrivals: Arrivals, landing: Landing) -> None:
        self._lake = lake
        self._folder = folder
        self._landing = landing
        self._arrivals = arrivals
        # Blobs that another run was in the midst of: what follows would leave a gap behind it.
        self._left: set[str] = set()

    def room(self, dataset: str) -> Path:
        """Where files of a dataset are written before they are committed."""
        return self._lake.room(dataset, self._folder)

    def commit(self, done: Read) -> None:
        """Commits a batch, and adds what is in the lake then to what the run did."""
        spans = {
            each.blob: Span(
                each.blob,
                each.reading.generation,
                each.from_offset,
                each.to_offset,
                "" if each.known == BROKEN else each.known,
            )
            for each in done.endings
            if each.blob not in self._left
        }
        rows: Counter[tuple[str, str]] = Counter()
        for dataset in sorted({sources()[name].dataset for name in done.told}):
            told = {
                name: each for name, each in done.told.items() if sources()[name].dataset == dataset
            }
            own = {
                blob: spans[blob] for each in told.values() for blob in each.lines if blob in spans
            }
            fresh, held = self._rows(dataset, told, own, _again(done))
            rows += fresh
            for blob in own.keys() - held:
                del spans[blob]
        if done.refusals:
            held = self._lake.append("quarantine", _quarantined(done), spans.values())
            spans = {blob: span for blob, span in spans.items() if blob in held}
        ledger = _ledger(done, rows)
        # What another run landed meanwhile, it counts itself.
        _, theirs, _ = self._lake.told_apart("landings", spans.values())
        held = self._lake.append("landings", ledger, spans.values(), _touched(done))
        self._left |= {each.blob for each in done.endings} - held
        _count(done, ledger, held - theirs, self._landing)
        self._landing.unreadable |= done.batch.unreachable

    def _rows(
        self, dataset: str, told: dict[str, Told], spans: dict[str, Span], again: set[str]
    ) -> tuple[Counter[tuple[str, str]], set[str]]:
        """Commits the rows of events that the dataset does not hold.

        Gives their number by blob and format, and the blobs that the dataset holds now.
        """
        files = {name: each.files for name, each in told.items()}
        rows = Counter(
            {(blob, name): n for name, each in told.items() for blob, n in each.rows.items()}
        )
        every = {blob for each in told.values() for blob in each.lines}
        room = self.room(dataset)
        while True:
            version, held, new = self._lake.told_apart(dataset, spans.values())
            blobs = {each.blob for each in new}
            # What is told again is told apart from what is there now, at the moment of the commit.
            for name, places in self._told_before(dataset, files, again & blobs).items():
                rows -= Counter((place[0], name) for place in places)
                without = partial(self._arrivals.without, dataset=dataset, room=room, gone=places)
                files[name] = _each(files[name], without)
            if blobs != every:
                only = partial(self._arrivals.only, dataset=dataset, room=room, blobs=blobs)
                files = {name: _each(own, only) for name, own in files.items()}
            if not new:
                return rows, held
            with suppress(OvertakenError):
                all_files = [file for each in files.values() for file in each]
                self._lake.commit(dataset, all_files, room, new, version)
                return rows, held | blobs

    def _told_before(
        self, dataset: str, files: dict[str, list[ParquetFile]], again: set[str]
    ) -> dict[str, list[Place]]:
        """By format, the places of rows whose event the dataset, or an earlier format, tells."""
        earlier: list[str] = []
        found = {}
        for name, own in files.items():
            paths = [str(self.room(dataset) / each.path) for each in own]
            near = [*self._near(dataset, own), *earlier]
            if places := self._arrivals.told_before(dataset, paths, near, again):
                found[name] = places
            earlier += paths
        return found

    def _near(self, dataset: str, files: list[ParquetFile]) -> list[str]:
        """Files of the lake that may tell of the same time as these."""
        if not files:
            return []
        bounds = [each.between("time") for each in files]
        low, high = min(low for low, _ in bounds), max(high for _, high in bounds)
        return self._lake.files_between(dataset, "time", low, high)


def _each(
    files: list[ParquetFile], changed: Callable[[ParquetFile], ParquetFile | None]
) -> list[ParquetFile]:
    return [made for made in map(changed, files) if made]


def _touched(done: Read) -> set[str]:
    """Blobs that hold nothing new though their ETag is; it is to be known."""
    return {
        each.blob
        for each in done.endings
        if each.etag and each.from_offset == each.to_offset and not each.refusals
    }


def _again(done: Read) -> set[str]:
    return {each.blob for each in done.endings if each.reading.again}


def _quarantined(done: Read) -> pa.Table:
    rows = pa.Table.from_pylist(
        [
            {
                "blob": refusal.blob,
                "position": refusal.position,
                "item": refusal.item,
                "format": refusal.format or done.batch.format,
                "kind": refusal.kind,
                "reason": refusal.reason,
                "raw": refusal.raw.decode("utf-8", errors="replace").rstrip("\r\n"),
                "raw_bytes": refusal.raw_bytes,
            }
            for refusal in sorted(done.refusals, key=lambda each: each.place)
        ],
        schema=datasets()["quarantine"].arrow_schema,
    )
    for name in ("reason", "raw"):
        clean = redacted(pl.Series(rows[name])).to_arrow().cast(pa.string())
        rows = rows.set_column(rows.schema.get_field_index(name), name, clean)
    return rows


def _ledger(done: Read, landed: Counter[tuple[str, str]]) -> pa.Table:
    """A row for each stretch and format, which says what became of each of its lines."""
    refused = Counter((each.blob, each.format or done.batch.format) for each in done.refusals)
    aside: dict[str, Counter[str]] = {}
    for (blob, kind), count in done.aside.items():
        aside.setdefault(blob, Counter())[kind] += count
    ledger = []
    for ending in done.endings:
        blob, reading = ending.blob, ending.reading
        others = done.told.keys() | {name for each, name in refused if each == blob}
        names = [reading.format, *sorted(others - {reading.format})]
        for name in names:
            main = name == reading.format
            told = done.told[name].lines[blob] if name in done.told else 0
            if not (main or told or refused[blob, name]):
                continue
            kinds = aside.get(blob, Counter()) if main else Counter[str]()
            rows = landed[blob, name]
            ledger.append(
                {
                    "blob": blob,
                    "format": name,
                    "dataset": sources()[name].dataset,
                    "resource_id": done.told[name].resources.get(blob) if told else None,
                    "envelope": reading.envelope,
                    "generation": reading.generation,
                    "from_offset": ending.from_offset,
                    "to_offset": ending.to_offset,
                    "first_position": ending.first_position,
                    "next_position": ending.next_position,
                    "known": ending.known,
                    "etag": ending.etag,
                    "lines": told + refused[blob, name] + kinds.total(),
                    "rows": rows,
                    "duplicates": told - rows,
                    "quarantined": refused[blob, name],
                    "set_aside": kinds.total(),
                    "set_aside_kinds": ", ".join(sorted(kinds)) or None,
                    "pending": ending.pending if main else 0,
                }
            )
    return pa.Table.from_pylist(ledger, schema=datasets()["landings"].arrow_schema)


def _count(done: Read, ledger: pa.Table, held: set[str], landing: Landing) -> None:
    """Adds what is in the lake now to what the run did."""
    for row in ledger.to_pylist():
        if row["blob"] in held or (row["pending"] and not row["lines"]):
            of = landing.of(row["dataset"])
            of.lines += row["lines"] + row["pending"]
            of.rows += row["rows"]
            of.duplicates += row["duplicates"]
            of.pending += row["pending"]
    for refusal in done.refusals:
        if refusal.blob in held:
            name = refusal.format or done.batch.format
            landing.of(sources()[name].dataset).quarantined[refusal.kind] += 1
            if refusal.kind == BROKEN_BLOB:
                landing.broken.append(refusal.blob)
    for (blob, kind), count in done.aside.items():
        if blob in held:
            landing.of(sources()[done.batch.format].dataset).set_aside[kind] += count
