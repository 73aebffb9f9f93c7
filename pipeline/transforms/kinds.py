"""Kinds: requests told apart by all that says how they ended, so that each kind is judged once.

When a request came and how long it took differs for each; all else that its ending is told by
repeats. Parquet keeps what repeats as numbers into a list, and telling kinds apart by those numbers
costs no more than to read them: SQL is then asked of the kinds, not of the rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.datasets import datasets

# All that queries/traffic/request_kinds.sql looks at, by way of queries/traffic/calls.sql.
TEXTS = (
    "resource_id",
    "instance",
    "api",
    "subscription",
    "caller_ip",
    "backend_host",
    "backend_protocol",
    "error_reason",
    "error_message",
    "error_ip",
)
NUMBERS = ("backend_port", "backend_status", "status", "success", "errors", "error_port", "weight")
# Of it only whether there is any; how long a call took tells no kind.
TIMED = "backend_ms"
READ = ("time", TIMED, "total_ms", *TEXTS, *NUMBERS)
# Numbers of kinds are told by one number as long as that fits.
MOST_KINDS = 2**62
Whole = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests by kind, and what differs: when each came and how long its call took at most.

    ``kinds`` holds a request of each kind as the dataset has it, its ``position`` the kind's number
    from 0 on; of one with a BackendTime, 0 stands for it. ``kind``, ``began_us`` (since 1970) and
    ``busy_ms`` tell of each request, in the same order.
    """

    kinds: pa.Table
    kind: Numbers
    began_us: Whole
    busy_ms: Whole


def by_kind(tables: Iterable[pa.Table]) -> Requests:
    """Tells the requests of tables with the columns ``READ`` apart; at least one has rows."""
    kinds, kind, began, busy = [], [], [], []
    known = 0
    for table in tables:
        if not table.num_rows:
            continue
        numbers, examples = _told_apart(table)
        kinds.append(table.take(examples))
        kind.append(numbers + np.int32(known))
        known += len(examples)
        began.append(table["time"].cast(pa.int64()).to_numpy())
        lasted = pc.coalesce(table["backend_ms"], table["total_ms"], pa.scalar(0, pa.int64()))
        busy.append(lasted.to_numpy())
    return Requests(
        _as_requests(kinds), np.concatenate(kind), np.concatenate(began), np.concatenate(busy)
    )


def _told_apart(table: pa.Table) -> tuple[Numbers, Whole]:
    """The number of each row's kind, and a row of each kind."""
    rows = table.num_rows
    key, size = np.zeros(rows, np.int64), 1
    for name in (*TEXTS, *NUMBERS, TIMED):
        column = table[name]
        if column.null_count == rows:
            continue
        if name == "caller_ip":
            # Nobody asks for the address of a caller who is known.
            unknown = table["subscription"].is_null()
            column = pc.if_else(unknown, column, pa.scalar(None, column.type))
        numbers, count = _numbered(column.is_valid() if name == TIMED else column)
        if size > MOST_KINDS // count:
            numbered, size = _closely(key)
            key = numbered.astype(np.int64)
        if count > 1:
            key *= count
            key += numbers
            size *= count
    kind, count = _closely(key)
    examples = np.empty(count, np.int64)
    examples[kind] = np.arange(rows)
    return kind, examples


def _closely(key: Whole) -> tuple[Numbers, int]:
    """The same told apart by numbers from 0 on, and how many there are."""
    told = pa.array(key).dictionary_encode()
    return told.indices.to_numpy(), len(told.dictionary)


def _numbered(column: pa.ChunkedArray) -> tuple[npt.NDArray[Any], int]:
    """A number from 0 on for each value of a column, and how many there may be."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_integer(column.type):
        bounds = pc.min_max(column)
        low, high = bounds["min"].as_py(), bounds["max"].as_py()
        if column.null_count:
            low -= 1
            column = column.cast(pa.int64()).fill_null(low)
        return np.subtract(column.to_numpy(), low, dtype=np.int64), high - low + 1
    told = column.combine_chunks()
    if not pa.types.is_dictionary(told.type):
        told = told.dictionary_encode()
    numbers, count = told.indices, len(told.dictionary)
    return numbers.fill_null(count).to_numpy(), count + (numbers.null_count > 0)


def _as_requests(kinds: list[pa.Table]) -> pa.Table:
    """The examples of all kinds with the columns of the dataset, and none that is not asked for."""
    count = sum(each.num_rows for each in kinds)
    columns = {}
    for each in datasets()["requests"].columns:
        kind = each.type.arrow
        if each.name == "position":
            columns[each.name] = pa.array(range(count), kind)
        elif each.name == TIMED:
            told = pa.chunked_array([part for one in kinds for part in one[each.name].chunks])
            columns[each.name] = pc.if_else(told.is_valid(), pa.scalar(0, kind), None)
        elif each.name in TEXTS or each.name in NUMBERS:
            parts = [part.cast(kind) for one in kinds for part in one[each.name].chunks]
            columns[each.name] = pa.chunked_array(parts, kind)
        else:
            columns[each.name] = pa.nulls(count, kind)
    return pa.table(columns)
