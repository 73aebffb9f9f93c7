"""Counts: how many requests came, and how many calls began and were over, in a stretch of time."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

# What tells the calls of a day apart where they are counted by second; requests, by minute.
OF_CALLS = ("resource_id", "instance", "called", "port", "host", "ending")
OF_REQUESTS = ("resource_id", "api", "called", "port", "caller")
MOMENTS = ("began_us", "busy_ms")
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
SPARSE = 16
Whole = npt.NDArray[np.int64]
Counts = npt.NDArray[np.float64]
Sums = npt.NDArray[Any]


def by_second(request_times: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    """The calls in the answer of ``request_times``, by the day on which they began.

    Tables of time, ``OF_CALLS``, started and ended: one row for each second in which a call began
    or was over; those of a kind stand together, in order of time. A call is over at the first whole
    second that it does not reach, a day later at the latest.
    """
    began_us, busy_ms = _moments(request_times)
    calls = _rows(request_times).filter(OCCUPIES).sort("date", *OF_CALLS, "weight")
    for (day,), of_day in calls.group_by("date", maintain_order=True):
        kinds, sums = [], []
        for kind, same in of_day.group_by(OF_CALLS, maintain_order=True):
            kinds.append(kind)
            sums.append(
                _sums(
                    [
                        (*_seconds(began_us.of(rows), busy_ms.of(rows)), weight)
                        for weight, rows in same.group_by("weight", maintain_order=True)
                        .agg("row")
                        .iter_rows()
                    ]
                )
            )
        seconds, started, ended = map(np.concatenate, zip(*sums, strict=True))
        which = np.repeat(np.arange(len(sums)), [len(each) for each, _, _ in sums])
        told = pl.DataFrame(kinds, {name: calls.schema[name] for name in OF_CALLS}, orient="row")
        yield day, _table(day, seconds, told, which, {"started": started, "ended": ended})


class _Lists:
    """A column of lists of whole numbers, as it stands: a copy of all would take much memory."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        lists = column.combine_chunks()
        self._values = lists.values.to_numpy()
        self._offsets = lists.offsets.to_numpy()

    def of(self, rows: Iterable[int]) -> Whole:
        """The numbers of some rows, one row after the other."""
        ends = self._offsets
        numbers: Whole = np.concatenate([self._values[ends[row] : ends[row + 1]] for row in rows])
        return numbers


def _moments(request_times: pa.Table) -> tuple[_Lists, ...]:
    return tuple(_Lists(request_times[name]) for name in MOMENTS)


def _rows(request_times: pa.Table) -> pl.DataFrame:
    """What is told of each row beside its lists, and its number."""
    lengths = pl.Series(request_times[MOMENTS[0]].combine_chunks().value_lengths())
    told = pl.DataFrame(request_times.drop_columns(list(MOMENTS)))
    return told.with_row_index("row").with_columns(length=lengths)


def _seconds(began_us: Whole, busy_ms: Whole) -> tuple[Whole, Whole]:
    """In which seconds of their day calls began and were over."""
    began = began_us // SECOND_US
    over = -(-(began_us + 1000 * busy_ms) // SECOND_US)
    return began, np.clip(over, began + 1, began + DAY_SECONDS)


def _sums(calls: list[tuple[Whole, Whole, float]]) -> tuple[Whole, Counts, Counts]:
    """The seconds of which anything is told, and how many calls began and were over in each.

    ``calls`` are told in parts: in which seconds they began and were over, and the weight of each.
    """
    first = min(began.min() for began, _, _ in calls)
    last = max(over.max() for _, over, _ in calls)
    if SPARSE * sum(len(began) for began, _, _ in calls) > last - first:
        seconds = np.arange(first, last + 1)
    else:
        seconds = np.unique(np.concatenate([each for *both, _ in calls for each in both]))
    started, ended = np.zeros((2, len(seconds)))
    for began, over, weight in calls:
        started += weight * np.bincount(_places(seconds, began), minlength=len(seconds))
        ended += weight * np.bincount(_places(seconds, over), minlength=len(seconds))
    told = np.flatnonzero(started + ended)
    return seconds[told], started[told], ended[told]


def _places(seconds: Whole, told: Whole) -> Whole:
    """Where in ``seconds``, which are in order, each that is told stands."""
    if len(seconds) > seconds[-1] - seconds[0]:
        places: Whole = told - seconds[0]
        return places
    return np.searchsorted(seconds, told)


def by_minute(request_times: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    """The requests in the answer of ``request_times``, by the day on which they came.

    Tables of time, ``OF_REQUESTS`` and what is told of a minute: one row for each in which a
    request came; those of a kind stand together, in order of time.
    """
    began_us, busy_ms = _moments(request_times)
    result = pl.col("result")
    rows = _rows(request_times).with_columns(
        came=pl.lit(True),
        failed=result.is_in(("failed", "starved")),
        starved=result == "starved",
        timed=result == "timed",
        asked=pl.col("ending").is_not_null(),
    )
    parts = [name for name in rows.columns if name not in (*OF_REQUESTS, "row", "length")]
    for (day,), of_day in rows.sort(*OF_REQUESTS, *parts).group_by("date", maintain_order=True):
        kinds = of_day.select(OF_REQUESTS)
        row = np.repeat(np.arange(of_day.height), of_day["length"].to_numpy())
        # First whole numbers, which are the same in whatever order they are added up.
        row, minute, (requests, busy) = _by_minute(
            row, began_us.of(of_day["row"]) // MINUTE_US, (None, busy_ms.of(of_day["row"]))
        )
        values = {
            name: (of_day["weight"] * of_day[those]).to_numpy()[row] * each
            for name, those, each in (
                ("requests", "came", requests),
                ("failures", "failed", requests),
                ("starved", "starved", requests),
                ("calls", "asked", requests),
                ("timed", "timed", requests),
                ("backend_ms", "timed", busy),
                ("busy_ms", "asked", busy),
            )
        }
        which, minute, sums = _by_minute(_numbered(kinds)[row], minute, values.values())
        told = dict(zip(values, sums, strict=True))
        yield day, _table(day, 60 * minute, kinds.unique(maintain_order=True), which, told)


def _by_minute(
    rows: Whole, minutes: Whole, values: Iterable[Sums | None]
) -> tuple[Whole, Whole, list[Sums]]:
    """The rows and minutes that occur together, in order, and the sums of values in each.

    None stands for 1 each.
    """
    both = rows * DAY_MINUTES + minutes
    if SPARSE * len(both) > DAY_MINUTES * (rows[-1] + 1):
        told: Whole = np.flatnonzero(np.bincount(both))
        sums: list[Sums] = [np.bincount(both, each)[told] for each in values]
    else:
        told, places = np.unique(both, return_inverse=True)
        sums = [np.bincount(places, each) for each in values]
    return told // DAY_MINUTES, told % DAY_MINUTES, sums


def _numbered(kinds: pl.DataFrame) -> Whole:
    """The number of each row's kind, of kinds that stand together."""
    numbers: Whole = kinds.to_struct().rle_id().to_numpy().astype(np.int64)
    return numbers


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
            **{
                name: pa.DictionaryArray.from_arrays(places, kinds[name].to_arrow())
                for name in kinds.columns
            },
            **sums,
        }
    )
