"""Port weeks: ports held over a long history, told a week at a time from counts read once each.

The counts of a day are read, told, and let go but for what reaches into the next one; so memory
holds those of a day and the minutes of a week, however long the history is.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import polars as pl

from pipeline.call_counts import CallCounts
from pipeline.engine import Engine
from pipeline.limits import Way
from pipeline.transforms.occupancy import PEAKS, carried, ports_by_minute
from pipeline.window import Window

DAY = timedelta(days=1)
WEEK = 7 * DAY
# Calls that began up to two days before may still hold a port.
BEFORE = 2 * DAY
KEY = ["instance", "destination"]


def weeks(history: Window) -> Iterator[Window]:
    """A history week by week; the last one may be shorter."""
    return _parts(history, WEEK)


def port_weeks(
    engine: Engine, counts: Sequence[str], way: Way, history: Window
) -> Iterator[tuple[Window, pl.DataFrame]]:
    """The peaks of ports in each minute, week by week of a history that begins with a day.

    ``counts`` are the files of the counts by second.
    """
    calls_of = CallCounts(engine, counts, way.gateway).of
    earlier = calls_of(Window(history.start - BEFORE, history.start))
    left = carried(earlier, history.start, way.holds)
    for week in weeks(history):
        told = []
        for day in _parts(week, DAY):
            calls = pl.concat([left, calls_of(day)])
            told.append((day, ports_by_minute(calls, day, way.holds)))
            left = carried(calls, day.stop, way.holds)
        yield week, _together(told)


def _parts(window: Window, length: timedelta) -> Iterator[Window]:
    start = window.start
    while start < window.stop:
        yield Window(start, min(start + length, window.stop))
        start += length


def _together(days: list[tuple[Window, pl.DataFrame]]) -> pl.DataFrame:
    """The minutes of days; of what is not called on one of them, that nothing was held."""
    called = pl.concat([told.select(KEY) for _, told in days]).unique(maintain_order=True)
    filled = []
    for day, told in days:
        without = called.join(told, on=KEY, how="anti", nulls_equal=True)
        none = without.with_columns(
            **dict.fromkeys(PEAKS, pl.lit(0.0)),
            minute=pl.lit(day.start, pl.Datetime("us")),
            held_peak_at=pl.lit(None, pl.Datetime("us")),
        )
        filled += [told, none.select(told.columns)]
    return pl.concat(filled)
