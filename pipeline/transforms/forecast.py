"""Forecast: the days that are to come, between bounds, and when a level is crossed.

The interval is conformal: how wide it must be is learnt from what forecasts of the same kind, made
at earlier days of the same series, were off by.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from pipeline.transforms.trend import MEDIAN_ERROR, WEEK, Series, Trend, grows, trend

Places = npt.NDArray[np.int64]
HORIZON = 26 * WEEK
COVERAGE = 0.8
# How many sigmas an interval of that coverage has if errors are normal; before it was tried out on
# the series itself, it is taken half as wide again.
NORMAL = 1.2816
UNTRIED = 1.5 * NORMAL
NARROWEST, WIDEST = 1.0, 6.0
# A back-test begins with so many days of history, looks so far ahead, and needs so many weeks to
# learn from.
FIRST_ORIGIN = 5 * WEEK
AHEAD = 4 * WEEK
LEAST_WEEKS = 8
LEAST_OF_A_WEEK = 4


@dataclass(frozen=True, slots=True)
class Event:
    """What is planned: demand is ``factor`` times as high from ``start`` to ``stop``, both days
    included.
    """

    name: str
    start: date
    stop: date
    factor: float


@dataclass(frozen=True, slots=True)
class Crossing:
    """When a level is reached: at the earliest, probably, at the latest; null is not in sight."""

    low: date | None
    median: date | None
    high: date | None


@dataclass(frozen=True, slots=True)
class BackTest:
    """How forecasts made at earlier days fared: daily values, and how many lay in the interval.

    ``width`` is the half width in sigmas that the interval of the line must have, as was learnt
    from so many forecast ``weeks``; ``day_width`` is that of single days.
    """

    values: int
    inside: int
    weeks: int
    width: float
    day_width: float

    @property
    def tried(self) -> bool:
        """Whether there were weeks enough to learn from."""
        return self.weeks >= LEAST_WEEKS


@dataclass(frozen=True, slots=True)
class Day:
    """What is expected of a day: at least, probably, at most."""

    day: date
    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Fared:
    """A forecast held against what came: its days, those within the interval, and the error.

    ``median_error`` is that of the middle, as a share of the limit at the time.
    """

    made: date
    days: int
    inside: int
    median_error: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """A trend carried on from the day after the series ends; ``grows`` if that is beyond doubt."""

    trend: Trend
    grows: bool
    back_test: BackTest
    first: date
    length: int
    events: tuple[Event, ...]

    def days(self, number: int) -> list[Day]:
        """So many days to come, with the noise of single days in the interval."""
        width = self.back_test.day_width
        return [self._day(self.length + ahead, self.trend.noise, width) for ahead in range(number)]

    def crossing(self, level: float) -> Crossing:
        """When the expected daily peak first comes up to a level within the horizon.

        While growth is in doubt, there is an earliest day and no other; without any, only what is
        planned may cross: no date is invented.
        """
        places = range(self.length, self.length + HORIZON)
        days = [self._day(place, 0.0, self.back_test.width) for place in places]
        low = next((each.day for each in days if each.high >= level), None)
        if self.grows:
            return Crossing(
                low,
                next((each.day for each in days if each.median >= level), None),
                next((each.day for each in days if each.low >= level), None),
            )
        line = self.trend.line(self.length - 1)
        flat = [(place, self._factor(place) * line) for place in places]
        day = next((self._date(place) for place, value in flat if value >= level), None)
        return Crossing(low if self.trend.may_grow else day, day, day)

    def _day(self, place: int, noise: float, width: float) -> Day:
        line, factor = self.trend.line(place), self._factor(place)
        off = width * math.hypot(self.trend.error(place), noise)
        low, median, high = (max(0.0, factor * (line + each)) for each in (-off, 0.0, off))
        return Day(self._date(place), low, median, high)

    def _date(self, place: int) -> date:
        return self.first + timedelta(days=place)

    def _factor(self, place: int) -> float:
        """Weekday and events, as a factor of the line."""
        day = self._date(place)
        planned = (each.factor for each in self.events if each.start <= day <= each.stop)
        return self.trend.weekday[day.weekday()] * math.prod(planned)


def forecast(values: Series, first: date, events: Sequence[Event] = ()) -> Forecast | None:
    """The forecast of a value a day, NaN where a day is missing; null where history is too short.

    Days of events that are over are left out: what was out of the ordinary tells of no trend.
    """
    usual = _without(values, first, events)
    weekday = first.weekday()
    found = trend(usual, weekday)
    if found is None:
        return None
    sure, tested = grows(usual, weekday, found), back_test(usual, weekday)
    return Forecast(found, sure, tested, first, len(values), tuple(events))


def back_test(values: Series, first_weekday: int) -> BackTest:
    """Forecasts made at earlier weeks, held against what came.

    Whether a day lies inside is judged with the width that the other origins alone would give.
    """
    origins = [
        (origin, found)
        for origin in range(FIRST_ORIGIN, len(values) - WEEK + 1, WEEK)
        if (found := trend(values[:origin], first_weekday))
    ]
    weekdays = (np.arange(len(values)) + first_weekday) % WEEK
    weeks = [each for at, found in origins for each in _scores(values, weekdays, at, found)]
    days = [_day_scores(values, weekdays, at, found) for at, found in origins]
    every = [each for of_one in days for each in of_one]
    inside = 0
    for place, own in enumerate(days):
        width = _width([each for at, others in enumerate(days) if at != place for each in others])
        inside += sum(each <= width for each in own)
    return BackTest(len(every), inside, len(weeks), _width(weeks), _width(every))


def _day_scores(values: Series, weekdays: Places, origin: int, found: Trend) -> list[float]:
    """By how many sigmas each day ahead was off."""
    return [
        float(abs(values[day] / found.weekday[weekdays[day]] - found.line(day)))
        / math.hypot(found.error(day), found.noise)
        for day in range(origin, min(origin + AHEAD, len(values)))
        if math.isfinite(values[day])
    ]


def _scores(values: Series, weekdays: Places, origin: int, found: Trend) -> list[float]:
    """By how many sigmas the middle of each week ahead was off."""
    scores = []
    for start in range(origin, min(origin + AHEAD, len(values) - WEEK + 1), WEEK):
        week = np.arange(start, start + WEEK)
        known = week[np.isfinite(values[week])]
        if len(known) < LEAST_OF_A_WEEK:
            continue
        level = float(np.median(values[known] / np.array(found.weekday)[weekdays[known]]))
        middle = start + WEEK // 2
        own = MEDIAN_ERROR * found.noise / math.sqrt(len(known))
        scores.append(abs(level - found.line(middle)) / math.hypot(found.error(middle), own))
    return scores


def _width(scores: Sequence[float]) -> float:
    """The half width that would have held so many of the scores as the interval is to hold."""
    if len(scores) < LEAST_WEEKS:
        return UNTRIED
    rank = min(len(scores), math.ceil(COVERAGE * (len(scores) + 1)))
    return min(max(sorted(scores)[rank - 1], NARROWEST), WIDEST)


def _without(values: Series, first: date, events: Sequence[Event]) -> Series:
    """The values, NaN on the days of events."""
    days = [first + timedelta(days=place) for place in range(len(values))]
    out = [any(each.start <= day <= each.stop for each in events) for day in days]
    return np.where(out, np.nan, values)
