"""Counts: how many calls of each place and kind of ending began and were over in each second."""

from collections.abc import Iterator
from datetime import date
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa

# What tells the calls of a day apart.
KIND = ("resource_id", "instance", "called", "port", "host", "ending")
# Where fewer than one second in so many is told of, sorting what is told is sooner done than
# counting over all seconds.
SPARSE = 16
Seconds = npt.NDArray[np.int64]
Counts = npt.NDArray[np.float64]


def by_second(call_times: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    """The answer of the query ``call_times`` added up, by the day on which the calls began.

    Tables of time, ``KIND``, started and ended: one row for each second in which a call began or
    was over; those of a kind stand together, in order of time.
    """
    days = call_times["date"].to_pylist()
    kinds = [tuple(row.values()) for row in call_times.select(KIND).to_pylist()]
    weights = call_times["weight"].to_pylist()
    began, over = (_Lists(call_times[name]) for name in ("began", "over"))
    order = sorted(range(len(days)), key=lambda row: (days[row], tuple(map(str, kinds[row]))))
    for day, of_day in groupby(order, key=days.__getitem__):
        firsts, sums = [], []
        for _, same in groupby(of_day, key=kinds.__getitem__):
            rows = list(same)
            firsts.append(rows[0])
            sums.append(_sums([(began.of(row), over.of(row), weights[row]) for row in rows]))
        yield day, _table(day, call_times.select(KIND).take(firsts), sums)


class _Lists:
    """A column of lists of whole numbers."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        lists = column.combine_chunks()
        self._values = lists.values.to_numpy()
        self._offsets = lists.offsets.to_numpy()

    def of(self, row: int) -> Seconds:
        """The list of a row."""
        own: Seconds = self._values[self._offsets[row] : self._offsets[row + 1]]
        return own


def _sums(calls: list[tuple[Seconds, Seconds, float]]) -> tuple[Seconds, Counts, Counts]:
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


def _places(seconds: Seconds, told: Seconds) -> Seconds:
    """Where in ``seconds``, which are in order, each that is told stands."""
    if len(seconds) > seconds[-1] - seconds[0]:
        places: Seconds = told - seconds[0]
        return places
    return np.searchsorted(seconds, told)


def _table(day: date, kinds: pa.Table, sums: list[tuple[Seconds, Counts, Counts]]) -> pa.Table:
    """The sums of a day as a table; what is the same for all rows of a kind is kept once."""
    seconds, started, ended = map(np.concatenate, zip(*sums, strict=True))
    lengths = [len(each) for each, _, _ in sums]
    which = pa.array(np.repeat(np.arange(len(sums), dtype=np.int32), lengths))
    return pa.table(
        {
            "time": np.datetime64(day, "us") + seconds.astype("timedelta64[s]"),
            **{
                name: pa.DictionaryArray.from_arrays(which, kinds[name].combine_chunks())
                for name in KIND
            },
            "started": started,
            "ended": ended,
        }
    )
