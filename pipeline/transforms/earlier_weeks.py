"""Earlier weeks: what was usual at the same weekday and hour."""

from datetime import datetime, timedelta

import polars as pl

from pipeline.window import MINUTE

WEEK = timedelta(weeks=1)
MOST_WEEKS = 4
# The hour around the same minute, of which at least so many minutes must be told.
AROUND = timedelta(minutes=30)
LEAST_MINUTES = 20


def earlier_weeks(calls_by_minute: pl.DataFrame, minute: datetime) -> list[float]:
    """Calls a minute (the median of an hour) at this weekday and hour, one number an earlier week.

    The latest week comes first; weeks of which the data tells too little are left out.
    """
    found = []
    for week in range(1, MOST_WEEKS + 1):
        same = minute - week * WEEK
        told = calls_by_minute.filter(
            pl.col("minute").is_between(same - AROUND, same + AROUND - MINUTE)
        )["calls"]
        if len(told) >= LEAST_MINUTES:
            found.append(float(told.median()))  # type: ignore[arg-type]
    return found
