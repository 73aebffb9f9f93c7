"""Port weeks: ports held over a long history, told a week at a time from counts read once each.

The counts of a day are read, told, and let go but for what reaches into the next one; so memory
holds those of two days and the minutes of a week, however long the history is: the next day is read
while one is told.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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

    ``counts`` are the files of the counts by second. Until the last week is told, the engine is in
    use.
    """
    calls_of = CallCounts(engine, counts, way.gateway).of
    earlier = Window(history.start - BEFORE, history.start)
    calls = _read_ahead(calls_of, [earlier, *_parts(history, DAY)])
    left = carried(next(calls), history.start, way.holds)
    for week in weeks(history):
        told = []
        for day in _parts(week, DAY):
            own = pl.concat([left, next(calls)])
            told.append((day, ports_by_minute(own, day, way.holds)))
            left = carried(own, day.stop, way.holds)
            # Two other days are at hand by the time that the next one is taken.
            del own
        yield week, _together(told)


def _read_ahead(
    calls_of: Callable[[Window], pl.DataFrame], days: Sequence[Window]
) -> Iterator[pl.DataFrame]:
    """The calls of each of the days."""
    with ThreadPoolExecutor(1, "read-ahead") as reader:
        coming = reader.submit(calls_of, days[0])
        for following in days[1:]:
            # What is handed on is not held here.
            ready = [coming.result()]
            coming = reader.submit(calls_of, following)
            yield ready.pop()
        yield coming.result()


def _parts(window: Window, length: timedelta) -> Iterator[Window]:
    start = window.start
    while start < window.stop:
        yield Window(start, min(start + length, window.stop))
        start += length


def _together(days: list[tuple[Window, pl.DataFrame]]) -> pl.DataFrame:
    """The minutes of days; of what is not called on one of them, that nothing was held."""
    of_days = [told.select(KEY).unique(maintain_order=True) for _, told in days]
    called = pl.concat(of_days).unique(maintain_order=True)
    filled = []
    for (day, told), own in zip(days, of_days, strict=True):
        without = called.join(own, on=KEY, how="anti", nulls_equal=True)
        none = without.with_columns(
            **dict.fromkeys(PEAKS, pl.lit(0.0)),
            minute=pl.lit(day.start, pl.Datetime("us")),
            held_peak_at=pl.lit(None, pl.Datetime("us")),
        )
        filled += [told, none.select(told.columns)]
    return pl.concat(filled)
