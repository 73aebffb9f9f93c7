"""The lake: a Delta table a dataset, and marks that say how much of each blob it holds."""

import hashlib
import os
import re
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import (
    CommitProperties,
    DeltaTable,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.transaction import AddAction
from pyarrow.fs import FileSystem

from pipeline.dataset import Dataset
from pipeline.datasets import datasets
from pipeline.delta_log import added, opened, transactions
from pipeline.errors import PipelineError
from pipeline.lake_access import telling
from pipeline.location import delta, is_remote, named, put

# Delta's own default replays up to 100 commits on each opening.
CONFIGURATION = {"delta.checkpointInterval": "10"}
# Delta cuts the least and the greatest moment of a file to milliseconds.
STATISTICS_CUT = timedelta(milliseconds=1)
AZURE = "az://"
# Delta takes these in a path for a part of a URL.
UNSPEAKABLE = re.compile(r"[\[\]\\%]")
# The one transaction that all runs share: of two that commit at once, one must look again.
TURN = "gateway-rca"
# Another run committed the same marks, or made the table, at this very moment; or others were
# faster each of the fifteen times that Delta tried by itself.
OVERTAKEN = re.compile(r"oncurrent transaction|changed since last commit|transaction: \d+$")


class ForgottenError(Exception):
    """A table's log does not tell of a commit any more."""


class OvertakenError(Exception):
    """Another run wrote to a table since it was looked at."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a blob, from one offset to another, of one generation of its content.

    ``known`` is a digest of what was read up to ``stop``, where that can be compared later.
    """

    blob: str
    generation: int
    start: int
    stop: int
    known: str = ""

    @property
    def application(self) -> str:
        """Whose mark the span moves: Delta's name for what commits once."""
        return application(self.blob, self.generation)


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """A file that was written for a table, and is not committed: its path below the table."""

    path: str
    partition: dict[str, str]
    rows: int
    bytes: int
    statistics: dict[str, dict[str, object]]

    def between(self, column: str) -> tuple[datetime, datetime]:
        """The least and the greatest moment of a column, the latter rounded up; UTC."""
        low, high = (
            datetime.fromisoformat(str(self.statistics[side][column])).replace(tzinfo=None)
            for side in ("minValues", "maxValues")
        )
        return low, high + STATISTICS_CUT

    def action(self) -> AddAction:
        """What Delta commits for it."""
        told = {"numRecords": self.rows, **self.statistics}
        now_ms = int(time.time() * 1000)
        stats = msgspec.json.encode(told).decode()
        return AddAction(self.path, self.bytes, dict(self.partition), now_ms, True, stats)


def application(blob: str, generation: int) -> str:
    """The name under which marks of a blob stand; one that was rewritten begins anew."""
    return f"{blob}#{generation}" if generation else blob


@dataclass(frozen=True, slots=True)
class _Marks:
    """The marks of a table as of one of its versions."""

    version: int = -1
    by_application: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Lake:
    """Delta tables, one a dataset, in a folder or a container, which any engine can read.

    A blob's *mark* in a table is the offset up to which its records are in that table. It is
    committed with the rows (as a Delta application transaction), so that rows and mark are both
    there or both not, however a run ends. A lake that is not ``kept`` goes with the run that made
    it.
    """

    location: str | Path
    kept: bool = True
    _tables: dict[str, DeltaTable] = field(default_factory=dict)
    # How each table was opened: a token among it lives for an hour, and a run may for longer.
    _opened: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    _seen: dict[str, _Marks] = field(default_factory=dict)
    _missing: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if is_remote(str(self.location)):
            if not str(self.location).startswith(AZURE):
                raise PipelineError(
                    f"{named(str(self.location))}: a lake is a folder or {AZURE}ACCOUNT/CONTAINER/…"
                )
            return
        self.location = Path(self.location)
        if UNSPEAKABLE.search(str(self.location.absolute())):
            raise PipelineError(
                f"{self.location}: the path of a lake cannot hold any of [ ] \\ %; name another"
            )

    def place(self, name: str) -> str:
        """Where a dataset's table lies."""
        return f"{self.location}/{name}"

    @property
    def named(self) -> str:
        """Where it lies, so that it is found from any folder."""
        return str(self.location.absolute() if isinstance(self.location, Path) else self.location)

    def exists(self) -> bool:
        """Whether anything was ever landed here."""
        return any(self.table(name) for name in datasets())

    def there(self) -> "Lake":
        """The lake itself.

        Raises ``PipelineError`` where nothing was ever landed.
        """
        if not self.exists():
            raise PipelineError(
                f"{self.location}: no lake is there; make one with "
                f"'gateway-rca land SOURCE --lake {self.location}'"
            )
        return self

    def files(self, name: str) -> list[str]:
        """The Parquet files that make up a dataset now; empty if nothing landed."""
        table = self.table(name)
        if not table:
            return []
        paths = pa.table(table.get_add_actions())["path"].to_pylist()
        return sorted(f"{self.place(name)}/{path}" for path in paths)

    def files_between(self, name: str, column: str, low: object, high: object) -> list[str]:
        """Those of its files that may hold a value of ``column`` from ``low`` to ``high``."""
        table = self.table(name)
        if not table:
            return []
        actions = pa.table(table.get_add_actions(flatten=True))
        overlaps = [
            (least is None or least.replace(tzinfo=None) <= high)
            and (most is None or most.replace(tzinfo=None) + STATISTICS_CUT > low)
            for least, most in zip(
                actions[f"min.{column}"].to_pylist(),
                actions[f"max.{column}"].to_pylist(),
                strict=True,
            )
        ]
        return [
            f"{self.place(name)}/{path}"
            for path, wanted in zip(actions["path"].to_pylist(), overlaps, strict=True)
            if wanted
        ]

    def mark(self, name: str, blob: str, generation: int = 0) -> int:
        """The offset up to which a dataset holds the records of ``blob``; 0 if none."""
        table = self.table(name)
        return self._marks(name, table).get(application(blob, generation), 0) if table else 0

    def commits(self, name: str) -> int:
        """How many commits a dataset's table has had; 0 if it was never made."""
        table = self.table(name)
        if not table:
            return 0
        with self.telling():
            table.update_incremental()
        return table.version() + 1

    def added(self, name: str, after: int, upto: int) -> list[str]:
        """The files with new rows that commits brought, from the one after ``after`` to ``upto``.

        Commits are counted from 1. Raises ``ForgottenError`` where the log does not go so far back.
        """
        files = self._log(name)
        with self.telling():
            try:
                return [
                    f"{self.place(name)}/{path}"
                    for version in range(after, upto)
                    for path in added(files, version)
                ]
            except FileNotFoundError as error:
                raise ForgottenError from error

    def _log(self, name: str) -> FileSystem:
        return opened(*delta(self.place(name)))

    def holds(self, name: str, blob: str, generation: int, known: str) -> bool:
        """Whether what a dataset holds of ``blob`` may be that content, by its digest."""
        table = self.table(name)
        marks = self._marks(name, table) if table else {}
        held = marks.get(_content(application(blob, generation)))
        return held in (None, _number(known))

    def ready(self) -> None:
        """Makes the folder of the lake if it is not there.

        Raises ``PipelineError`` where it cannot be made or written.
        """
        if not isinstance(self.location, Path):
            return
        try:
            self.location.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PipelineError(
                f"{self.location}: cannot be made a lake: {error.strerror}; name a folder "
                "that may be written to"
            ) from error
        if not os.access(self.location, os.W_OK):
            raise PipelineError(f"{self.location}: cannot be written; see its permissions")

    def room(self, name: str, folder: Path) -> Path:
        """Where to write the files that are to be committed: in the table, else in ``folder``."""
        return folder if is_remote(str(self.location)) else Path(self.place(name)).absolute()

    def append(
        self, name: str, rows: pa.Table, spans: Iterable[Span], touched: Collection[str] = ()
    ) -> set[str]:
        """Adds the rows of spans of blobs and moves the blobs' marks, in one commit.

        Gives the blobs of which the dataset now holds all up to the span's end. One whose end is
        marked already is left out: another run was faster, or an earlier one was stopped between
        two tables. So is one within which the mark lies: another run saw less of that blob, and the
        next one goes on. The rows of ``touched`` blobs are added though their mark does not move.
        """
        spans = list(spans)
        while True:
            _, held, new = self.told_apart(name, spans)
            blobs = {each.blob for each in new} | (held & set(touched))
            if not blobs:
                return held
            table = self._tables[name]
            with self.telling(), suppress(OvertakenError):
                with _overtaking():
                    write_deltalake(
                        table,
                        _zoned(_of(blobs, rows)),
                        mode="append",
                        writer_properties=WriterProperties(compression="ZSTD"),
                        commit_properties=CommitProperties(app_transactions=_marked(new)),
                    )
                return held | blobs

    def told_apart(self, name: str, spans: Iterable[Span]) -> tuple[int, set[str], list[Span]]:
        """The version of a dataset's table as of now, the blobs whose spans it holds, and the spans
        that it may take. The table is made if it was not there.
        """
        spans = list(spans)
        with self.telling():
            table = self.table(name) or self._created(name, datasets()[name])
            table.update_incremental()
            marks = self._marks(name, table)
        held = {each.blob for each in spans if marks.get(each.application, 0) >= each.stop}
        new = [each for each in spans if marks.get(each.application, 0) <= each.start < each.stop]
        return table.version(), held, new

    def commit(
        self,
        name: str,
        files: Sequence[ParquetFile],
        room: Path,
        spans: Sequence[Span],
        version: int,
        since: str | None = None,
    ) -> None:
        """Makes files in ``room`` part of a table, and moves the marks of the spans they tell of.

        They replace those from the day ``since`` on, if one is named.

        Raises ``OvertakenError`` where the table is not at ``version`` any more: then the files may
        hold what another run has put there.
        """
        place = self.place(name)
        if is_remote(place):
            for each in files:
                put(place, each.path, room / each.path)
        table = self._tables[name]
        if table.version() != version:
            raise OvertakenError
        with self.telling(), _overtaking():
            table.create_write_transaction(
                [each.action() for each in files],
                "overwrite" if since else "append",
                table.schema(),
                ["date"],
                [("date", ">=", since)] if since else None,
                commit_properties=CommitProperties(
                    app_transactions=[Transaction(TURN, version + 1), *_marked(spans)]
                ),
            )
            table.update_incremental()
        if is_remote(place):
            for each in files:
                (room / each.path).unlink()

    def telling(self) -> AbstractContextManager[None]:
        """What the place of the lake refuses is a user's error, and told as one."""
        return telling(str(self.location))

    def _marks(self, name: str, table: DeltaTable) -> dict[str, int]:
        """All marks of a table. Delta itself would go through its log again for each one."""
        seen = self._seen.get(name, _Marks())
        version = table.version()
        if seen.version < version:
            # Told again from the start, an older mark would for a moment stand where another thread
            # looks for the newest; so nobody sees them before all are there.
            with self.telling():
                told = dict(transactions(self._log(name), seen.version, version))
            seen = _Marks(version, {**seen.by_application, **told})
            self._seen[name] = seen
        return seen.by_application

    def table(self, name: str) -> DeltaTable | None:
        """A dataset's table; None if nothing landed in it ever."""
        if name in self._missing:
            return None
        uri, options = delta(self.place(name))
        if self._opened.get(name) != options:
            try:
                self._open(name, uri, options)
            except TableNotFoundError:
                # To look is a request to a storage account; once is enough.
                self._missing.add(name)
                return None
        return self._tables[name]

    def _created(self, name: str, dataset: Dataset) -> DeltaTable:
        self.ready()
        uri, options = delta(self.place(name))
        # Another run may make it at this very moment; then it is there.
        with suppress(CommitFailedError), self.telling():
            DeltaTable.create(
                uri,
                schema=_zoned(dataset.empty()).schema,
                mode="ignore",
                partition_by=[dataset.partition] if dataset.partition else None,
                configuration=CONFIGURATION,
                storage_options=options,
            )
        self._missing.discard(name)
        return self._open(name, uri, options)

    def _open(self, name: str, uri: str, options: dict[str, str]) -> DeltaTable:
        with self.telling():
            self._tables[name] = DeltaTable(uri, storage_options=options)
        self._opened[name] = options
        return self._tables[name]


@contextmanager
def _overtaking() -> Iterator[None]:
    try:
        yield
    except CommitFailedError as error:
        if not OVERTAKEN.search(str(error)):
            raise
        raise OvertakenError from error


def _marked(spans: Iterable[Span]) -> list[Transaction]:
    """The transactions that move the marks of spans, and tell of which content they are."""
    spans = list(spans)
    return [Transaction(each.application, each.stop) for each in spans] + [
        Transaction(_content(each.application), _number(each.known)) for each in spans if each.known
    ]


def _content(application: str) -> str:
    return f"{application}#content"


def _number(known: str) -> int:
    """A digest as the number that a transaction can hold."""
    return int(hashlib.sha256(known.encode()).hexdigest()[:15], 16)


def _of(blobs: Iterable[str], rows: pa.Table) -> pa.Table:
    wanted = pc.is_in(rows["blob"], value_set=pa.array(list(blobs), pa.string()))
    return rows if pc.all(wanted).as_py() else rows.filter(wanted)


def _zoned(rows: pa.Table) -> pa.Table:
    """The rows with times marked as UTC: zoneless ones would ask for a newer Delta reader."""
    return rows.cast(
        pa.schema(
            pa.field(each.name, pa.timestamp("us", "UTC"))
            if pa.types.is_timestamp(each.type)
            else each
            for each in rows.schema
        )
    )
