"""Daily: the peaks of days on one grid, NaN where a day cannot be told."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from pipeline.transforms.trend import Series
from pipeline.window import Window

# A day counts if requests came in so much of the hours that are usual.
ENOUGH_HOURS = 0.75


def whole_days(history: Window) -> list[date]:
    """The days that lie in a history from their beginning to their end."""
    first = history.start.date() + timedelta(days=history.start.time() != datetime.min.time())
    number = (history.stop.date() - first).days
    return [first + timedelta(days=each) for each in range(number)]


def days_told(hours: pl.DataFrame, days: list[date]) -> set[date]:
    """Of the whole days, those of which most hours are there; ``hours`` are those with requests.

    What is usual is told by weekday where there are several, for some gateways rest at weekends.
    """
    counts = hours.group_by(pl.col("hour").dt.date().alias("day")).len()
    by_day = dict(counts.iter_rows())
    usual: dict[int, float] = {}
    for weekday in range(7):
        own = [by_day[day] for day in days if day.weekday() == weekday and by_day.get(day)]
        usual[weekday] = float(np.median(own)) if own else 24.0
    return {day for day in days if by_day.get(day, 0) >= ENOUGH_HOURS * usual[day.weekday()]}


def series(
    peaks: Mapping[date, float], days: list[date], told: set[date] | None, limit: float
) -> Series:
    """Daily peaks as shares of a limit, from the first day with one.

    ``told`` are days of which a missing peak is one of zero; null where it is never.
    """
    known = [day for day in days if day in peaks]
    if not known:
        return np.array([])
    values = [
        peaks[day] / limit
        if day in peaks and (told is None or day in told)
        else (0.0 if told is not None and day in told else np.nan)
        for day in days
        if day >= known[0]
    ]
    return np.array(values)
