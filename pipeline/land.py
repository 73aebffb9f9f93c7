"""Land: exports in, rows of the lake out, with a ledger of what became of every line."""

import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import BytesIO
from itertools import islice
from pathlib import Path

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.datasets import datasets
from pipeline.engine import UnreadableError
from pipeline.engines.duckdb import DuckDB
from pipeline.lake import Lake
from pipeline.lines import (
    Ending,
    Gathered,
    Refusal,
    Stretch,
    gather,
    parted,
    records,
    shortened,
    sift,
)
from pipeline.query import queries
from pipeline.source import Source
from pipeline.sources import sources
from pipeline.storage import Blob, BrokenBlobError, blobs
from pipeline.transforms.redaction import redacted

# Blobs are read together up to this size; more saves nothing and costs memory.
GROUP_BYTES = 64 << 20
# Gateway logs shrink to about a tenth.
GZIP_FACTOR = 10
WORKERS = 2
# Each of the three engines; a group takes about half of it.
MEMORY = "300MB"
LINES_TO_CLAIM = 50


@dataclass(slots=True)
class Landing:
    """What one run of ``land`` saw and did."""

    seen: int = 0
    read: int = 0
    skipped: int = 0
    lines: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    pending: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    unclaimed: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

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


@dataclass(frozen=True, slots=True)
class _Read:
    """A group of stretches, read: its rows, told once each, and what became of the other lines.

    ``told`` counts the lines of each blob that tell of a row, the first time or again; ``aside``
    those of kinds that nothing uses, by blob and kind; ``empty`` those that hold nothing.
    """

    source: Source
    format: str
    rows: pa.Table
    resources: dict[str, str]
    told: Counter[str]
    aside: Counter[tuple[str, str]]
    empty: Counter[str]
    refusals: list[Refusal]
    endings: list[Ending]


def land(
    exports: Iterable[str], lake: Lake, on_progress: Callable[[Progress], None] = lambda _: None
) -> Landing:
    """Lands what is new in the exports; doing so twice equals doing so once.

    Raises ``PipelineError`` where a source does not exist or the lake cannot be written.
    """
    landing = Landing()
    found = sorted({blob for export in exports for blob in blobs(export)})
    landing.seen = len(found)
    todo = _planned(found, lake, landing)
    bytes_all = sum(_stored(stretch) for _, stretch in todo)
    bytes_done = 0
    engine = DuckDB(threads=1, memory=MEMORY)
    with ThreadPoolExecutor(WORKERS) as pool:
        for read in _in_order(pool, _groups(todo)):
            _commit(read, lake, engine, landing)
            bytes_done += sum(ending.to_byte - ending.from_byte for ending in read.endings)
            on_progress(Progress(bytes_done, bytes_all, sum(landing.rows.values())))
    return landing


def _planned(found: list[Blob], lake: Lake, landing: Landing) -> list[tuple[str, Stretch]]:
    """The stretches to read, each with the name of its format."""
    todo = []
    for blob in found:
        done = lake.mark("landings", blob.name)
        if blob.size == done and done:
            landing.skipped += 1
            continue
        if done > blob.size:
            landing.unreadable[blob.name] = (
                f"shrank from {done} to {blob.size} bytes since it was landed; left as it was"
            )
            continue
        try:
            claimed = _claimed(blob)
            if done and (blob.compressed() or (claimed and claimed[1])):
                landing.unreadable[blob.name] = (
                    "changed since it was landed, and was not appended to; left as it was. "
                    "If it is whole now, save it under another name: what is known is not doubled"
                )
                continue
        except BrokenBlobError as error:
            landing.unreadable[blob.name] = str(error)
            continue
        if not claimed:
            landing.unclaimed[blob.name] = (
                "is empty" if not blob.size else "no format claims it; looked for: " + _formats()
            )
            continue
        name, document = claimed
        todo += [(name, part) for part in _parts(blob, name, done, document, lake)]
        landing.read += 1
    return todo


