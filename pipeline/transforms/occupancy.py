"""Occupancy: ports held second by second, from when calls began and ended.

What began and ended in each second is added up over time; a port is free again when its hold time
after the end is over, so the ends are shifted by it (difference arrays).
"""

import math
from datetime import UTC

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.limits import Holds
from pipeline.window import Window

Seconds = npt.NDArray[np.int64]
Counts = npt.NDArray[np.float64]
MINUTE_S = 60
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
    for (instance, destination), rows in calls_in_flight.group_by(
        ["instance", "destination"], maintain_order=True
    ):
        found.append(
            pl.DataFrame(grid.peaks(rows)).select(
                pl.lit(instance, pl.String).alias("instance"),
                pl.lit(destination, pl.String).alias("destination"),
                pl.from_epoch("minute").cast(pl.Datetime("us")),
                *PEAKS,
                pl.from_epoch("held_peak_at").cast(pl.Datetime("us")),
            )
        )
    return pl.concat(found)


class _Grid:
    """All seconds of a window, and those before it of which a port may still be held."""

    def __init__(self, window: Window, holds: Holds) -> None:
        self._holds = [
            int(each.value) for each in (holds.after_fin, holds.after_rst, holds.half_open)
        ]
        start, stop = (each.replace(tzinfo=UTC).timestamp() for each in (window.start, window.stop))
        self._first = math.floor(start)
        self._seconds: Seconds = np.arange(self._first, math.ceil(stop))
        # One second more: what is in flight began in one before.
        self._before = max(self._holds) + 1
        minutes = self._seconds // MINUTE_S
        self._begins = np.flatnonzero(np.diff(minutes, prepend=minutes[0] - 1))
        self._minutes: Seconds = minutes[self._begins]
        self._lengths = np.diff(self._begins, append=len(minutes))

    def peaks(self, rows: pl.DataFrame) -> dict[str, npt.NDArray[np.generic]]:
        """The peaks of each minute of the calls to one destination."""
        size = self._before + len(self._seconds)
        started, ended, connected, disconnected, reset, half_open = np.zeros((6, size))
        for row, ending in enumerate(rows["ending"]):
            seconds = rows["seconds"][row].to_numpy()
            # What began or ended earlier still counts in all that follows.
            index = np.clip(seconds - (self._first - self._before), 0, size - 1)
            begun, over = (
                np.bincount(index, rows[side][row].to_numpy(), size)
                for side in ("started", "ended")
            )
            started += begun
            ended += over
            match ending:
                case "answered":
                    connected += begun
                    disconnected += over
                case "reset" | "refused":
                    reset += over
                case "unanswered":
                    half_open += over
        for counts in (started, ended, connected, disconnected, reset, half_open):
            np.cumsum(counts, out=counts)
        after_fin, after_rst, half_open_s = self._holds
        held = (
            self._at(started)
            - self._at(ended - reset - half_open, after_fin)
            - self._at(reset, after_rst)
            - self._at(half_open, half_open_s)
        )
        highest = np.maximum.reduceat(held, self._begins)
        tops = np.flatnonzero(held == np.repeat(highest, self._lengths))
        _, first_tops = np.unique(self._seconds[tops] // MINUTE_S, return_index=True)
        levels = {
            "in_flight_peak": self._at(started, 1) - self._at(ended),
            "connected_peak": self._at(connected, 1) - self._at(disconnected),
            "held_peak": held,
            "wanted_peak": self._at(started) - self._at(ended, after_fin),
        }
        return {
            "minute": self._minutes * MINUTE_S,
            **{name: np.maximum.reduceat(level, self._begins) for name, level in levels.items()},
            "held_peak_at": self._seconds[tops[first_tops]],
        }

    def _at(self, sums: Counts, earlier_s: int = 0) -> Counts:
        """Sums up to each second of the window, or up to so many seconds earlier."""
        end = len(sums) - earlier_s
        return sums[self._before - earlier_s : end]
