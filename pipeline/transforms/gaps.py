"""Gaps: stretches in which a source that otherwise speaks was silent."""

from datetime import datetime
from itertools import pairwise

import polars as pl

from pipeline.window import MINUTE, Window

LEAST_MINUTES = 10


def gaps(spoken: pl.Series, window: Window) -> list[tuple[datetime, datetime]]:
    """Silences of at least ten minutes between ``spoken`` minutes and within the window.

    Each is (start, end), half-open. A source that hardly speaks (less than every other minute
    between its first and last) has no gaps worth the name, and none are given.
    """
    said = spoken.unique().sort().to_list()
    if not said:
        return [(window.start, window.stop)]
    between = (said[-1] - said[0]) / MINUTE + 1
    if len(said) * 2 < between and len(said) < 60:
        return []
    edges = [window.start - MINUTE, *said, window.stop]
    return [
        (before + MINUTE, after)
        for before, after in pairwise(edges)
        if after - before - MINUTE >= LEAST_MINUTES * MINUTE
    ]
