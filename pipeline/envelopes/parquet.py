"""Parquet, as a Log Analytics export job writes tables."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.dialect import Record
from pipeline.envelope import Envelope, Unreadable
from pipeline.storage import Blob, BrokenBlobError

MAGIC = b"PAR1"
BATCH_ROWS = 4_096


def _records(blob: Blob) -> Iterator[Record | Unreadable]:
    try:
        with blob.opened() as file, pq.ParquetFile(file, coerce_int96_timestamp_unit="us") as table:
            for batch in table.iter_batches(batch_size=BATCH_ROWS):
                for row in _in_microseconds(batch).to_pylist():
                    yield {name: _plain(value) for name, value in row.items()}
    except BrokenBlobError:
        raise
    except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
        yield Unreadable("not Parquet", f"cannot be read on from here: {error}".partition("\n")[0])


def _in_microseconds(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with its times cut to microseconds, for Python knows no finer ones."""
    for place, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            cut = batch.column(place).cast(pa.timestamp("us", field.type.tz), safe=False)
            batch = batch.set_column(place, field.name, cut)
    return batch


def _plain(value: object) -> object:
    """The value as JSON would tell it; times are UTC."""
    match value:
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes():
            return value.decode(errors="replace")
        case _:
            return value


parquet = Envelope(
    about="Parquet, as an export job writes it",
    opens=lambda head: head.startswith(MAGIC),
    records=_records,
)
