"""The lake: a Delta table a dataset, and marks that say how much of each blob it holds."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq
from deltalake import (
    CommitProperties,
    DeltaTable,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from pipeline.dataset import Dataset
from pipeline.datasets import datasets
from pipeline.errors import PipelineError

# Delta's own default replays up to 100 commits on each opening.
CONFIGURATION = {"delta.checkpointInterval": "10"}
# Delta cuts the least and the greatest moment of a file to milliseconds.
STATISTICS_CUT = timedelta(milliseconds=1)
# Delta takes these in a path for a part of a URL.
UNSPEAKABLE = re.compile(r"[\[\]\\%]")
# Another run committed the same marks, or made the table, at this very moment; or others were
# faster each of the fifteen times that Delta tried by itself.
OVERTAKEN = re.compile(r"oncurrent transaction|changed since last commit|transaction: \d+$")
OS_ERROR = re.compile(r": ([^:]+) \(os error \d+\)")


@dataclass(slots=True)
class _Marks:
    """The marks of a table as of one of its versions."""

    version: int = -1
    by_blob: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Lake:
    """A folder of Delta tables, one a dataset, which any engine can read.

    A blob's *mark* in a table is the byte up to which its records are in that table. It is
    committed with the rows (as a Delta application transaction), so that rows and mark are both
    there or both not, however a run ends.
    """

    location: Path
    _tables: dict[str, DeltaTable] = field(default_factory=dict)
    _seen: dict[str, _Marks] = field(default_factory=dict)
    _next_positions: dict[str, int] | None = None

    def __post_init__(self) -> None:
        if UNSPEAKABLE.search(str(self.location.absolute())):
            raise PipelineError(
                f"{self.location}: the path of a lake cannot hold any of [ ] \\ %; name another"
            )

    def exists(self) -> bool:
        """Whether anything was ever landed here."""
        return any((self.location / name / "_delta_log").is_dir() for name in datasets())

    def files(self, name: str) -> list[str]:
        """The Parquet files that make up a dataset now; empty if nothing landed."""
        table = self._table(name)
        if not table:
            return []
        root = self.location / name
        paths = pa.table(table.get_add_actions())["path"].to_pylist()
        return sorted(str(root / path) for path in paths)

    def files_between(self, name: str, column: str, low: object, high: object) -> list[str]:
        """Those of its files that may hold a value of ``column`` from ``low`` to ``high``."""
        table = self._table(name)
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
        root = self.location / name
        return [
            str(root / path)
            for path, wanted in zip(actions["path"].to_pylist(), overlaps, strict=True)
            if wanted
        ]

    def mark(self, name: str, blob: str) -> int:
        """The byte up to which a dataset holds the records of ``blob``; 0 if none."""
        table = self._table(name)
        return self._marks(name, table).get(blob, 0) if table else 0

    def next_position(self, blob: str) -> int:
        """The place of the line that follows what was landed of ``blob``, counted from 1."""
        if self._next_positions is None:
            self._next_positions = self._read_next_positions()
        return self._next_positions.get(blob, 1)

    def _read_next_positions(self) -> dict[str, int]:
        """By blob. Read at once: the ledger is no longer for all blobs than for one."""
        files = self.files("landings")
        if not files:
            return {}
        ledger = pads.dataset(files, format="parquet").to_table(columns=["blob", "next_position"])
        furthest = ledger.group_by("blob").aggregate([("next_position", "max")])
        return dict(
            zip(
                furthest["blob"].to_pylist(),
                furthest["next_position_max"].to_pylist(),
                strict=True,
            )
        )

    def append(
        self, name: str, rows: pa.Table, stretches: Mapping[str, tuple[int, int]]
    ) -> set[str]:
        """Adds the rows of stretches of blobs and moves the blobs' marks, in one commit.

        ``stretches`` go from one byte of a blob to another. One whose end is marked already is left
        out: another run was faster, or an earlier one was stopped between two tables. So is one
        within which the mark lies: another run saw less of that blob, and the next one goes on.
        Gives the blobs of which the dataset now holds all up to the stretch's end.
        """
        dataset = datasets()[name]
        self._next_positions = None
        while True:
            table = self._table(name) or self._created(name, dataset)
            if not os.access(self.location / name, os.W_OK):
                raise PipelineError(f"{self.location}: cannot be written; see its permissions")
            table.update_incremental()
            marks = self._marks(name, table)
            held = {blob for blob, (_, end) in stretches.items() if marks.get(blob, 0) >= end}
            new = {
                blob: end
                for blob, (start, end) in stretches.items()
                if marks.get(blob, 0) <= start < end
            }
            if not new:
                return held
            try:
                write_deltalake(
                    table,
                    _zoned(_of(new, rows)),
                    mode="append",
                    writer_properties=WriterProperties(compression="ZSTD"),
                    commit_properties=CommitProperties(
                        app_transactions=[Transaction(*mark) for mark in new.items()]
                    ),
                )
            except CommitFailedError as error:
                if not OVERTAKEN.search(str(error)):
                    raise
            except DeltaError as error:
                if refused := OS_ERROR.search(str(error)):
                    raise PipelineError(
                        f"{self.location}: cannot be written: {refused[1]}"
                    ) from error
                raise
            else:
                return held | new.keys()

    def _marks(self, name: str, table: DeltaTable) -> dict[str, int]:
        """All marks of a table. Delta itself would go through its log again for each one."""
        seen = self._seen.setdefault(name, _Marks())
        if seen.version < table.version():
            seen.by_blob.update(
                _transactions(self.location / name / "_delta_log", seen.version, table.version())
            )
            seen.version = table.version()
        return seen.by_blob

    def _table(self, name: str) -> DeltaTable | None:
        if name not in self._tables:
            try:
                self._tables[name] = DeltaTable(str(self.location / name))
            except TableNotFoundError:
                return None
        return self._tables[name]

    def _created(self, name: str, dataset: Dataset) -> DeltaTable:
        root = self.location / name
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PipelineError(
                f"{self.location}: cannot be made a lake: {error.strerror}; name a folder that "
                "may be written to"
            ) from error
        # Another run may make it at this very moment; then it is there.
        with suppress(CommitFailedError):
            DeltaTable.create(
                str(root),
                schema=_zoned(dataset.empty()).schema,
                mode="ignore",
                partition_by=[dataset.partition] if dataset.partition else None,
                configuration=CONFIGURATION,
            )
        self._tables[name] = DeltaTable(str(root))
        return self._tables[name]


def _transactions(log: Path, after: int, upto: int) -> Iterator[tuple[str, int]]:
    """Application and version of the transactions that a Delta log tells of, later ones last.

    What a checkpoint holds it holds of all commits before, whose files may be gone by then.
    """
    last = log / "_last_checkpoint"
    checkpoint = msgspec.json.decode(last.read_bytes())["version"] if last.exists() else -1
    if checkpoint > after:
        for part in log.glob(f"{checkpoint:020}.checkpoint*.parquet"):
            for told in pq.read_table(part, columns=["txn"])["txn"].drop_null().to_pylist():
                yield told["appId"], told["version"]
    for version in range(max(after, checkpoint) + 1, upto + 1):
        for line in (log / f"{version:020}.json").read_bytes().splitlines():
            if told := msgspec.json.decode(line).get("txn"):
                yield told["appId"], told["version"]


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
