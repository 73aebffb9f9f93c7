"""Land: exports in, rows of the lake out, with a ledger of what became of every line."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
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
from pipeline.lines import KEPT_BYTES, Ending, Gathered, Refusal, Stretch, gather, sift
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
    """A group of stretches, read: rows still with their ``kind``, and what was refused."""

    source: Source
    format: str
    rows: pa.Table
    refusals: list[Refusal]
    endings: list[Ending]
    empty: Counter[str]


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
    engine = DuckDB(threads=1)
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
            if done and blob.compressed():
                landing.unreadable[blob.name] = "changed since it was landed; left as it was"
                continue
            name = _claimed(blob)
        except BrokenBlobError as error:
            landing.unreadable[blob.name] = str(error)
            continue
        if not name:
            landing.unclaimed[blob.name] = (
                "is empty" if not blob.size else "no format claims it; looked for: " + _formats()
            )
            continue
        todo.append((name, _stretch(blob, name, done, lake)))
    landing.read = len(todo)
    return todo


def _stretch(blob: Blob, name: str, done: int, lake: Lake) -> Stretch:
    # A run that was stopped between two tables left their marks apart. What the first has, the
    # others must get before anything new: the same lines, and only these.
    dataset = sources()[name].dataset
    ahead = max(lake.mark(dataset, blob.name), lake.mark("quarantine", blob.name))
    if ahead > done:
        blob = Blob(blob.name, min(ahead, blob.size))
    return Stretch(blob, done, lake.next_position(blob.name) if done else 1)


def _claimed(blob: Blob) -> str | None:
    """The format whose record is among the first lines, else None."""
    head = next(blob.chunks(), b"")
    for line in islice((line for line in head.splitlines() if line.strip()), LINES_TO_CLAIM):
        try:
            record = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if isinstance(record, dict):
            for name, source in sources().items():
                if source.claims(record):
                    return name
    return None


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
            if group and size + weight > GROUP_BYTES:
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
    running: list[Future[_Read]] = [
        pool.submit(_read_group, *group) for group in islice(groups, WORKERS)
    ]
    while running:
        read = running.pop(0).result()
        running.extend(pool.submit(_read_group, *group) for group in islice(groups, 1))
        yield read


def _read_group(name: str, stretches: list[Stretch]) -> _Read:
    source = sources()[name]
    engine = DuckDB(threads=1)
    with tempfile.TemporaryDirectory(prefix="gateway-rca-") as folder:
        gathered, endings = gather(stretches, Path(folder) / "lines.json")
        refusals = [refusal for ending in endings for refusal in ending.refusals]
        empty: Counter[str] = Counter()
        # Fast and strict first. Where the rows are not the lines, or one is refused, the same
        # lines are read again one by one: only then is it worth knowing which and why.
        try:
            rows = _rows(gathered, source, engine)
            sound = rows.num_rows == gathered.count and rows["refused"].null_count == rows.num_rows
        except UnreadableError:
            sound = False
        if not sound:
            rows, refused, empty = _read_slowly(gathered, source, engine, Path(folder))
            refusals += refused
    return _Read(source, name, rows.drop_columns("refused"), refusals, endings, empty)


def _rows(gathered: Gathered, source: Source, engine: DuckDB) -> pa.Table:
    engine.read_lines(gathered.path, source.columns(), gathered.runs)
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
        Refusal(blob, position, *reasons[blob, position], line[:KEPT_BYTES], len(line))
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


def _commit(read: _Read, lake: Lake, engine: DuckDB, landing: Landing) -> None:
    """Rows, quarantine, ledger: in this order, so that the ledger only tells what is there."""
    dataset = datasets()[read.source.dataset]
    used = pc.is_in(read.rows["kind"], value_set=pa.array(read.source.kinds))
    other = read.rows.filter(pc.invert(used))
    wanted = read.rows.filter(used).drop_columns("kind")
    fresh = engine.fresh(
        wanted, dataset, lake.files_between(read.source.dataset, "time", *_span(wanted))
    )
    marks = {ending.blob: ending.to_byte for ending in read.endings}
    ledger = _ledger(read, wanted, fresh, other)
    lake.append(read.source.dataset, _cleaned(fresh, read.source.dataset), marks)
    lake.append("quarantine", _cleaned(_quarantined(read), "quarantine"), marks)
    lake.append("landings", ledger, marks)

    landing.lines += sum(ledger["lines"].to_pylist()) + sum(each.pending for each in read.endings)
    landing.rows[read.source.dataset] += fresh.num_rows
    landing.duplicates += wanted.num_rows - fresh.num_rows
    landing.pending += sum(ending.pending for ending in read.endings)
    landing.set_aside.update(other["kind"].to_pylist())
    landing.quarantined.update(refusal.kind for refusal in read.refusals)


def _span(rows: pa.Table) -> tuple[object, object]:
    span = pc.min_max(rows["time"]).as_py()
    return span["min"], span["max"]


def _cleaned(rows: pa.Table, dataset: str) -> pa.Table:
    """The rows in the dataset's own columns, secrets removed."""
    columns = datasets()[dataset].columns
    clean = pl.DataFrame(rows).with_columns(
        redacted(pl.col(column.name)) for column in columns if column.may_hold_secrets
    )
    return (
        clean.select([column.name for column in columns])
        .to_arrow()
        .cast(datasets()[dataset].arrow_schema)
    )


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


def _ledger(read: _Read, wanted: pa.Table, fresh: pa.Table, other: pa.Table) -> pa.Table:
    """A row a stretch, which says what became of each of its lines."""
    arrived, landed = _per_blob(wanted), _per_blob(fresh)
    aside = _per_blob(other)
    refused = Counter(refusal.blob for refusal in read.refusals)
    resources = _resources(wanted)
    kinds = ", ".join(sorted(set(other["kind"].to_pylist())))
    ledger = []
    for each in read.endings:
        # Counted where the lines were copied, so that a line lost since then shows here.
        lines = each.next_position - each.first_position - read.empty[each.blob]
        if lines != arrived[each.blob] + aside[each.blob] + refused[each.blob]:
            raise AssertionError(f"{each.blob}: {lines} lines read, not all accounted for")
        ledger.append(
            {
                "blob": each.blob,
                "format": read.format,
                "dataset": read.source.dataset,
                "resource_id": resources.get(each.blob),
                "from_byte": each.from_byte,
                "to_byte": each.to_byte,
                "first_position": each.first_position,
                "next_position": each.next_position,
                "lines": lines,
                "rows": landed[each.blob],
                "duplicates": arrived[each.blob] - landed[each.blob],
                "quarantined": refused[each.blob],
                "set_aside": aside[each.blob],
                "set_aside_kinds": kinds if aside[each.blob] else None,
                "pending": each.pending,
            }
        )
    return pa.Table.from_pylist(ledger, schema=datasets()["landings"].arrow_schema)


def _per_blob(rows: pa.Table) -> Counter[str]:
    counted = pc.value_counts(rows["blob"])
    return Counter({each["values"]: each["counts"] for each in counted.to_pylist()})


def _resources(rows: pa.Table) -> dict[str, str]:
    """The resource that most rows of each blob speak of."""
    counts = rows.group_by(["blob", "resource_id"]).aggregate([([], "count_all")])
    ordered = counts.sort_by([("count_all", "ascending"), ("resource_id", "descending")])
    return dict(zip(ordered["blob"].to_pylist(), ordered["resource_id"].to_pylist(), strict=True))
