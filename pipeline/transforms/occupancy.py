"""Occupancy: ports held second by second, from when calls began and ended.

What began and ended in each second is added up over time; a port is free again when its hold time
after the end is over, so the ends are shifted by it (difference arrays).
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from pipeline.limits import Holds
from pipeline.window import Window

Seconds = npt.NDArray[np.int64]
Counts = npt.NDArray[np.float64]
# In which seconds calls began and ended, and how many did.
Counted = tuple[Seconds, Counts, Counts]
# Of whole numbers wherever whole calls are counted.
Level = npt.NDArray[Any]
TIME = pl.Datetime("us")
MINUTE_S = 60
KEY = ("instance", "destination")
LISTS = ("seconds", "started", "ended")
PEAKS = ("in_flight_peak", "connected_peak", "held_peak", "wanted_peak")
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "instance": pl.String,
    "destination": pl.String,
    "minute": TIME,
    **dict.fromkeys(PEAKS, pl.Float64),
    "held_peak_at": TIME,
}


def ports_by_minute(calls_in_flight: pl.DataFrame, window: Window, holds: Holds) -> pl.DataFrame:
    """The peaks of each minute of a window, by instance and destination.

    ``in_flight_peak`` counts calls at once, ``connected_peak`` those that surely had a connection:
    the ports that are needed if each is reused the moment it is free. ``held_peak`` is what is held
    if every call takes a port and holds it for the time of its ending; ``held_peak_at`` the first
    second of that. ``wanted_peak`` is the same if all had been answered.
    """
    grid = _Grid(window, holds, _counted(calls_in_flight))
    places = calls_in_flight.select(*KEY, "ending").with_row_index("place")
    endings = places.group_by(*KEY, "ending", maintain_order=True).agg("place")
    ports = endings.group_by(KEY, maintain_order=True).agg("ending", "place")
    if ports.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    found = [grid.peaks(endings, own) for endings, own in ports.select("ending", "place").rows()]
    told = {name: np.concatenate([each[name] for each in found]) for name in found[0]}
    which = np.repeat(np.arange(len(found)), len(told["minute"]) // len(found))
    return (
        ports.select(KEY)[which]
        .hstack(pl.DataFrame(told))
        .with_columns(pl.from_epoch(each).cast(TIME) for each in ("minute", "held_peak_at"))
        .select(*SCHEMA)
    )


def carried(calls_in_flight: pl.DataFrame, moment: datetime, holds: Holds) -> pl.DataFrame:
    """What still tells of ports from a moment on: all that is earlier comes down to one number.

    So days can be told one after the other, each read once.
    """
    first = _epoch(moment) - _before(holds)
    kept: list[int] = []
    left: list[Counted] = []
    for place, (seconds, started, ended) in enumerate(_counted(calls_in_flight)):
        late = np.flatnonzero(seconds >= first)
        begun, over = started[late], ended[late]
        # What is both begun and over leaves nothing but what adding weights up leaves.
        under_way = round(float(started.sum() - ended.sum() - (begun.sum() - over.sum())), 6)
        if late.size or under_way:
            kept.append(place)
            left.append(
                (np.append(seconds[late], first), np.append(begun, under_way), np.append(over, 0.0))
            )
    return calls_in_flight.drop(LISTS)[kept].hstack(_as_lists(left)).select(calls_in_flight.columns)


def _epoch(moment: datetime) -> int:
    return math.floor(moment.replace(tzinfo=UTC).timestamp())


def _before(holds: Holds) -> int:
    """How many seconds back something tells of ports; what is in flight began in one before."""
    return max(int(each.value) for each in (holds.after_fin, holds.after_rst, holds.half_open)) + 1


def _counted(calls_in_flight: pl.DataFrame) -> list[Counted]:
    """The lists of each place, as they stand: to copy them takes as long as to add them up."""
    columns = [list(_lists(calls_in_flight[name])) for name in LISTS]
    return list(zip(*columns, strict=True))


def _as_lists(counted: list[Counted]) -> list[pl.Series]:
    """Columns of lists of that; ``_counted`` takes them apart."""
    ends = np.cumsum([0, *(len(seconds) for seconds, _, _ in counted)])
    none: Counted = np.array([], np.int64), np.array([], np.float64), np.array([], np.float64)
    return [
        pl.Series(
            name, pa.LargeListArray.from_arrays(pa.array(ends), pa.array(np.concatenate(own)))
        )
        for name, *own in zip(LISTS, none, *counted, strict=True)
    ]


def _lists(column: pl.Series) -> Iterator[npt.NDArray[Any]]:
    for chunk in column.get_chunks():
        lists = chunk.to_arrow()
        values = lists.values.to_numpy()
        yield from (values[begin:end] for begin, end in pairwise(lists.offsets.to_pylist()))


class _Grid:
    """All seconds of a window, and those before it of which a port may still be held."""

    def __init__(self, window: Window, holds: Holds, calls: list[Counted]) -> None:
        fin, rst, half_open = (
            int(each.value) for each in (holds.after_fin, holds.after_rst, holds.half_open)
        )
        self._calls = calls
        # Whole numbers add up in a fraction of the time; those of a sampled gateway need not be.
        whole = all(bool((each == np.rint(each)).all()) for _, *own in calls for each in own)
        self._kind = np.int64 if whole else np.float64
        self._after_fin = fin
        self._holds = {"reset": rst, "refused": rst, "unanswered": half_open}
        self._seconds: Seconds = np.arange(
            _epoch(window.start), math.ceil(window.stop.replace(tzinfo=UTC).timestamp())
        )
        self._before = _before(holds)
        minutes = self._seconds // MINUTE_S
        self._begins = np.flatnonzero(np.diff(minutes, prepend=minutes[0] - 1))
        self._minutes: Seconds = minutes[self._begins]
        self._lengths = np.diff(self._begins, append=len(minutes))

    def peaks(
        self, endings: Sequence[str], places: Sequence[Sequence[int]]
    ) -> dict[str, npt.NDArray[np.generic]]:
        """The peaks of each minute of the calls to one destination: endings, and their places."""
        sums = [self._by_second(each) for each in places]
        own_holds = [self._holds.get(each, self._after_fin) for each in endings]
        # Whose calls count, from how many seconds after they began until how many after they were
        # over. What is in flight began in a second before. Mostly some levels are one and the same.
        every, answered = range(len(sums)), [n for n, e in enumerate(endings) if e == "answered"]
        counted = {
            "in_flight_peak": tuple((each, 1, 0) for each in every),
            "connected_peak": tuple((each, 1, 0) for each in answered),
            "held_peak": tuple((each, 0, own_holds[each]) for each in every),
            "wanted_peak": tuple((each, 0, self._after_fin) for each in every),
        }
        levels = {
            those: self._level([(*sums[each], begun, over) for each, begun, over in those])
            for those in dict.fromkeys(counted.values())
        }
        highest = {
            those: np.maximum.reduceat(level, self._begins) for those, level in levels.items()
        }
        held = counted["held_peak"]
        tops = np.flatnonzero(levels[held] == np.repeat(highest[held], self._lengths))
        return {
            "minute": self._minutes * MINUTE_S,
            **{name: highest[those].astype(np.float64) for name, those in counted.items()},
            "held_peak_at": self._seconds[tops[np.searchsorted(tops, self._begins)]],
        }

    def _by_second(self, places: Sequence[int]) -> tuple[Level, Level]:
        """How many calls at some places began in each second, and were over at its start."""
        size = self._before + len(self._seconds)
        own = [self._calls[each] for each in places]
        seconds: Seconds = np.concatenate([each for each, _, _ in own])
        started: Counts = np.concatenate([each for _, each, _ in own])
        ended: Counts = np.concatenate([each for _, _, each in own])
        # What began or ended earlier still counts in all that follows; what is later does not.
        index = np.clip(seconds - (self._seconds[0] - self._before), 0, size)
        begun, over = (
            np.bincount(index, each, size)[:size].astype(self._kind, copy=False)
            for each in (started, ended)
        )
        return begun, over

    def _level(self, parts: Iterable[tuple[Level, Level, int, int]]) -> Level:
        """How many there are in each second of the window: what began less what was over by then,
        each so many seconds later.
        """
        change = np.zeros(self._before + len(self._seconds), self._kind)
        for started, ended, begun_s, over_s in parts:
            change[begun_s:] += started[: len(started) - begun_s]
            change[over_s:] -= ended[: len(ended) - over_s]
        return np.cumsum(change)[self._before :]
