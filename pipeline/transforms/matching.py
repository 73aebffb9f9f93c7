"""Matching: minutes of two periods of the same weekday, hour of day and load, in pairs.

A pair has one minute of each period, and no minute is in two. So weekday, hour and load are alike
on both sides by construction, and what differs is something else. Within an hour of the week, in
the order of their load, this makes as many pairs as can be made within a caliper (Rosenbaum and
Rubin 1985, Constructing a control group, The American Statistician 39).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.window import Window

# The busier minute of a pair has at most so many times the requests of the other.
LOAD_BAND = 1.25
HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of minutes in order of time: columns before, after, requests_before, requests_after and
    hour, which is the hour of the week from Monday 00:00 UTC. Beside them what there was to pair.
    """

    frame: pl.DataFrame
    minutes_before: int
    minutes_after: int

    @property
    def hours(self) -> npt.NDArray[np.int64]:
        """Hours of the week as they stand in the pairs, counted from 0."""
        return np.unique(self.frame["hour"].to_numpy(), return_inverse=True)[1]

    @property
    def number_of_hours(self) -> int:
        """How many hours of the week have a pair."""
        return self.frame["hour"].n_unique()


def within(requests_by_minute: pl.DataFrame, period: Window) -> pl.DataFrame:
    """The minutes of a period that have requests: minute, requests and hour of the week."""
    return (
        requests_by_minute.filter(
            pl.col("minute") >= period.start, pl.col("minute") < period.stop, pl.col("requests") > 0
        )
        .select(
            "minute",
            "requests",
            hour=(pl.col("minute").dt.weekday().cast(pl.Int64) - 1) * HOURS_A_DAY
            + pl.col("minute").dt.hour().cast(pl.Int64),
        )
        .sort("requests", "minute")
    )


def pairs(before: pl.DataFrame, after: pl.DataFrame, band: float = LOAD_BAND) -> Pairs:
    """Pairs of the minutes of two periods, as ``within`` gives them."""
    later = {hour: rows for (hour,), rows in after.group_by(["hour"], maintain_order=True)}
    found = [
        _of_an_hour(rows, later[hour], band)
        for (hour,), rows in before.group_by(["hour"], maintain_order=True)
        if hour in later
    ]
    empty = _of_an_hour(before.clear(), after.clear(), band)
    frame = pl.concat([empty, *found]).sort("before")
    return Pairs(frame, before.height, after.height)


def _of_an_hour(before: pl.DataFrame, after: pl.DataFrame, band: float) -> pl.DataFrame:
    """The lightest minutes first: where they do not fit, the lighter one fits none that is left."""
    loads_before, loads_after = before["requests"].to_list(), after["requests"].to_list()
    left, right = [], []
    i = j = 0
    while i < len(loads_before) and j < len(loads_after):
        light, heavy = sorted((loads_before[i], loads_after[j]))
        if heavy <= band * light:
            left.append(i)
            right.append(j)
        i, j = (
            i + (heavy <= band * light or loads_before[i] < loads_after[j]),
            j + (heavy <= band * light or loads_after[j] < loads_before[i]),
        )
    return pl.concat(
        [
            before[left].select("hour", before="minute", requests_before="requests"),
            after[right].select(after="minute", requests_after="requests"),
        ],
        how="horizontal",
    )
