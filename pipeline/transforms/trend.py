"""Trend: the robust slope of a daily series, with the weekday pattern and one jump taken out.

The slope is that of Theil and Sen, the median over all pairs of days, so that single days of any
height do not move it. A jump that stays (a customer that moved in) is no growth: where one explains
the series better than a straight line, only pairs on the same side of it count.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Series = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]

WEEK = 7
# With fewer days observed nothing is said; with fewer weeks there is no weekday pattern to know.
LEAST_DAYS = 21
PATTERN_DAYS = 21
# A jump needs so many observed days on both sides, and must explain so much more.
SIDE = 10
JUMP_PENALTY = 4.0
# Growth is not in doubt if the slope is so many times its error, and the line explains the series
# so much better than one step and no growth would; more, where the line itself needs a jump.
SURE = 3.0
LEAST_GAIN, LEAST_GAIN_WITH_JUMP = 6.0, 18.0
SHORTEST_STEP = 3
# A spread of nothing would make everything certain.
LEAST_NOISE = 1e-3
MOST_CORRELATION = 0.8
TO_SIGMA = 1.4826
# The median of n values errs by so much more than their mean.
MEDIAN_ERROR = 1.2533


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through a daily series, day 0 being its first; its errors are one sigma.

    ``weekday`` holds the factor of each weekday, Monday first. ``noise`` is the spread of single
    days around line and pattern, before the weekday's factor. ``jump`` is the day that a jump which
    stayed came on, null where there is none.
    """

    level: float
    slope: float
    slope_error: float
    level_error: float
    centre: float
    noise: float
    weekday: tuple[float, ...]
    jump: int | None
    days: int

    def line(self, day: float) -> float:
        """The line at a day, without the weekday's factor."""
        return self.level + self.slope * (day - self.centre)

    def error(self, day: float) -> float:
        """How far the line itself may be off there, one sigma."""
        return float(np.hypot(self.level_error, self.slope_error * (day - self.centre)))

    @property
    def may_grow(self) -> bool:
        """Whether the slope is above zero beyond its error: twice that is asked for."""
        return self.slope > 2 * self.slope_error


def trend(values: Series, first_weekday: int) -> Trend | None:
    """The trend of a value a day, NaN where a day is missing; null where there are too few.

    ``first_weekday`` is that of the first day, 0 for Monday.
    """
    days = np.flatnonzero(np.isfinite(values))
    if len(days) < LEAST_DAYS:
        return None
    told = values[days]
    weekdays = (days + first_weekday) % WEEK
    factors = np.ones(WEEK)
    jump: int | None = None
    for _ in range(2 if days[-1] - days[0] >= PATTERN_DAYS else 1):
        level = told / factors[weekdays]
        slope, jump = _slope(days, level)
        fitted = _fitted(days, level, slope, jump)
        if days[-1] - days[0] >= PATTERN_DAYS:
            factors = _pattern(told, fitted, weekdays)
    level = told / factors[weekdays]
    slope, jump = _slope(days, level)
    residuals = level - _fitted(days, level, slope, jump)
    last = days >= (jump or 0)
    noise = max(TO_SIGMA * _median(np.abs(residuals)), LEAST_NOISE)
    inflation = _inflation(residuals, noise)
    centre = float(days[last].mean())
    return Trend(
        level=_median(level[last] - slope * (days[last] - centre)),
        slope=slope,
        slope_error=noise * inflation / float(np.sqrt(_spread(days, jump))),
        level_error=MEDIAN_ERROR * noise * inflation / float(np.sqrt(last.sum())),
        centre=centre,
        noise=noise,
        weekday=tuple(float(each) for each in factors),
        jump=jump,
        days=len(days),
    )


def grows(values: Series, first_weekday: int, found: Trend) -> bool:
    """Whether a series grows beyond doubt: its trend is no chance, and no single step in disguise.

    A step that the noise blurs, or one near either end, looks much like slow growth.
    """
    if found.slope <= SURE * found.slope_error:
        return False
    days = np.flatnonzero(np.isfinite(values))
    level = values[days] / np.array(found.weekday)[(days + first_weekday) % WEEK]
    places = days[SHORTEST_STEP : len(days) - SHORTEST_STEP + 1]
    of_step = min(_left(days, level, 0.0, int(place)) for place in places)
    of_line = _left(days, level, found.slope, found.jump)
    least = LEAST_GAIN if found.jump is None else LEAST_GAIN_WITH_JUMP
    return _gain(len(days), of_step, of_line) > least


