"""Arrivals: rows on their way into the lake, checked, cleaned, told once and written by DuckDB.

Rows do not leave the engine: it reads the lines and writes the Parquet that Delta then commits.
Only texts that may hold secrets are looked at outside, by column.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from pipeline.dataset import Dataset
from pipeline.datasets import datasets
from pipeline.engine import UnreadableError
from pipeline.engines.duckdb import BAD_LINES, connection, quoted, reach_remote_files
from pipeline.lake import ParquetFile
from pipeline.lines import LONGEST_LINE_BYTES
from pipeline.parquet import written
from pipeline.query import queries
from pipeline.source import Source
from pipeline.stretch import Gathered, Place, Sifted, Tally, places
from pipeline.transforms.redaction import holds_secret, without_secrets

# Up to so many runs of lines, their places are cheaper spelled out than looked up.
FEW_RUNS = 64
# A column of up to so many texts is looked through text by text, together with others.
FEW_TEXTS = 64
PLACE = ("blob", "position", "item")


class Arrivals:
    """A table of rows, made anew for each batch and format; not to be shared between threads."""

    def __init__(self, threads: int, memory: str) -> None:
        self._connection = connection(threads, memory)
        self._dataset: Dataset
        # How many texts columns had last; it says how to look through them, never what comes out.
        self._texts: dict[str, int] = {}

    def begin(self, dataset: str, blobs: Iterable[str]) -> None:
        """Makes the table ready for rows of a dataset from so many blobs."""
        self._dataset = datasets()[dataset]
        names = ", ".join(quoted(blob) for blob in dict.fromkeys(blobs))
        columns = ", ".join(
            f"{each.name} {'blobs' if each.name == 'blob' else each.type}"
            for each in self._dataset.columns
        )
        self._run("drop table if exists arrived")
        self._run("drop view if exists records")
        self._run("drop type if exists blobs")
        # To hold a name of 200 bytes in each row would take a tenth of the time.
        self._run(f"create temp type blobs as enum ({names})")
        self._run(f"create temp table arrived ({columns}, refused varchar)")

    def add(self, lines: Gathered | Sifted, source: Source) -> None:
        """Reads lines of a format into the table.

        Raises ``UnreadableError`` where a line breaks the declared types; then none of them is in.
        """
        query = queries()[source.query]
        self._run(f"create or replace temp view records as {self._records(lines, source)}")
        columns = ", ".join(
            each.name if each.name == "blob" else f"{each.name}::{each.type} as {each.name}"
            for each in query.returns
        )
        try:
            self._run(f"insert into arrived select {columns} from ({query.sql})")
        except BAD_LINES as error:
            raise UnreadableError(str(error)) from error
        except duckdb.Error as error:
            error.add_note(f"in {query.path}:\n{query.sql}")
            raise

    def _records(self, lines: Gathered | Sifted, source: Source) -> str:
        """SQL of the records with their places: the n-th record is the n-th line."""
        typed = ", ".join(
            f"{quoted(name)}: {quoted(kind)}" for name, kind in source.columns().items()
        )
        read = f"""
            select *, row_number() over () as line
            from read_json(
                {quoted(str(lines.path))}, format = 'newline_delimited', columns = {{{typed}}},
                maximum_object_size = {2 * LONGEST_LINE_BYTES}, compression = 'none'
            )
        """
        if isinstance(lines, Gathered) and len(lines.runs) <= FEW_RUNS:
            return _placed_by_runs(read, lines)
        self._connection.register("places", lines.places())
        # Where records are fewer than places, the join fills up with nulls, which are no records.
        return f"""
            with lines as ({read})
            select lines.* exclude (line), places.blob::blobs as blob, places.position, places.item
            from lines positional join places
            where lines.line is not null
        """

    def lines(self) -> dict[str, Tally]:
        """By blob: what the table holds of its lines."""
        rows = self._rows("""
            select blob::varchar, count(*), count(refused), min(position), max(position)
            from arrived group by blob
        """)
        return {row[0]: Tally(*row[1:]) for row in rows}

    def take_refused(self) -> dict[Place, str]:
        """Takes rows that were refused out of the table; gives their reasons."""
        refused = self._rows(
            "select blob::varchar, position, item, refused from arrived where refused is not null"
        )
        self._run("delete from arrived where refused is not null")
        return {(blob, position, item): why for blob, position, item, why in refused}

    def resources(self) -> dict[str, str | None]:
        """The resource that most rows of each blob speak of."""
        rows = self._rows("""
            select blob::varchar, resource_id from arrived
            group by blob, resource_id order by count(*), resource_id desc nulls first
        """)
        return dict(rows)

    # --- secrets ---

    def clean(self) -> None:
        """Removes secrets from the texts that may hold any.

        A text that stands often is looked at once, where finding that out is cheap.
        """
        ((rows,),) = self._rows("select count(*) from arrived")
        columns = [each.name for each in self._dataset.columns if each.may_hold_secrets]
        few = [name for name in columns if self._texts.get(name, rows) <= FEW_TEXTS]
        many = [name for name in columns if name not in few]
        texts = dict(self._distinct_together(few, rows))
        whole = [name for name in many if self._texts.get(name, 0) > rows // 4]
        for name in many:
            if name not in whole:
                texts[name] = self._frame(f"select distinct {name} from arrived")[name]
                self._texts[name] = len(texts[name])
        # One look at all the short lists; column by column only where it finds something.
        if texts and not holds_secret(pl.concat([each.alias("") for each in texts.values()])).any():
            texts = {}
        if whole:
            texts |= {
                each.name: each for each in self._frame(f"select {', '.join(whole)} from arrived")
            }
        for name, each in texts.items():
            held = each.filter(holds_secret(each)).unique()
            if len(held):
                self._replace(name, held, without_secrets(held))

    def _distinct_together(self, names: list[str], rows: int) -> Iterator[tuple[str, pl.Series]]:
        if not names:
            return
        found = self._frame(f"select distinct {', '.join(names)} from arrived")
        few = found.height <= rows // 8
        for name in names:
            texts = found[name].unique()
            self._texts[name] = len(texts) if few else FEW_TEXTS + 1
            yield name, texts

    def _replace(self, name: str, old: pl.Series, new: pl.Series) -> None:
        self._connection.register("swap", pa.table({"old": old.to_arrow(), "new": new.to_arrow()}))
        self._run("create or replace temp table swaps as from swap")
        self._connection.unregister("swap")
        self._run(
            f"update arrived set {name} = swaps.new from swaps where arrived.{name} = swaps.old"
        )

    # --- events told again ---

    def tell_once(self) -> Counter[str]:
        """Takes out rows that tell an event which an earlier one tells; their number by blob."""
        identity = self._dataset.identity
        # Rows that differ in these two differ; mostly all do, and that is quickly known.
        key = ", ".join(identity[:2])
        counts = f"""
            select count(*), (select count(*) from (select distinct {key} from arrived))
            from arrived
        """
        ((rows, distinct),) = self._rows(counts)
        if rows == distinct:
            return Counter()
        same = " and ".join(
            f"told.{name} is not distinct from shared.{name}" for name in identity[:2]
        )
        again = self._rows(f"""
            with shared as (select {key} from arrived group by {key} having count(*) > 1)
            select told.rowid, told.blob::varchar
            from arrived as told semi join shared on {same}
            qualify row_number() over (
                partition by {", ".join(f"told.{name}" for name in identity)}
                order by told.blob::varchar, told.position, told.item
            ) > 1
        """)
        if again:
            self._connection.register("again", pa.table({"nth": [row[0] for row in again]}))
            self._run("delete from arrived where rowid in (select nth from again)")
            self._connection.unregister("again")
        return Counter(blob for _, blob in again)

    def told_before(
        self, dataset: str, files: Sequence[str], near: Sequence[str], again: Collection[str]
    ) -> list[Place]:
        """Places of rows in ``files`` whose event a row in other files of the dataset tells.

        The same place read again is no other row, for the lake's marks see to it; save in the blobs
        read ``again`` because they were rewritten.
        """
        if not near:
            return []
        reach_remote_files(self._connection, near)
        identity = datasets()[dataset].identity
        ((low, high),) = self._rows(
            f"select min(time)::varchar, max(time)::varchar from {_parquet(files)}"
        )
        within = f"time between {_moment(low)} and {_moment(high)}"

        def some(listed: Sequence[str], columns: Iterable[str]) -> str:
            return f"(select {', '.join(columns)} from {_parquet(listed)} where {within})"

        shared = self._rows(f"""
            select count(*) from {some(files, identity[:2])} as arrived
            semi join {some(near, identity[:2])} as landed on {_same(identity[:2])}
        """)
        if not shared[0][0]:
            return []
        columns = dict.fromkeys([*identity, *PLACE])
        elsewhere = " or ".join(f"landed.{name} <> arrived.{name}" for name in PLACE)
        rewritten = ", ".join(map(quoted, again)) or "null"
        return self._rows(f"""
            select distinct arrived.blob, arrived.position, arrived.item
            from {some(files, columns)} as arrived
            inner join {some(near, columns)} as landed on {_same(identity)}
            where {elsewhere} or arrived.blob in ({rewritten})
        """)

    # --- files ---

    def write(self, room: Path) -> list[ParquetFile]:
        """Writes the rows into a folder, a file for each day."""
        days = [
            day for (day,) in self._rows("select distinct date::varchar from arrived order by 1")
        ]
        if len(days) == 1:
            return [written(self._connection, "arrived", self._dataset, days[0], room)]
        return [
            written(
                self._connection,
                f"(from arrived where date = {quoted(day)}::date)",
                self._dataset,
                day,
                room,
            )
            for day in days
        ]

    def without(
        self, file: ParquetFile, dataset: str, room: Path, gone: Collection[Place]
    ) -> ParquetFile | None:
        """The file written again without some rows; None if none is left."""
        self._connection.register("gone", places(list(gone)))
        rows = (
            f"(from {_parquet([str(room / file.path)])} as told anti join gone on {_same_place()})"
        )
        return self._again(rows, file, dataset, room)

    def only(
        self, file: ParquetFile, dataset: str, room: Path, blobs: Collection[str]
    ) -> ParquetFile | None:
        """The file written again with the rows of some blobs alone; None if there are none."""
        wanted = ", ".join(map(quoted, blobs)) or "null"
        rows = f"(from {_parquet([str(room / file.path)])} where blob in ({wanted}))"
        return self._again(rows, file, dataset, room)

    def _again(self, rows: str, file: ParquetFile, dataset: str, room: Path) -> ParquetFile | None:
        day = file.partition["date"]
        made = written(self._connection, rows, datasets()[dataset], day, room)
        (room / file.path).unlink()
        if made.rows:
            return made
        (room / made.path).unlink()
        return None

    # --- the engine ---

    def _run(self, sql: str) -> None:
        self._connection.execute(sql)

    def _rows(self, sql: str) -> list[Any]:
        return self._connection.execute(sql).fetchall()

    def _frame(self, sql: str) -> pl.DataFrame:
        return pl.DataFrame(self._connection.sql(sql).to_arrow_table())


def _placed_by_runs(read: str, lines: Gathered) -> str:
    ends = [run[0] for run in lines.runs[1:]] + [lines.count + 1]
    blobs, positions = [], []
    for (line, blob, position), end in zip(lines.runs, ends, strict=True):
        blobs.append(f"when line < {end} then {quoted(blob)}::blobs")
        positions.append(f"when line < {end} then line + {position - line}")
    # Records beyond the lines have no place, which is how they are found.
    return f"""
        with lines as ({read})
        select
            * exclude (line),
            case {" ".join(blobs)} end as blob,
            case {" ".join(positions)} end as position,
            1::bigint as item
        from lines
    """


def _same(names: Iterable[str]) -> str:
    return " and ".join(f"arrived.{name} is not distinct from landed.{name}" for name in names)


def _same_place() -> str:
    return " and ".join(f"told.{name} = gone.{name}" for name in PLACE)


def _parquet(files: Iterable[str]) -> str:
    return f"read_parquet([{', '.join(map(quoted, files))}], hive_partitioning = false)"


def _moment(moment: object) -> str:
    return f"{quoted(str(moment))}::timestamptz"
