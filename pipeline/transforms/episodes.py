"""Episodes: stretches of minutes in which a level was reached."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pipeline.window import MINUTE

# Shorter pauses do not end an episode.
PAUSE = 5 * MINUTE


@dataclass(frozen=True, slots=True)
class Episode:
    """From the first minute on, up to and without ``stop``; ``minutes`` are those in it."""

    start: datetime
    stop: datetime
    minutes: int


def episodes(reached: list[datetime]) -> list[Episode]:
    """The minutes, which are in order, as episodes."""
    return list(_episodes(reached))


def _episodes(reached: list[datetime]) -> Iterator[Episode]:
    begun = 0
    for place, minute in enumerate(reached):
        last = place + 1 == len(reached)
        if last or reached[place + 1] - minute > PAUSE:
            yield Episode(reached[begun], minute + MINUTE, place + 1 - begun)
            begun = place + 1


def above(minutes: pl.DataFrame, column: str, level: float) -> list[Episode]:
    """The episodes in which a column of minutes came up to a level."""
    reached = minutes.filter(pl.col(column) >= level).sort("minute")
    return episodes(reached["minute"].to_list())


def misses(minutes: pl.DataFrame, limit: float, starved: list[datetime]) -> list[Episode]:
    """Those in which the upper bound came up to the limit, and no call went without."""
    hit = sorted(starved)
    return [
        each
        for each in above(minutes, "upper", limit)
        if not any(each.start <= minute < each.stop for minute in hit)
    ]
