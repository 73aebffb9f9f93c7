"""DuckDB in this process: the default engine, in need of no extension and no network."""

import atexit
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dataset import Dataset
from pipeline.engine import UnreadableError
from pipeline.lines import LONGEST_LINE_BYTES
from pipeline.query import Query, queries

BAD_LINES = (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.OutOfRangeException)
# Tried one after the other where a query fails for want of memory; the last is DuckDB's default.
MORE_MEMORY = ("1GB", "2GB", "4GB", "80%")


def _connection(threads: int, memory: str) -> duckdb.DuckDBPyConnection:
    # Made when something does not fit; a folder each, for two engines would use the same names.
    # DuckDB removes it with the connection, which an error may keep alive up to the very end.
    spill = Path(tempfile.gettempdir()) / f"gateway-rca-spill-{uuid4().hex}"
    atexit.register(shutil.rmtree, spill, ignore_errors=True)
    connection = duckdb.connect(
        config={
            "threads": threads,
            "memory_limit": memory,
            "temp_directory": str(spill),
            "preserve_insertion_order": True,
        }
    )
    connection.execute("set timezone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    return connection


@dataclass(slots=True)
class DuckDB:
    """An engine with a connection of its own; not to be shared between threads."""

    threads: int = 2
    memory: str = "700MB"
    connection: duckdb.DuckDBPyConnection = field(init=False)
    _views: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.connection = _connection(self.threads, self.memory)

    def attach(self, name: str, dataset: Dataset, files: Sequence[str]) -> None:
        """Makes the Parquet files of a dataset known as a table; none make an empty one."""
        if not files:
            self.hold(name, dataset.empty())
            return
        # The lake marks times as UTC; here they are UTC without saying so.
        columns = ", ".join(f"{each.name}::{each.type} as {each.name}" for each in dataset.columns)
        listed = ", ".join(_quoted(file) for file in files)
        self.connection.execute(
            f"create or replace temp view {name} as select {columns} "  # noqa: S608
            f"from read_parquet([{listed}], hive_partitioning = true)"
        )

    def hold(self, name: str, rows: pa.Table) -> None:
        """Makes a small table known by name."""
        self.connection.register("held", rows)
        self.connection.execute(f"create or replace temp table held_{name} as from held")
        self.connection.execute(f"create or replace temp view {name} as from held_{name}")
        self.connection.unregister("held")

    def ask(self, query: Query, parameters: Mapping[str, object]) -> pa.Table:
        """The query's answer, with the columns and types that its header declares."""
        self._view_sources(query)
        columns = ", ".join(f"{each.name}::{each.type} as {each.name}" for each in query.returns)
        sql = f"select {columns} from ({query.sql})"  # noqa: S608
        bound = {each.name: parameters[each.name] for each in query.parameters}
        try:
            return self._answer(sql, bound)
        except duckdb.Error as error:
            if "records" in query.sources and isinstance(error, BAD_LINES):
                raise UnreadableError(str(error)) from error
            error.add_note(f"in {query.path}:\n{query.sql}")
            raise

    def _answer(self, sql: str, parameters: Mapping[str, object]) -> pa.Table:
        """What the SQL gives; where it cannot in the memory that is meant for it, with more.

        Not all can be spilled to disk: the rows of a window must fit.
        """
        try:
            for memory in MORE_MEMORY:
                try:
                    return self.connection.sql(sql, params=parameters).to_arrow_table()
                except duckdb.OutOfMemoryException:
                    self.connection.execute(f"set memory_limit = {_quoted(memory)}")
            return self.connection.sql(sql, params=parameters).to_arrow_table()
        finally:
            self.connection.execute(f"set memory_limit = {_quoted(self.memory)}")

    def described(self, query: Query) -> list[tuple[str, str]]:
        """The columns and types that the SQL itself would give, before the cast."""
        self._view_sources(query)
        typed = query.sql
        for each in query.parameters:
            typed = typed.replace(f"${each.name}", f"null::{each.type}")
        rows = self.connection.execute(f"describe {typed}").fetchall()
        return [(row[0], row[1]) for row in rows]

    def read_lines(
        self,
        path: Path,
        columns: Mapping[str, str],
        runs: Sequence[tuple[int, str, int]],
        count: int,
    ) -> None:
        """Makes JSON Lines known as the table ``records``, with ``blob`` and ``position``.

        A line that breaks the declared types makes the query that reads it raise
        ``UnreadableError``. There are as many records as lines only if each line is one record.
        """
        self.connection.register("places", _places(runs, count))
        typed = ", ".join(f"{_quoted(name)}: {_quoted(kind)}" for name, kind in columns.items())
        # The n-th record stands at the n-th place: no join has to look for it. Where records are
        # fewer than places, the join fills up with nulls, which are no records.
        self.connection.execute(f"""
            create or replace temp view records as
            with lines as (
                select *, row_number() over () as line
                from read_json(
                    {_quoted(str(path))}, format = 'newline_delimited', columns = {{{typed}}},
                    maximum_object_size = {2 * LONGEST_LINE_BYTES}, compression = 'none'
                )
            )
            select lines.*, places.blob, places.position
            from lines positional join places
            where lines.line is not null
        """)  # noqa: S608

    def fresh(self, rows: pa.Table, dataset: Dataset, files: Sequence[str]) -> pa.Table:
        """The rows whose event is neither in ``files`` nor earlier among the rows themselves."""
        if not dataset.identity:
            return rows
        narrow = rows.select([*dataset.identity, "blob", "position"])
        nth = pa.array(np.arange(rows.num_rows))
        self.connection.register("arrived", narrow.append_column("nth", nth))
        told_before = {*self._repeated(dataset), *self._landed(dataset, files)}
        self.connection.unregister("arrived")
        if not told_before:
            return rows
        return rows.filter(pc.invert(pc.is_in(nth, value_set=pa.array(told_before, pa.int64()))))

    def _repeated(self, dataset: Dataset) -> list[int]:
        """Which of the rows that arrived tell an event that another of them tells first."""
        identity = ", ".join(dataset.identity)
        # Mostly there are none, and counting is cheaper than finding them.
        counts = f"""
            select count(*), (select count(*) from (select distinct {identity} from arrived))
            from arrived
        """  # noqa: S608
        (arrived, distinct) = self.connection.execute(counts).fetchall()[0]
        if arrived == distinct:
            return []
        return self._numbers(f"""
            select nth from arrived
            qualify row_number() over (partition by {identity} order by blob, position) > 1
        """)  # noqa: S608

    def _landed(self, dataset: Dataset, files: Sequence[str]) -> list[int]:
        """Which of the rows that arrived tell an event that a row of ``files`` tells.

        The same line read again is no other row: the lake's marks see to it.
        """
        if not files:
            return []
        self.attach("landed", dataset, files)
        same = " and ".join(
            f"landed.{name} is not distinct from arrived.{name}" for name in dataset.identity
        )
        return self._numbers(f"""
            select arrived.nth
            from arrived inner join landed on {same}
            where landed.blob <> arrived.blob or landed.position <> arrived.position
        """)  # noqa: S608

    def _numbers(self, sql: str) -> list[int]:
        return [row[0] for row in self.connection.execute(sql).fetchall()]

    def _view_sources(self, query: Query) -> None:
        for source in query.sources:
            if source in queries() and source not in self._views:
                view = queries()[source]
                self._view_sources(view)
                self.connection.execute(f"create or replace temp view {source} as {view.sql}")
                self._views.add(source)


def _places(runs: Sequence[tuple[int, str, int]], count: int) -> pa.Table:
    """Blob and position of each of so many lines."""
    first_lines = np.array([run[0] for run in runs], np.int64)
    first_positions = np.array([run[2] for run in runs], np.int64)
    run = np.repeat(np.arange(len(runs), dtype=np.int32), np.diff(first_lines, append=count + 1))
    return pa.table(
        {
            "blob": pa.DictionaryArray.from_arrays(run, pa.array([each[1] for each in runs])),
            "position": np.arange(1, count + 1) - first_lines[run] + first_positions[run],
        }
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
