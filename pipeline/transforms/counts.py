"""Counts: how many requests came, and how many calls began and were over, in a stretch of time."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from pipeline.transforms.kinds import Requests

# What tells the calls of a day apart where they are counted by second; requests, by minute.
OF_CALLS = ("resource_id", "instance", "called", "port", "host", "ending")
OF_REQUESTS = ("resource_id", "api", "called", "port", "caller")
# A port can be counted only for a call of which is told where it went.
OCCUPIES = pl.col("ending").is_not_null() & (
    pl.col("port").is_not_null() | pl.col("host").is_not_null()
)
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
DAY_SECONDS = 86_400
DAY_MINUTES = 1_440
# Where fewer than one moment in so many is told of, sorting what is told is sooner done than
# counting over all moments.
SPARSE = 4
Whole = npt.NDArray[np.int64]
Counts = npt.NDArray[np.float64]
Sums = npt.NDArray[Any]


def by_second(day: date, requests: Requests, request_kinds: pa.Table) -> pa.Table:
    """The calls of requests that came on a day, by second; ``request_kinds`` judges their kinds.

    A table of time, ``OF_CALLS``, started and ended: one row for each second in which a call began
    or was over; those of a kind stand together, in order of time. A call is over at the first whole
    second that it does not reach, a day later at the latest.
    """
    calls = pl.DataFrame(request_kinds).filter(OCCUPIES).sort(*OF_CALLS, "weight")
    parts, part = _parted(calls, (*OF_CALLS, "weight"), requests)
    kinds = parts.select(OF_CALLS)
    began_us, busy_ms = requests.began_us, requests.busy_ms
    those = part >= 0
    if not those.all():
        part, began_us, busy_ms = part[those], began_us[those], busy_ms[those]
    if not len(part):
        nothing: Whole = np.zeros(0, np.int64)
        return _table(day, nothing, kinds, nothing, {"started": nothing, "ended": nothing})
    began, over = _seconds(began_us - _midnight_us(day), busy_ms)
    first = int(began.min())
    length = int(over.max()) - first + 1
    part = part * length - first
    told, started, ended = _counted(length * parts.height, part + began, part + over)
    weights = parts["weight"].to_numpy()[told // length]
    # Parts that differ in weight alone are of one kind.
    which = _numbered(kinds)[told // length]
    told, sums = _added_up(which * length + told % length, (weights * started, weights * ended))
    return _table(
        day,
        told % length + first,
        kinds.unique(maintain_order=True),
        told // length,
        dict(zip(("started", "ended"), sums, strict=True)),
    )


def by_minute(day: date, requests: Requests, request_kinds: pa.Table) -> pa.Table:
    """The requests that came on a day, by minute; ``request_kinds`` judges their kinds.

    A table of time, ``OF_REQUESTS`` and what is told of a minute: one row for each in which a
    request came; those of a kind stand together, in order of time.
    """
    result = pl.col("result")
    rows = pl.DataFrame(request_kinds).with_columns(
        came=pl.lit(True),
        failed=result.is_in(("failed", "starved")),
        starved=result == "starved",
        timed=result == "timed",
        asked=pl.col("ending").is_not_null(),
    )
    told_by = (*OF_REQUESTS, "came", "failed", "starved", "timed", "asked", "weight")
    parts, part = _parted(rows.sort(told_by), told_by, requests)
    minute = (requests.began_us - _midnight_us(day)) // MINUTE_US
    # First whole numbers, which are the same in whatever order they are added up.
    told, (calls, busy) = _added_up(part * DAY_MINUTES + minute, (None, requests.busy_ms))
    of, minute = told // DAY_MINUTES, told % DAY_MINUTES
    values = {
        name: (parts["weight"] * parts[those]).to_numpy()[of] * each
        for name, those, each in (
            ("requests", "came", calls),
            ("failures", "failed", calls),
            ("starved", "starved", calls),
            ("calls", "asked", calls),
            ("timed", "timed", calls),
            ("backend_ms", "timed", busy),
            ("busy_ms", "asked", busy),
        )
    }
    kinds = parts.select(OF_REQUESTS)
    told, sums = _added_up(_numbered(kinds)[of] * DAY_MINUTES + minute, values.values())
    return _table(
        day,
        60 * (told % DAY_MINUTES),
        kinds.unique(maintain_order=True),
        told // DAY_MINUTES,
        dict(zip(values, sums, strict=True)),
    )


def _parted(
    kinds: pl.DataFrame, told_by: Iterable[str], requests: Requests
) -> tuple[pl.DataFrame, Whole]:
    """Sorted kinds that agree in some columns as one, and the number of each request's; else -1."""
    same = kinds.select(told_by)
    numbers = np.full(requests.kinds.num_rows, -1)
    numbers[kinds["kind"].to_numpy()] = _numbered(same)
    return same.unique(maintain_order=True), numbers[requests.kind]


def _numbered(kinds: pl.DataFrame) -> Whole:
    """The number of each row's kind, of kinds that stand together."""
    numbers: Whole = kinds.to_struct().rle_id().to_numpy().astype(np.int64)
    return numbers


def _midnight_us(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * SECOND_US


def _seconds(began_us: Whole, busy_ms: Whole) -> tuple[Whole, Whole]:
    """In which seconds of their day calls began and were over."""
    began = began_us // SECOND_US
    over = (began_us + 1000 * busy_ms + (SECOND_US - 1)) // SECOND_US
    np.maximum(over, began + 1, out=over)
    np.minimum(over, began + DAY_SECONDS, out=over)
    return began, over


def _counted(size: int, began: Whole, over: Whole) -> tuple[Whole, Whole, Whole]:
    """The keys below ``size`` that occur in either list, in order, and how often in each."""
    if size <= SPARSE * len(began):
        started, ended = (np.bincount(each, minlength=size) for each in (began, over))
        told: Whole = np.flatnonzero(started | ended)
        return told, started[told], ended[told]
    told, places = np.unique(np.concatenate((began, over)), return_inverse=True)
    started, ended = (np.bincount(each, minlength=len(told)) for each in np.split(places, 2))
    return told, started, ended


def _added_up(keys: Whole, values: Iterable[Sums | None]) -> tuple[Whole, list[Sums]]:
    """The keys that occur, in order, and the sums of values of each; None stands for 1 each."""
    if len(keys) and (np.diff(keys) > 0).all():
        return keys, [np.ones(len(keys)) if each is None else each for each in values]
    if len(keys) and SPARSE * len(keys) > keys.max():
        told: Whole = np.flatnonzero(np.bincount(keys))
        sums: list[Sums] = [np.bincount(keys, each)[told] for each in values]
    else:
        told, places = np.unique(keys, return_inverse=True)
        sums = [np.bincount(places, each, len(told)) for each in values]
    return told, sums


def _table(
    day: date,
    seconds: Whole,
    kinds: pl.DataFrame,
    which: Whole,
    sums: Mapping[str, Sums],
) -> pa.Table:
    """Sums of a day as a table; what is the same for all rows of a kind is kept once."""
    places = pa.array(which, pa.int32())
    return pa.table(
        {
            "time": np.datetime64(day, "us") + seconds.astype("timedelta64[s]"),
            **{name: _kept_once(kinds[name], places) for name in kinds.columns},
            **sums,
        }
    )


def _kept_once(values: pl.Series, places: pa.Array) -> pa.DictionaryArray:
    """The values that stand at some places."""
    told = values.to_arrow().dictionary_encode()
    return pa.DictionaryArray.from_arrays(told.indices.take(places), told.dictionary)
