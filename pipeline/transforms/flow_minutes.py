"""Minutes of flow logs: which of them they cover, which are worth reading, what they say then.

A flow that goes on tells so every five minutes, and one such tuple may be lost: of a longer silence
nobody knows whether logs are missing or nothing went out, so it is not covered.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import polars as pl

from pipeline.transforms.grid import minutes
from pipeline.window import MINUTE, Window

SILENCE = 10 * MINUTE
HOUR = timedelta(hours=1)
# Spans are read one at a time, so that memory does not grow with the weeks.
LONGEST = 6 * HOUR
# A call may begin in another minute than its flow, and count for one port more than there is.
SLACK = 1.0


def covered(flow_minutes: pl.DataFrame, window: Window) -> pl.DataFrame:
    """The minutes of a window that flow logs cover: column ``minute``."""
    told = flow_minutes.select("minute", told="minute").sort("minute")
    around = minutes(window).join_asof(told, on="minute", strategy="backward")
    both = around.join_asof(told.rename({"told": "next"}), on="minute", strategy="forward")
    return both.filter(pl.col("next") - pl.col("told") <= SILENCE).select("minute")


def worth_reading(
    flow_minutes: pl.DataFrame, fullness: pl.DataFrame, window: Window, most: int
) -> list[Window]:
    """Spans of the hours to read: the fullest first, until so many tuples are read.

    ``fullness`` (minute, share) says how full what matters was by other data.
    """
    hour = pl.col("minute").dt.truncate("1h").alias("hour")
    tuples = flow_minutes.group_by(hour).agg(pl.col("tuples").sum())
    ranked = (
        fullness.group_by(hour)
        .agg(pl.col("share").max())
        .join(tuples, on="hour")
        .sort("share", "hour", descending=[True, False])
        .filter(pl.col("tuples").cum_sum() <= most)
    )
    return list(_spans(sorted(ranked["hour"].to_list()), window))


def _spans(hours: list[datetime], window: Window) -> Iterator[Window]:
    """Hours that follow one another as one span."""
    begun = 0
    for place, hour in enumerate(hours):
        last = place + 1 == len(hours)
        stop = hour + HOUR
        if last or hours[place + 1] != stop or stop - hours[begun] >= LONGEST:
            yield Window(max(hours[begun], window.start), min(stop, window.stop))
            begun = place + 1


def by_source(flow_ports_by_minute: pl.DataFrame, there: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Ports of each source to one destination (minute, lower, upper) in minutes that are covered;
    one without a row is as the one before it.
    """
    return {
        str(source): there.join_asof(
            rows.sort("minute").rename({"minute": "as_of"}), left_on="minute", right_on="as_of"
        ).select(
            "minute",
            lower=pl.col("lower_peak").fill_null(0).cast(pl.Float64),
            upper=pl.col("upper_peak").fill_null(0).cast(pl.Float64),
        )
        for (source,), rows in flow_ports_by_minute.group_by(["source_ip"], maintain_order=True)
    }


def fullest(sources: dict[str, pl.DataFrame], *, shared: bool) -> pl.DataFrame:
    """The levels of the fullest source at each minute; of a pool that they share, of all.

    Peaks of a minute need not meet, so their sum is a most, and the highest a least.
    """
    upper = pl.col("upper")
    return (
        pl.concat(list(sources.values()))
        .group_by("minute", maintain_order=True)
        .agg(pl.col("lower").max(), upper.sum() if shared else upper.max())
        .sort("minute")
    )


def estimated(minutes: pl.DataFrame, most: float) -> pl.DataFrame:
    """The same with an estimate: connections are told one by one, so what may be held is held, up
    to the most that can be.
    """
    held = pl.max_horizontal("lower", pl.min_horizontal("upper", pl.lit(most)))
    return minutes.select("minute", "lower", held.alias("estimate"), "upper")


def borne_out(minutes: pl.DataFrame, by_logs: pl.DataFrame) -> pl.DataFrame:
    """The minutes in which flow logs tell of as many ports as calls surely held.

    Where they tell of fewer, a source's logs are missing: they cover nothing there.
    """
    surely = by_logs.select("minute", surely="lower")
    return (
        minutes.join(surely, on="minute")
        .filter(pl.col("upper") + SLACK >= pl.col("surely"))
        .drop("surely")
    )
