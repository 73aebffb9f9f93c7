"""Counts: how many requests came, and how many calls began and were over, in a stretch of time."""

from collections.abc import Iterator, Mapping
from datetime import date

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
# Where fewer than one second in so many is told of, sorting what is told is sooner done than
# counting over all seconds.
SPARSE = 16
Whole = npt.NDArray[np.int64]
Counts = npt.NDArray[np.float64]


def by_second(request_times: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    """The calls in the answer of ``request_times``, by the day on which they began.

    Tables of time, ``OF_CALLS``, started and ended: one row for each second in which a call began
    or was over; those of a kind stand together, in order of time. A call is over at the first whole
    second that it does not reach, a day later at the latest.
    """
    calls = pl.DataFrame(request_times).filter(OCCUPIES).sort("date", *OF_CALLS, "weight")
    for (day,), of_day in calls.group_by("date", maintain_order=True):
        kinds, sums = [], []
        for kind, same in of_day.group_by(OF_CALLS, maintain_order=True):
            kinds.append(kind)
            sums.append(_sums([_seconds(each) for each in same.partition_by("weight")]))
        seconds, started, ended = map(np.concatenate, zip(*sums, strict=True))
        which = np.repeat(np.arange(len(sums)), [len(each) for each, _, _ in sums])
        told = pl.DataFrame(kinds, {name: calls.schema[name] for name in OF_CALLS}, orient="row")
        yield day, _table(day, seconds, told, which, {"started": started, "ended": ended})


def _seconds(calls: pl.DataFrame) -> tuple[Whole, Whole, float]:
    """In which seconds of their day calls of one weight began and were over; the weight."""
    began_us, busy_ms = _moments(calls)
    began = began_us // SECOND_US
    over = -(-(began_us + 1000 * busy_ms) // SECOND_US)
    return began, np.clip(over, began + 1, began + DAY_SECONDS), calls["weight"][0]


def _moments(rows: pl.DataFrame) -> tuple[Whole, ...]:
    return tuple(rows[name].explode().to_numpy() for name in MOMENTS)


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
    result = pl.col("result")
    rows = pl.DataFrame(request_times).with_columns(
        came=pl.lit(True),
        failed=result.is_in(("failed", "starved")),
        starved=result == "starved",
        timed=result == "timed",
        asked=pl.col("ending").is_not_null(),
    )
    parts = [name for name in rows.columns if name not in (*OF_REQUESTS, *MOMENTS)]
    for (day,), of_day in rows.sort(*OF_REQUESTS, *parts).group_by("date", maintain_order=True):
        kinds = of_day.select(OF_REQUESTS)
        began_us, busy_ms = _moments(of_day)
        row = np.repeat(np.arange(of_day.height), of_day["began_us"].list.len().to_numpy())
        # First whole numbers, which are the same in whatever order they are added up.
        row, minute, place = _by_minute(row, began_us // MINUTE_US)
        requests, busy = np.bincount(place), np.bincount(place, busy_ms)
        which, minute, place = _by_minute(_numbered(kinds)[row], minute)
        sums = {
            name: np.bincount(place, (of_day["weight"] * of_day[those]).to_numpy()[row] * values)
            for name, those, values in (
                ("requests", "came", requests),
                ("failures", "failed", requests),
                ("starved", "starved", requests),
                ("calls", "asked", requests),
                ("timed", "timed", requests),
                ("backend_ms", "timed", busy),
                ("busy_ms", "asked", busy),
            )
        }
        yield day, _table(day, 60 * minute, kinds.unique(maintain_order=True), which, sums)


def _by_minute(rows: Whole, minutes: Whole) -> tuple[Whole, Whole, Whole]:
    """The rows and minutes that occur together, in order; and which of these each one is."""
    both, place = np.unique(rows * DAY_MINUTES + minutes, return_inverse=True)
    return both // DAY_MINUTES, both % DAY_MINUTES, place


def _numbered(kinds: pl.DataFrame) -> Whole:
    """The number of each row's kind, of kinds that stand together."""
    numbers: Whole = kinds.to_struct().rle_id().to_numpy().astype(np.int64)
    return numbers


def _table(
    day: date,
    seconds: Whole,
    kinds: pl.DataFrame,
    which: Whole,
    sums: Mapping[str, npt.NDArray[np.number]],
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
