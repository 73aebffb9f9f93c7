"""What moved with the failures: rank correlation at lags of whole minutes.

Neighbouring minutes resemble each other, so a textbook p-value would be far too small, and the best
of many lags is better than one taken at random. So the series is shifted in a circle, away from the
lags searched, and searched there as widely: the p-value is the share of places where that finds as
good a correlation.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.transforms.grid import Series

MOST_LAG_MIN = 10
# Fewer would leave too few places to compare with for a p-value of 0.05.
LEAST_MINUTES = 6 * MOST_LAG_MIN
NEARLY = 0.05


@dataclass(frozen=True, slots=True)
class Match:
    """Spearman's rank correlation at the best lag (minutes, positive: after the failures).

    Lags from ``low_min`` to ``high_min`` do nearly as well, and the data cannot tell them apart.
    """

    lag_min: int
    low_min: int
    high_min: int
    correlation: float
    p_value: float


def match(failures: Series, series: Series) -> Match | None:
    """How a series moved with the failures; null where there is too little to say.

    Both hold one value a minute over the same minutes.
    """
    if len(failures) < LEAST_MINUTES or np.ptp(failures) == 0 or np.ptp(series) == 0:
        return None
    target, moved = _ranks(failures), _ranks(series)
    at_shift = np.array([_correlation(target, np.roll(moved, -step)) for step in range(len(moved))])
    near = np.r_[0 : MOST_LAG_MIN + 1, len(moved) - MOST_LAG_MIN : len(moved)]
    # Ties go to the smallest lag: the grain cannot tell them apart.
    best = min(
        near.tolist(), key=lambda step: (-round(abs(float(at_shift[step])), 6), _lag(step, moved))
    )
    far = np.abs(at_shift[MOST_LAG_MIN + 1 : len(moved) - MOST_LAG_MIN])
    elsewhere = np.lib.stride_tricks.sliding_window_view(far, len(near)).max(axis=1)
    as_good = np.count_nonzero(elsewhere >= abs(at_shift[best]))
    lag = best if best <= MOST_LAG_MIN else best - len(moved)
    alike = [
        other
        for other in range(-MOST_LAG_MIN, MOST_LAG_MIN + 1)
        if abs(at_shift[other]) >= abs(at_shift[best]) - NEARLY
    ]
    return Match(
        lag_min=lag,
        low_min=min(alike),
        high_min=max(alike),
        correlation=float(at_shift[best]),
        p_value=float((as_good + 1) / (len(elsewhere) + 1)),
    )


def _lag(step: int, moved: Series) -> int:
    return min(step, len(moved) - step)


def _ranks(values: Series) -> Series:
    """Ranks, ties sharing their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    upto = np.cumsum(counts)
    result: Series = (upto - (counts - 1) / 2)[inverse]
    return result


def _correlation(left: Series, right: Series) -> float:
    a, b = left - left.mean(), right - right.mean()
    return float((a @ b) / np.sqrt((a @ a) * (b @ b)))
