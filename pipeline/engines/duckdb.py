"""DuckDB in this process: the default engine, in need of no extension and no network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.dataset import Dataset
from pipeline.engine import UnreadableError
from pipeline.lines import LONGEST_LINE_BYTES
from pipeline.query import Query, queries

BAD_LINES = (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.OutOfRangeException)


def _connection(threads: int, memory: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={"threads": threads, "memory_limit": memory, "preserve_insertion_order": True}
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
        try:
            answer = self.connection.sql(
                f"select {columns} from ({query.sql})",  # noqa: S608
                params={each.name: parameters[each.name] for each in query.parameters},
            )
            return answer.to_arrow_table()
        except duckdb.Error as error:
            if "records" in query.sources and isinstance(error, BAD_LINES):
                raise UnreadableError(str(error)) from error
            error.add_note(f"in {query.path}:\n{query.sql}")
            raise

    def described(self, query: Query) -> list[tuple[str, str]]:
        """The columns and types that the SQL itself would give, before the cast."""
        self._view_sources(query)
        typed = query.sql
        for each in query.parameters:
            typed = typed.replace(f"${each.name}", f"null::{each.type}")
        rows = self.connection.execute(f"describe {typed}").fetchall()
        return [(row[0], row[1]) for row in rows]

    def read_lines(
        self, path: Path, columns: Mapping[str, str], runs: Sequence[tuple[int, str, int]]
    ) -> None:
        """Makes JSON Lines known as the table ``records``, with ``blob`` and ``position``.

        A line that breaks the declared types makes the query that reads it raise
        ``UnreadableError``.
        """
        self.hold(
            "runs",
            pa.table(
                {
                    "first_line": pa.array([run[0] for run in runs], pa.int64()),
                    "blob": pa.array([run[1] for run in runs], pa.string()),
                    "first_position": pa.array([run[2] for run in runs], pa.int64()),
                }
            ),
        )
        typed = ", ".join(f"{_quoted(name)}: {_quoted(kind)}" for name, kind in columns.items())
        self.connection.execute(f"""
            create or replace temp view records as
            with lines as (
                select *, row_number() over () as line
                from read_json(
                    {_quoted(str(path))}, format = 'newline_delimited', columns = {{{typed}}},
                    maximum_object_size = {2 * LONGEST_LINE_BYTES}, compression = 'none'
                )
            )
            select
                lines.*,
                runs.blob,
                lines.line - runs.first_line + runs.first_position as position
            from lines asof join runs on lines.line >= runs.first_line
        """)  # noqa: S608

    def fresh(self, rows: pa.Table, dataset: Dataset, files: Sequence[str]) -> pa.Table:
        """The rows whose event is neither in ``files`` nor earlier among the rows themselves."""
        if not dataset.identity:
            return rows
        self.attach("landed", dataset, files)
        self.connection.register("arrived", rows)
        identity = ", ".join(dataset.identity)
        same = " and ".join(
            f"landed.{name} is not distinct from arrived.{name}" for name in dataset.identity
        )
        known = (
            f"and not exists (select 1 from landed where {same} and not "  # noqa: S608
            "(landed.blob = arrived.blob and landed.position = arrived.position))"
            if files
            else ""
        )
        answer = self.connection.sql(f"""
            select * exclude (nth) from (
                select *, row_number() over (partition by {identity} order by blob, position) as nth
                from arrived
            ) as arrived
            where nth = 1 {known}
            order by time
        """)  # noqa: S608
        table = answer.to_arrow_table()
        self.connection.unregister("arrived")
        return table

    def _view_sources(self, query: Query) -> None:
        for source in query.sources:
            if source in queries() and source not in self._views:
                view = queries()[source]
                self._view_sources(view)
                self.connection.execute(f"create or replace temp view {source} as {view.sql}")
                self._views.add(source)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
