"""DuckDB in this process: the default engine, in need of no extension and no network."""

import atexit
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import duckdb
import pyarrow as pa

from pipeline.dataset import Column, Dataset, Type
from pipeline.location import is_remote
from pipeline.query import Query, queries

AZURE = "az"
BAD_LINES = (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.OutOfRangeException)
# The last folder so named: a lake may itself lie below one.
DAY = r".*/date=(\d{4}-\d\d-\d\d)/"
# Tried one after the other where a query fails for want of memory; the last is DuckDB's default.
MORE_MEMORY = ("1GB", "2GB", "4GB", "80%")


def connection(threads: int, memory: str) -> duckdb.DuckDBPyConnection:
    """A database in memory, which spills to disk what exceeds ``memory``; times are UTC."""
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
        self.connection = connection(self.threads, self.memory)

    def attach(self, name: str, dataset: Dataset, files: Sequence[str]) -> None:
        """Makes the Parquet files of a dataset known as a table; none make an empty one."""
        if not files:
            self.hold(name, dataset.empty())
            return
        reach_remote_files(self.connection, files)
        # The lake marks times as UTC; here they are UTC without saying so. The day stands in the
        # path, and the last one counts: a lake may itself lie below a folder named like one.
        columns = ", ".join(
            f"{_read(each, dataset.partition)} as {each.name}" for each in dataset.columns
        )
        listed = ", ".join(quoted(file) for file in files)
        self.connection.execute(
            f"create or replace temp view {name} as select {columns} "  # noqa: S608
            f"from read_parquet([{listed}], hive_partitioning = false, filename = true)"
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
                    self.connection.execute(f"set memory_limit = {quoted(memory)}")
            return self.connection.sql(sql, params=parameters).to_arrow_table()
        finally:
            self.connection.execute(f"set memory_limit = {quoted(self.memory)}")

    def described(self, query: Query) -> list[tuple[str, str]]:
        """The columns and types that the SQL itself would give, before the cast."""
        self._view_sources(query)
        typed = query.sql
        for each in query.parameters:
            typed = typed.replace(f"${each.name}", f"null::{each.type}")
        rows = self.connection.execute(f"describe {typed}").fetchall()
        return [(row[0], row[1]) for row in rows]

    def _view_sources(self, query: Query) -> None:
        for source in query.sources:
            if source in queries() and source not in self._views:
                view = queries()[source]
                self._view_sources(view)
                self.connection.execute(f"create or replace temp view {source} as {view.sql}")
                self._views.add(source)


def _read(column: Column, partition: str | None) -> str:
    """The column of a file as SQL tells it."""
    if column.name == partition:
        return f"regexp_extract(filename, {quoted(DAY)}, 1)::{column.type}"
    if column.type is Type.TIMESTAMP:
        # A cast would look up the time zone for each row.
        return f"make_timestamp(epoch_us({column.name}))"
    return f"{column.name}::{column.type}"


def reach_remote_files(connection: duckdb.DuckDBPyConnection, files: Iterable[str]) -> None:
    """Lets the connection read files on Azure, if any of these is there."""
    if not any(map(is_remote, files)):
        return
    from pipeline.blob_files import BlobFiles

    if AZURE not in connection.list_filesystems():
        connection.register_filesystem(BlobFiles())


def quoted(text: str) -> str:
    """The text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