def _parts(blob: Blob, name: str, done: int, document: bool, lake: Lake) -> list[Stretch]:
    """What is to be read of a blob, in stretches that each fit into memory."""
    stretch = Stretch(blob, done, lake.next_position(blob.name) if done else 1, document)
    if document or blob.compressed():
        return [stretch]
    # A run that was stopped between two tables left their marks apart. What the first has, the
    # others must get before anything new: the same lines, and only these.
    ahead = max(lake.mark(sources()[name].dataset, blob.name), lake.mark("quarantine", blob.name))
    if not done < ahead < blob.size:
        return list(parted(stretch, GROUP_BYTES))
    behind = replace(stretch, blob=replace(blob, size=ahead))
    position = stretch.first_position + behind.blob.lines(done)
    return [behind, *parted(Stretch(blob, ahead, position), GROUP_BYTES)]


def _claimed(blob: Blob) -> tuple[str, bool] | None:
    """The format whose record is among the first, and whether the blob is one document."""
    chunks = blob.chunks()
    head = BytesIO(next(chunks, b""))
    for line in islice((line for line in head if line.strip()), LINES_TO_CLAIM):
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if name := _format(msgspec.json.decode(line)):
                return name, False
    next(chunks, b"")  # where the blob breaks off here, that is the reason to tell
    for record in records(blob)[:LINES_TO_CLAIM]:
        if name := _format(record):
            return name, True
    return None


def _format(record: object) -> str | None:
    """The format that claims a record, else None."""
    if not isinstance(record, dict):
        return None
    return next((name for name, source in sources().items() if source.claims(record)), None)


def _formats() -> str:
    return "; ".join(source.about for source in sources().values())


def _stored(stretch: Stretch) -> int:
    return stretch.blob.size - stretch.from_byte


def _groups(todo: list[tuple[str, Stretch]]) -> Iterator[tuple[str, list[Stretch]]]:
    """Stretches of one format, gathered up to the size that is read at once."""
    for name in sorted({name for name, _ in todo}):
        group: list[Stretch] = []
        size = 0
        for stretch in (stretch for each, stretch in todo if each == name):
            weight = _stored(stretch) * (GZIP_FACTOR if stretch.blob.compressed() else 1)
            # Two stretches of one blob are two commits: the second's mark follows the first's.
            again = group and group[-1].blob.name == stretch.blob.name
            if again or (group and size + weight > GROUP_BYTES):
                yield name, group
                group, size = [], 0
            group.append(stretch)
            size += weight
        if group:
            yield name, group


def _in_order(
    pool: ThreadPoolExecutor, groups: Iterator[tuple[str, list[Stretch]]]
) -> Iterator[_Read]:
    """Groups read side by side, given back in order, never more than a few at a time."""
    reader = _Reader()
    submitted = (pool.submit(_read_group, reader, *group) for group in groups)
    running: list[Future[_Read]] = list(islice(submitted, WORKERS))
    while running:
        read = running.pop(0).result()
        running.extend(islice(submitted, 1))
        yield read


class _Reader(threading.local):
    """An engine for each thread that reads: to make one a group costs a tenth of the time."""

    def __init__(self) -> None:
        self.engine = DuckDB(threads=1, memory=MEMORY)


def _read_group(reader: _Reader, name: str, stretches: list[Stretch]) -> _Read:
    source = sources()[name]
    engine = reader.engine
    with tempfile.TemporaryDirectory(prefix="gateway-rca-") as folder:
        gathered, endings = gather(stretches, Path(folder) / "lines.json")
        refusals = [refusal for ending in endings for refusal in ending.refusals]
        empty: Counter[str] = Counter()
        # Fast and strict first. Where the rows are not the lines, or one is refused, the same
        # lines are read again one by one: only then is it worth knowing which and why.
        try:
            read = _rows(gathered, source, engine)
            sound = read.num_rows == gathered.count == read["refused"].null_count
        except UnreadableError:
            sound = False
        if not sound:
            read, refused, empty = _read_slowly(gathered, source, engine, Path(folder))
            refusals += refused
    used = pc.is_in(read["kind"], value_set=pa.array(source.kinds))
    wanted = _cleaned(_those(read, used), source.dataset)
    other = _those(read, pc.invert(used))
    return _Read(
        source,
        name,
        rows=_in_time(engine.fresh(wanted, datasets()[source.dataset], [])),
        resources=_resources(wanted),
        told=_counted(wanted["blob"]),
        aside=Counter(zip(other["blob"].to_pylist(), other["kind"].to_pylist(), strict=True)),
        empty=empty,
        refusals=refusals,
        endings=endings,
    )


