"""The lake: a Delta table a dataset, and marks that say how much of each blob it holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
from deltalake import (
    CommitProperties,
    DeltaTable,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from pipeline.dataset import Dataset
from pipeline.datasets import datasets
from pipeline.errors import PipelineError

# Delta's own default replays up to 100 commits on each opening.
CONFIGURATION = {"delta.checkpointInterval": "10"}


@dataclass(slots=True)
class Lake:
    """A folder of Delta tables, one a dataset, which any engine can read.

    A blob's *mark* in a table is the byte up to which its records are in that table. It is
    committed with the rows (as a Delta application transaction), so that rows and mark are both
    there or both not, however a run ends.
    """

    location: Path
    _tables: dict[str, DeltaTable] = field(default_factory=dict)

    def exists(self) -> bool:
        """Whether anything was ever landed here."""
        return any((self.location / name / "_delta_log").is_dir() for name in datasets())

    def files(self, name: str) -> list[str]:
        """The Parquet files that make up a dataset now; empty if nothing landed."""
        table = self._table(name)
        return sorted(table.file_uris()) if table else []

    def files_between(self, name: str, column: str, low: object, high: object) -> list[str]:
        """Those of its files that may hold a value of ``column`` from ``low`` to ``high``."""
        table = self._table(name)
        if not table:
            return []
        actions = pa.table(table.get_add_actions(flatten=True))
        overlaps = [
            (least is None or least.replace(tzinfo=None) <= high)
            and (most is None or most.replace(tzinfo=None) >= low)
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
        return (table.transaction_version(blob) or 0) if table else 0

    def next_position(self, blob: str) -> int:
        """The place of the line that follows what was landed of ``blob``, counted from 1."""
        table = self._table("landings")
        if not table:
            return 1
        places = pads.dataset(table.file_uris(), format="parquet").to_table(
            columns=["next_position"], filter=pc.field("blob") == blob
        )
        return pc.max(places["next_position"]).as_py() or 1

    def append(self, name: str, rows: pa.Table, marks: Mapping[str, int]) -> None:
        """Adds the rows of the blobs in ``marks`` and moves their marks, in one commit.

        Rows of a blob whose mark is there already are left out: another run was faster, or an
        earlier one was stopped between two tables.
        """
        dataset = datasets()[name]
        while True:
            table = self._table(name) or self._created(name, dataset)
            table.update_incremental()
            new = {
                blob: to_byte
                for blob, to_byte in marks.items()
                if (table.transaction_version(blob) or 0) < to_byte
            }
            if not new:
                return
            wanted = pc.is_in(rows["blob"], value_set=pa.array(list(new), pa.string()))
            try:
                write_deltalake(
                    table,
                    _zoned(rows.filter(wanted)),
                    mode="append",
                    writer_properties=WriterProperties(compression="ZSTD"),
                    commit_properties=CommitProperties(
                        app_transactions=[Transaction(*mark) for mark in new.items()]
                    ),
                )
            except CommitFailedError as error:
                if "oncurrent transaction" not in str(error):
                    raise
            else:
                return

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
        DeltaTable.create(
            str(root),
            schema=_zoned(dataset.empty()).schema,
            mode="ignore",
            partition_by=[dataset.partition] if dataset.partition else None,
            configuration=CONFIGURATION,
        )
        self._tables[name] = DeltaTable(str(root))
        return self._tables[name]


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
