"""Occupancy: ports held second by second, from when calls began and ended.

What began and ended in each second is added up over time; a port is free again when its hold time
after the end is over, so the ends are shifted by it (difference arrays).
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.limits import Holds
from pipeline.window import Window

Seconds = npt.NDArray[np.int64]
Counts = npt.NDArray[np.float64]
MINUTE_S = 60
LISTS = ("seconds", "started", "ended")
PEAKS = ("in_flight_peak", "connected_peak", "held_peak", "wanted_peak")
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "instance": pl.String,
    "destination": pl.String,
    "minute": pl.Datetime("us"),
    **dict.fromkeys(PEAKS, pl.Float64),
    "held_peak_at": pl.Datetime("us"),
}


def ports_by_minute(calls_in_flight: pl.DataFrame, window: Window, holds: Holds) -> pl.DataFrame:
    """The peaks of each minute of a window, by instance and destination.

    ``in_flight_peak`` counts calls at once, ``connected_peak`` those that surely had a connection:
    the ports that are needed if each is reused the moment it is free. ``held_peak`` is what is held
    if every call takes a port and holds it for the time of its ending; ``held_peak_at`` the first
    second of that. ``wanted_peak`` is the same if all had been answered.
    """
    grid = _Grid(window, holds)
    found = [pl.DataFrame(schema=SCHEMA)]
    # By their places, for to part the rows themselves would copy long lists.
    places = calls_in_flight.select("instance", "destination", "ending").with_row_index("row")
    for (instance, destination), of_one in places.group_by(
        ["instance", "destination"], maintain_order=True
    ):
        by_ending = dict(of_one.group_by("ending", maintain_order=True).agg("row").iter_rows())
        found.append(
            pl.DataFrame(grid.peaks(calls_in_flight, by_ending)).select(
                pl.lit(instance, pl.String).alias("instance"),
                pl.lit(destination, pl.String).alias("destination"),
                pl.from_epoch("minute").cast(pl.Datetime("us")),
                *PEAKS,
                pl.from_epoch("held_peak_at").cast(pl.Datetime("us")),
            )
        )
    return pl.concat(found)


def carried(calls_in_flight: pl.DataFrame, moment: datetime, holds: Holds) -> pl.DataFrame:
    """What still tells of ports from a moment on: all that is earlier comes down to one number.

    So days can be told one after the other, each read once.
    """
    first = _epoch(moment) - _before(holds)
    left = []
    for row in range(calls_in_flight.height):
        seconds, started, ended = (calls_in_flight[name][row].to_numpy() for name in LISTS)
        late = seconds >= first
        # What is both begun and over leaves nothing but what adding weights up leaves.
        under_way = round(float((started[~late] - ended[~late]).sum()), 6)
        left.append(
            {
                "seconds": np.append(seconds[late], first),
                "started": np.append(started[late], under_way),
                "ended": np.append(ended[late], 0.0),
                "over": not late.any() and under_way == 0,
            }
        )
    kept = pl.DataFrame(left, schema={**calls_in_flight.select(LISTS).schema, "over": pl.Boolean})
    return calls_in_flight.with_columns(kept).filter(~pl.col("over")).drop("over")


def _epoch(moment: datetime) -> int:
    return math.floor(moment.replace(tzinfo=UTC).timestamp())


def _before(holds: Holds) -> int:
    """How many seconds back something tells of ports; what is in flight began in one before."""
    return max(int(each.value) for each in (holds.after_fin, holds.after_rst, holds.half_open)) + 1


class _Grid:
    """All seconds of a window, and those before it of which a port may still be held."""

    def __init__(self, window: Window, holds: Holds) -> None:
        fin, rst, half_open = (
            int(each.value) for each in (holds.after_fin, holds.after_rst, holds.half_open)
        )
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
        self, rows: pl.DataFrame, by_ending: Mapping[str, list[int]]
    ) -> dict[str, npt.NDArray[np.generic]]:
        """The peaks of each minute of the calls to one destination, whose rows stand in places."""
        in_flight, connected, held, wanted = np.zeros((4, len(self._seconds)))
        for ending, places in by_ending.items():
            started, ended = self._sums(rows, places)
            at_once = self._at(started, 1) - self._at(ended)
            in_flight += at_once
            if ending == "answered":
                connected += at_once
            had = self._at(started) - self._at(ended, self._after_fin)
            wanted += had
            hold = self._holds.get(ending, self._after_fin)
            held += had if hold == self._after_fin else self._at(started) - self._at(ended, hold)
        highest = np.maximum.reduceat(held, self._begins)
        tops = np.flatnonzero(held == np.repeat(highest, self._lengths))
        levels = {
            "in_flight_peak": in_flight,
            "connected_peak": connected,
            "held_peak": held,
            "wanted_peak": wanted,
        }
        return {
            "minute": self._minutes * MINUTE_S,
            **{name: np.maximum.reduceat(level, self._begins) for name, level in levels.items()},
            "held_peak_at": self._seconds[tops[np.searchsorted(tops, self._begins)]],
        }

    def _sums(self, rows: pl.DataFrame, places: list[int]) -> tuple[Counts, Counts]:
        """Of each second, how many calls had begun and were over by then."""
        size = self._before + len(self._seconds)
        started, ended = np.zeros((2, size + 1))
        for row in places:
            seconds, begun, over = (rows[name][row].to_numpy() for name in LISTS)
            # What began or ended earlier still counts in all that follows; what is later does not.
            index = seconds - (self._seconds[0] - self._before)
            np.maximum(index, 0, out=index)
            np.minimum(index, size, out=index)
            started += np.bincount(index, begun, size + 1)
            ended += np.bincount(index, over, size + 1)
        return np.cumsum(started[:size]), np.cumsum(ended[:size])

    def _at(self, sums: Counts, earlier_s: int = 0) -> Counts:
        """Sums up to each second of the window, or up to so many seconds earlier."""
        end = len(sums) - earlier_s
        return sums[self._before - earlier_s : end]