def _gain(days: int, left: float, by_another: float) -> float:
    """How much better another line explains days than one does, as a likelihood ratio would say."""
    return 2 * days * math.log(max(left, 1e-12) / max(by_another, 1e-12))


def _slope(days: Days, level: Series) -> tuple[float, int | None]:
    """The slope, and the day of the jump that explains the series better, if one does."""
    early, late = np.triu_indices(len(days), 1)
    slopes = (level[late] - level[early]) / (days[late] - days[early])
    plain = _median(slopes)
    least = _left(days, level, plain, None)
    places = np.arange(SIDE, len(days) - SIDE + 1, 2)
    if not len(places):
        return plain, None
    behind = np.array([_median(slopes[(late < each) | (early >= each)]) for each in places])
    left = _left_of_jumps(days, level, behind, places)
    best = int(np.argmin(left))
    if _gain(len(days), least, min(least, left[best])) > JUMP_PENALTY * math.log(len(days)):
        return float(behind[best]), int(days[places[best]])
    return plain, None


def _left_of_jumps(days: Days, level: Series, slopes: Series, places: Days) -> Series:
    """What lines leave unexplained that jump at the day of each place, all at once."""
    lines = slopes[:, None] * days
    flat = level - lines
    later = np.arange(len(days)) >= places[:, None]
    # What is not of a side sorts behind what is.
    before = _middles(np.sort(np.where(later, np.inf, flat), axis=1), places)
    after = _middles(np.sort(np.where(later, flat, np.inf), axis=1), len(days) - places)
    fitted = lines + np.where(later, after[:, None], before[:, None])
    left: Series = np.abs(level - fitted).sum(axis=1)
    return left


def _middles(ordered: Series, numbers: Days) -> Series:
    """The median of so many values of each row, which are in order."""
    rows = np.arange(len(ordered))
    middles: Series = (ordered[rows, (numbers - 1) // 2] + ordered[rows, numbers // 2]) / 2
    return middles


def _left(days: Days, level: Series, slope: float, jump: int | None) -> float:
    """What the line leaves unexplained."""
    return float(np.abs(level - _fitted(days, level, slope, jump)).sum())


def _fitted(days: Days, level: Series, slope: float, jump: int | None) -> Series:
    """The line of that slope; on each side of a jump at the height of its own days."""
    flat = level - slope * days
    place = 0 if jump is None else int(np.searchsorted(days, jump))
    heights = np.full(len(days), _median(flat[place:]))
    if place:
        heights[:place] = _median(flat[:place])
    line: Series = slope * days + heights
    return line


def _median(values: Series) -> float:
    """The same as NumPy's, of values none of which is missing, in a tenth of the time for few."""
    middle = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, middle)[middle])
    low, high = np.partition(values, (middle - 1, middle))[middle - 1 : middle + 1]
    return float((low + high) / 2)


def _pattern(told: Series, fitted: Series, weekdays: Days) -> Series:
    """The factor of each weekday; they have a mean of 1. A weekday told less than twice has 1."""
    above = fitted > LEAST_NOISE
    factors = np.ones(WEEK)
    for weekday in range(WEEK):
        own = above & (weekdays == weekday)
        if own.sum() >= 2:
            factors[weekday] = max(_median(told[own] / fitted[own]), 0.01)
    factors /= factors.mean()
    return factors


def _spread(days: Days, jump: int | None) -> float:
    """The squares of the distances of days from the middle of their side, added up."""
    sides = [days] if jump is None else [days[days < jump], days[days >= jump]]
    return sum(float(((side - side.mean()) ** 2).sum()) for side in sides)


def _inflation(residuals: Series, noise: float) -> float:
    """How much less days tell for being like the day before, as a factor of errors."""
    held = np.clip(residuals, -3 * noise, 3 * noise)
    square = float((held**2).sum())
    correlation = float((held[1:] * held[:-1]).sum()) / square if square else 0.0
    correlation = min(max(correlation, 0.0), MOST_CORRELATION)
    return float(np.sqrt((1 + correlation) / (1 - correlation)))