def _rows(gathered: Gathered, source: Source, engine: DuckDB) -> pa.Table:
    engine.read_lines(gathered.path, source.columns(), gathered.runs, gathered.count)
    return engine.ask(queries()[source.query], {})


def _read_slowly(
    gathered: Gathered, source: Source, engine: DuckDB, folder: Path
) -> tuple[pa.Table, list[Refusal], Counter[str]]:
    decoder = msgspec.json.Decoder(source.record, strict=False)
    sifted, refusals, empty = sift(gathered, decoder.decode, folder / "sifted.json")
    parts = list(_bisected(sifted, source, engine, folder))
    rows = pa.concat_tables([part for part in parts if isinstance(part, pa.Table)])
    reasons: dict[tuple[str, int], tuple[str, str]] = {
        (refused["blob"], refused["position"]): ("wrong value", refused["refused"])
        for refused in rows.filter(pc.is_valid(rows["refused"]))
        .select(["blob", "position", "refused"])
        .to_pylist()
    } | {part[0]: ("wrong type", part[1]) for part in parts if isinstance(part, tuple)}
    refusals += [
        Refusal(blob, position, *reasons[blob, position], shortened(line), len(line))
        for blob, position, line in gathered.lines()
        if (blob, position) in reasons
    ]
    return rows.filter(pc.is_null(rows["refused"])), refusals, empty


def _bisected(
    gathered: Gathered, source: Source, engine: DuckDB, folder: Path
) -> Iterator[pa.Table | tuple[tuple[str, int], str]]:
    """Rows in parts; a line that the engine refuses comes as its place and the reason."""
    try:
        yield _rows(gathered, source, engine)
    except UnreadableError as error:
        if gathered.count == 1:
            (place,) = gathered.places()
            yield place, str(error).partition("\n")[0]
            return
        for half in _halves(gathered, folder):
            yield from _bisected(half, source, engine, folder)


