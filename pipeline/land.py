"""Land: exports in, rows of the lake out, with a ledger of what became of every line."""

import errno
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import polars as pl
import pyarrow as pa

from pipeline.arrivals import Arrivals
from pipeline.datasets import datasets
from pipeline.engines.duckdb import DuckDB
from pipeline.errors import PipelineError
from pipeline.feed import BROKEN, Batch, feed
from pipeline.lake import Lake, OvertakenError, ParquetFile, Span
from pipeline.plan import Plan, Planner
from pipeline.read import Read, Told, read
from pipeline.roll_up import keep_up
from pipeline.sources import sources
from pipeline.storage import Blob, blobs
from pipeline.stretch import Ending, Place, Reading
from pipeline.transforms.redaction import redacted

WORKERS = 2
# Batches that wait or are read, so that no worker waits while the rows of some are counted.
AHEAD = 2 * WORKERS + 1
# Each engine: one to plan, one to commit, one for each worker. A batch takes less; near the limit
# it would be slowed down.
MEMORY = "500MB"
# Records are read together up to this size; more saves nothing and costs memory.
MOST_BATCH_BYTES = 64 << 20
LEAST_BATCH_BYTES = 16 << 20
# Rows after which those are counted: so that it is done while others are read, and costs little.
COUNTED_AT_ONCE = 250_000
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(slots=True)
class OfDataset:
    """What a run did for one dataset: counts of blobs, and of lines by what became of them."""

    read: int = 0
    skipped: int = 0
    lines: int = 0
    rows: int = 0
    duplicates: int = 0
    pending: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    set_aside: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Landing:
    """What one run of ``land`` saw and did.

    A line counts for the dataset of the format that claimed its blob, or itself. It ``stopped``
    where it was told to end before all was read.
    """

    seen: int = 0
    datasets: dict[str, OfDataset] = field(default_factory=dict)
    unclaimed: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    stopped: bool = False

    def of(self, name: str) -> OfDataset:
        """What was done for a dataset."""
        return self.datasets.setdefault(name, OfDataset())

    @property
    def read(self) -> int:
        """Blobs read."""
        return sum(each.read for each in self.datasets.values())

    @property
    def skipped(self) -> int:
        """Blobs that did not change."""
        return sum(each.skipped for each in self.datasets.values())

    @property
    def lines(self) -> int:
        """Lines read, unfinished ones too."""
        return sum(each.lines for each in self.datasets.values())

    @property
    def rows(self) -> Counter[str]:
        """Rows landed, by dataset."""
        return Counter({name: each.rows for name, each in self.datasets.items() if each.rows})

    @property
    def duplicates(self) -> int:
        """Records that the lake had already."""
        return sum(each.duplicates for each in self.datasets.values())

    @property
    def pending(self) -> int:
        """Unfinished last lines."""
        return sum(each.pending for each in self.datasets.values())

    @property
    def quarantined(self) -> Counter[str]:
        """Records refused, by the refusal's class."""
        return sum((each.quarantined for each in self.datasets.values()), Counter())

    @property
    def set_aside(self) -> Counter[str]:
        """Records of kinds that nothing uses, by kind."""
        return sum((each.set_aside for each in self.datasets.values()), Counter())

    @property
    def complete(self) -> bool:
        """Whether every blob that is an export was read to its end."""
        return not self.unreadable and not self.quarantined["broken blob"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a landing is: bytes as stored, of all that are to be read; rows landed so far."""

    bytes_done: int
    bytes_all: int
    rows: int


def land(
    exports: Iterable[str],
    lake: Lake,
    on_progress: Callable[[Progress], None] = lambda _: None,
    go_on: Callable[[], bool] = lambda: True,
) -> Landing:
    """Lands what is new in the exports; doing so twice equals doing so once.

    It is asked before each batch whether to ``go_on``; what is left is for the next run.

    Raises ``PipelineError`` where a source does not exist or the lake cannot be written.
    """
    found = sorted({blob for export in exports for blob in blobs(export)})
    lake.ready()
    planner = Planner(lake, DuckDB(threads=1, memory=MEMORY))
    plan = planner.plan(found)
    landing = _begun(found, plan)
    bytes_all = sum(map(_to_read, plan.readings))
    bytes_done = uncounted = 0
    with (
        _telling_of_room(),
        tempfile.TemporaryDirectory(prefix="gateway-rca-") as folder,
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        committer = _Committer(lake, Path(folder), landing)
        batches = feed(plan.readings, Path(folder), _batch_bytes(bytes_all), planner.changed)
        batches = _as_long_as(go_on, batches, landing)
        for done in _in_order(pool, batches, committer.room):
            committer.commit(done)
            bytes_done += sum(map(_read_of, done.endings))
            uncounted += sum(each.rows.total() for each in done.told.values())
            if uncounted >= COUNTED_AT_ONCE:
                keep_up(lake)
                uncounted = 0
            on_progress(Progress(min(bytes_done, bytes_all), bytes_all, landing.rows.total()))
        keep_up(lake)
    return landing


def _as_long_as(
    go_on: Callable[[], bool], batches: Iterator[Batch], landing: Landing
) -> Iterator[Batch]:
    for batch in batches:
        if not go_on():
            landing.stopped = True
            return
        yield batch


@contextmanager
def _telling_of_room() -> Iterator[None]:
    """A disk that is full is a user's error, and told as one; the next run goes on from there."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        where = error.filename or tempfile.gettempdir()
        raise PipelineError(f"{where}: {error.strerror}; make room, then run again") from error


def _batch_bytes(bytes_all: int) -> int:
    """How much to read at once: little where there is little, so that all workers end together."""
    return min(MOST_BATCH_BYTES, max(LEAST_BATCH_BYTES, bytes_all // (4 * WORKERS)))


def _begun(found: list[Blob], plan: Plan) -> Landing:
    landing = Landing(len(found), unclaimed=plan.unclaimed, unreadable=plan.unreadable)
    for dataset in plan.skipped.values():
        landing.of(dataset).skipped += 1
    for format_ in {each.blob.name: each.format for each in plan.readings}.values():
        landing.of(sources()[format_].dataset).read += 1
    return landing


def _to_read(reading: Reading) -> int:
    """Bytes that a reading takes; one up to an offset is followed by the one that is counted."""
    if reading.to_offset is not None:
        return 0
    return reading.blob.size - (0 if reading.envelope else reading.from_offset)


def _read_of(ending: Ending) -> int:
    """Bytes of a stretch; of a blob that is read as a whole, all of it at its end."""
    if not ending.reading.envelope:
        return ending.to_offset - ending.from_offset
    return ending.reading.blob.size if ending.etag else 0


def _in_order(
    pool: ThreadPoolExecutor, batches: Iterator[Batch], room: Callable[[str], Path]
) -> Iterator[Read]:
    """Batches read side by side, given back in order, never more than a few at a time."""
    reader = _Reader()
    submitted = (pool.submit(reader.read, batch, room) for batch in batches)
    running: list[Future[Read]] = list(islice(submitted, AHEAD))
    while running:
        done = running.pop(0).result()
        running.extend(islice(submitted, 1))
        yield done


class _Reader(threading.local):
    """A table for each thread that reads: to make an engine a batch costs a tenth of the time."""

    def __init__(self) -> None:
        self._arrivals = Arrivals(threads=1, memory=MEMORY)

    def read(self, batch: Batch, room: Callable[[str], Path]) -> Read:
        return read(batch, self._arrivals, room)


class _Committer:
    """Puts what was read into the lake: rows, quarantine, ledger, in this order.

    So the ledger only tells what is there. What one table does not hold to the end, because another
    run was in the midst of it, the following are not told: that run or the next sees to it.
    """

    def __init__(self, lake: Lake, folder: Path, landing: Landing) -> None:
        self._lake = lake
        self._folder = folder
        self._landing = landing
        self._arrivals = Arrivals(threads=1, memory=MEMORY)
        # Blobs that another run was in the midst of: what follows would leave a gap behind it.
        self._left: set[str] = set()

    def room(self, dataset: str) -> Path:
        """Where files of a dataset are written before they are committed."""
        return self._lake.room(dataset, self._folder)

    def commit(self, done: Read) -> None:
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
    for (blob, kind), count in done.aside.items():
        if blob in held:
            landing.of(sources()[done.batch.format].dataset).set_aside[kind] += count
