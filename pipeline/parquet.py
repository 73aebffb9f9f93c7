"""Parquet: rows of a day, written by the engine as a file that Delta may commit as it is."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import duckdb

from pipeline.dataset import Dataset, Type
from pipeline.engines.duckdb import quoted
from pipeline.errors import PipelineError
from pipeline.lake import ParquetFile

# Level 1 takes three quarters of the time of the default, for one per cent more.
WRITTEN_AS = (
    "format parquet, compression zstd, compression_level 1, write_bloom_filter false, "
    "dictionary_size_limit 4096, return_stats true"
)
# Longer texts are no bounds that help a reader to pass over a file.
LONGEST_BOUND = 64


def written(
    connection: duckdb.DuckDBPyConnection, rows: str, dataset: Dataset, day: str, room: Path
) -> ParquetFile:
    """Writes the rows of a table, or of a query in brackets, which are all of a day, into ``room``.

    Raises ``PipelineError`` where the file cannot be written.
    """
    folder = f"date={day}"
    path = f"{folder}/part-{uuid4()}.zstd.parquet"
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
        (room / folder).mkdir(parents=True, exist_ok=True)
        ((_, count, size, _, told, *_),) = connection.execute(copied).fetchall()
    except (OSError, duckdb.IOException) as error:
        (room / path).unlink(missing_ok=True)
        raise PipelineError(f"{room}: cannot be written: {_reason(error)}") from error
    stats = {name.strip('"'): each for name, each in told.items()} if count else {}
    return ParquetFile(path, {"date": day}, count, size, _statistics(dataset, stats))


def _reason(error: Exception) -> str:
    """What the system says, without DuckDB's own words about it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).rpartition(": ")[2]


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