def _halves(gathered: Gathered, folder: Path) -> Iterator[Gathered]:
    lines = gathered.lines()
    for count in (gathered.count // 2, gathered.count - gathered.count // 2):
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            half = Gathered(Path(file.name))
            for blob, position, line in islice(lines, count):
                file.write(line)
                half.count += 1
                half.runs.append((half.count, blob, position))
        yield half


def _those(rows: pa.Table, mask: pa.ChunkedArray) -> pa.Table:
    """The rows that the mask marks; a copy only where it does not mark all."""
    return rows if pc.all(mask).as_py() else rows.filter(mask)


def _cleaned(rows: pa.Table, dataset: str) -> pa.Table:
    """The rows in the dataset's own columns, secrets removed."""
    columns = datasets()[dataset].columns
    secret = [column.name for column in columns if column.may_hold_secrets]
    clean = pl.DataFrame(rows.select(secret)).with_columns(redacted(pl.all())).to_arrow()
    return pa.table(
        [(clean if column.name in secret else rows)[column.name] for column in columns],
        names=[column.name for column in columns],
    ).cast(datasets()[dataset].arrow_schema)


def _in_time(rows: pa.Table) -> pa.Table:
    # To take rows out of one chunk is five times as fast as out of many.
    return rows.combine_chunks().take(pc.sort_indices(rows["time"]))


def _commit(read: _Read, lake: Lake, engine: DuckDB, landing: Landing) -> None:
    """Rows, quarantine, ledger: in this order, so that the ledger only tells what is there."""
    fresh = _fresh(read, lake, engine)
    stretches = {ending.blob: (ending.from_byte, ending.to_byte) for ending in read.endings}
    ledger = _ledger(read, fresh)
    for name, rows in (
        (read.source.dataset, fresh),
        *((("quarantine", _cleaned(_quarantined(read), "quarantine")),) if read.refusals else ()),
        ("landings", ledger),
    ):
        # What one table does not hold to the end, the ledger must not say is there.
        held = lake.append(name, rows, stretches)
        stretches = {blob: stretches[blob] for blob in stretches.keys() & held}

    pending = sum(ending.pending for ending in read.endings)
    landing.lines += pc.sum(ledger["lines"]).as_py() + pending
    landing.rows[read.source.dataset] += fresh.num_rows
    landing.duplicates += read.told.total() - fresh.num_rows
    landing.pending += pending
    for (_, kind), count in read.aside.items():
        landing.set_aside[kind] += count
    landing.quarantined.update(refusal.kind for refusal in read.refusals)


def _fresh(read: _Read, lake: Lake, engine: DuckDB) -> pa.Table:
    """The rows of events that the lake does not hold yet."""
    if not read.rows.num_rows:
        return read.rows
    span = pc.min_max(read.rows["time"]).as_py()
    near = lake.files_between(read.source.dataset, "time", span["min"], span["max"])
    return engine.fresh(read.rows, datasets()[read.source.dataset], near) if near else read.rows


def _quarantined(read: _Read) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "blob": refusal.blob,
                "position": refusal.position,
                "format": read.format,
                "kind": refusal.kind,
                "reason": refusal.reason,
                "raw": refusal.raw.decode("utf-8", errors="replace").rstrip("\r\n"),
                "raw_bytes": refusal.raw_bytes,
            }
            for refusal in sorted(read.refusals, key=lambda each: (each.blob, each.position))
        ],
        schema=datasets()["quarantine"].arrow_schema,
    )


def _ledger(read: _Read, fresh: pa.Table) -> pa.Table:
    """A row a stretch, which says what became of each of its lines."""
    landed = _counted(fresh["blob"])
    refused = Counter(refusal.blob for refusal in read.refusals)
    aside: Counter[str] = Counter()
    for (blob, _), count in read.aside.items():
        aside[blob] += count
    kinds = ", ".join(sorted({kind for _, kind in read.aside}))
    ledger = []
    for each in read.endings:
        # Counted where the lines were copied, so that a line lost since then shows here.
        lines = each.next_position - each.first_position - read.empty[each.blob]
        if lines != read.told[each.blob] + aside[each.blob] + refused[each.blob]:
            raise AssertionError(f"{each.blob}: {lines} lines read, not all accounted for")
        ledger.append(
            {
                "blob": each.blob,
                "format": read.format,
                "dataset": read.source.dataset,
                "resource_id": read.resources.get(each.blob),
                "from_byte": each.from_byte,
                "to_byte": each.to_byte,
                "first_position": each.first_position,
                "next_position": each.next_position,
                "lines": lines,
                "rows": landed[each.blob],
                "duplicates": read.told[each.blob] - landed[each.blob],
                "quarantined": refused[each.blob],
                "set_aside": aside[each.blob],
                "set_aside_kinds": kinds if aside[each.blob] else None,
                "pending": each.pending,
            }
        )
    return pa.Table.from_pylist(ledger, schema=datasets()["landings"].arrow_schema)


def _counted(values: pa.ChunkedArray) -> Counter[str]:
    counted = pc.value_counts(values)
    return Counter({each["values"]: each["counts"] for each in counted.to_pylist()})


def _resources(rows: pa.Table) -> dict[str, str]:
    """The resource that most rows of each blob speak of."""
    counts = rows.group_by(["blob", "resource_id"]).aggregate([([], "count_all")])
    ordered = counts.sort_by([("count_all", "ascending"), ("resource_id", "descending")])
    return dict(zip(ordered["blob"].to_pylist(), ordered["resource_id"].to_pylist(), strict=True))
