"""Parquet: rows of a day, written as a file that Delta may commit as it is.

Rows that the engine holds it writes itself. Rows that are at hand as an Arrow table, in which what
is the same for many is kept once, are written as they are in half the time.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.dataset import Dataset, Type
from pipeline.engines.duckdb import quoted
from pipeline.errors import PipelineError
from pipeline.lake import ParquetFile
from pipeline.location import is_remote

# Level 1 takes three quarters of the time of the default, for one per cent more.
LEVEL = 1
WRITTEN_AS = (
    f"format parquet, compression zstd, compression_level {LEVEL}, write_bloom_filter false, "
    "dictionary_size_limit 4096, return_stats true"
)
# As many rows in a group as DuckDB writes.
ROWS_A_GROUP = 122_880
# Longer texts are no bounds that help a reader to pass over a file.
LONGEST_BOUND = 64


def written(
    connection: duckdb.DuckDBPyConnection, rows: str, dataset: Dataset, day: str, room: Path
) -> ParquetFile:
    """Writes the rows of a table, or of a query in brackets, which are all of a day, into ``room``.

    Raises ``PipelineError`` where the file cannot be written.
    """
    path = _path(day)
    # Zoneless times would ask for a newer Delta reader. A cast would look up time zones for each.
    columns = ", ".join(
        f"make_timestamptz(epoch_us({each.name})) as {each.name}"
        if each.type is Type.TIMESTAMP
        else each.name
        for each in dataset.columns
        if each.name != "date"
    )
    copied = f"copy (select {columns} from {rows}) to {quoted(str(room / path))} ({WRITTEN_AS})"
    try:
        (room / path).parent.mkdir(parents=True, exist_ok=True)
        ((_, count, size, _, told, *_),) = connection.execute(copied).fetchall()
    except (OSError, duckdb.IOException) as error:
        (room / path).unlink(missing_ok=True)
        raise PipelineError(f"{room}: cannot be written: {_reason(error)}") from error
    stats = {name.strip('"'): each for name, each in told.items()} if count else {}
    return ParquetFile(path, {"date": day}, count, size, _statistics(dataset, stats))


def kept(rows: pa.Table, dataset: Dataset, day: str, room: Path) -> ParquetFile:
    """Writes rows of a table that are all of a day into ``room``.

    Raises ``PipelineError`` where the file cannot be written.
    """
    path = _path(day)
    columns = {
        each.name: _column(rows[each.name], each.type)
        for each in dataset.columns
        if each.name != dataset.partition
    }
    times = [each.name for each in dataset.columns if each.type is Type.TIMESTAMP]
    try:
        (room / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            pa.table(columns),
            room / path,
            compression="zstd",
            compression_level=LEVEL,
            row_group_size=ROWS_A_GROUP,
            # Times one after the other take a tenth as differences; lists of them save nothing.
            use_dictionary=[name for name in columns if name not in times],
            column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED"),
            # By what else might a reader pass over such a file?
            write_statistics=times,
        )
    except OSError as error:
        (room / path).unlink(missing_ok=True)
        raise PipelineError(f"{room}: cannot be written: {_reason(error)}") from error
    size = (room / path).stat().st_size
    told = _told(pq.read_metadata(room / path))
    return ParquetFile(path, {"date": day}, rows.num_rows, size, _statistics(dataset, told))


def parquet_file(name: str, kept_once: Iterable[str] = ()) -> pq.ParquetFile:
    """A file of the lake, to read; texts of the columns ``kept_once`` are told by number."""
    stored = name
    if is_remote(name):
        from pipeline.blob_files import BlobFiles

        stored = BlobFiles().open(name)
    return pq.ParquetFile(stored, read_dictionary=list(kept_once), pre_buffer=is_remote(name))


def day_of(file: str) -> date:
    """The day whose rows a file of the lake holds, as its path tells."""
    return date.fromisoformat(file.rpartition("/date=")[2].partition("/")[0])


def _path(day: str) -> str:
    return f"date={day}/part-{uuid4()}.zstd.parquet"


def _reason(error: Exception) -> str:
    """What the system says, without DuckDB's own words about it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).rpartition(": ")[2]


def _column(values: pa.ChunkedArray, kind: Type) -> pa.Array:
    """The values of a column as they are written: times as UTC, what is the same once."""
    column = values.combine_chunks()
    if pa.types.is_dictionary(column.type):
        return pa.DictionaryArray.from_arrays(column.indices, column.dictionary.cast(kind.arrow))
    return column.cast(pa.timestamp("us", "UTC") if kind is Type.TIMESTAMP else kind.arrow)


def _told(file: pq.FileMetaData) -> dict[str, dict[str, str]]:
    """What a file tells of its columns, in the words of DuckDB."""
    groups = [file.row_group(number) for number in range(file.num_row_groups)]
    told = {}
    for number, name in enumerate(file.schema.names):
        chunks = [group.column(number) for group in groups]
        if not all(each.is_stats_set for each in chunks):
            continue
        stats = [each.statistics for each in chunks]
        said = {"null_count": f"{sum(each.null_count for each in stats)}"}
        if bounds := [each for each in stats if each.has_min_max]:
            said |= {
                "min": f"{min(each.min for each in bounds)}",
                "max": f"{max(each.max for each in bounds)}",
                "min_is_exact": "true",
                "max_is_exact": "true",
            }
        told[name] = said
    return told


def _statistics(
    dataset: Dataset, told: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, object]]:
    """What Delta keeps of a file's columns, so that readers may pass over the file."""
    least: dict[str, object] = {}
    most: dict[str, object] = {}
    for column in dataset.columns:
        said = told.get(column.name, {})
        if "min" in said and (bounds := _bounds(column.type, said)):
            least[column.name], most[column.name] = bounds
    nulls: dict[str, object] = {
        name: int(said["null_count"]) for name, said in told.items() if "null_count" in said
    }
    return {"minValues": least, "maxValues": most, "nullCount": nulls}


def _bounds(kind: Type, said: Mapping[str, str]) -> tuple[object, object] | None:
    low, high = said["min"], said["max"]
    match kind:
        case Type.TIMESTAMP:
            return _to_the_ms(low), _to_the_ms(high)
        case Type.BIGINT | Type.INTEGER:
            return int(low), int(high)
        case Type.DOUBLE:
            return float(low), float(high)
        case Type.VARCHAR:
            exact = said.get("min_is_exact") == said.get("max_is_exact") == "true"
            return (low, high) if exact and max(len(low), len(high)) <= LONGEST_BOUND else None
    return None


def _to_the_ms(text: str) -> str:
    """The moment as Delta writes it: cut to milliseconds."""
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
