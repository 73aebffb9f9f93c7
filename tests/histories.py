"""Generated histories of daily peaks, whose true course is known.

A history is what a lake would hold at its end; the truth is the same course without noise, carried
on, so that the day of crossing is known.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from pipeline.transforms.forecast import HORIZON
from pipeline.transforms.trend import Series

FIRST = date(2026, 1, 5)
# A weekday's peak as a share of Monday's; weekends are quiet to various degrees.
OFFICE = np.array([1.0, 0.98, 1.02, 1.0, 0.95, 1.0, 1.0])


@dataclass(frozen=True, slots=True)
class History:
    """Daily peaks as shares of the limit, and the day from its end on which 80 % is crossed."""

    kind: str
    values: Series
    crossing: int | None

    @property
    def first(self) -> date:
        return FIRST

    @property
    def end(self) -> date:
        """The first day that is to come."""
        return FIRST + timedelta(days=len(self.values))


Course = Callable[[np.random.Generator, Series, int], Series]


def linear(rng: np.random.Generator, days: Series, now: int) -> Series:
    """Growth by the same amount each day, that crosses within the horizon or not long after."""
    today = rng.uniform(0.3, 0.65)
    lead = rng.uniform(14, 200)
    return today + (days - now) * (0.8 - today) / lead


def seasonal(rng: np.random.Generator, days: Series, now: int) -> Series:
    """The same, with quiet weekends."""
    weekend = rng.uniform(0.3, 0.8)
    factors = OFFICE.copy()
    factors[5:] = weekend
    weekdays = (days.astype(int) + FIRST.weekday()) % 7
    course: Series = linear(rng, days, now) * factors[weekdays]
    return course


def stepped(rng: np.random.Generator, days: Series, now: int) -> Series:
    """Growth with one jump that stayed, such as a customer that moved in."""
    at = rng.uniform(now * 0.25, now * 0.75)
    return linear(rng, days, now) - np.where(days < at, rng.uniform(0.08, 0.2), 0.0)


def staircase(rng: np.random.Generator, days: Series, now: int) -> Series:
    """Growth in steps alone: a customer moves in every other week or month."""
    every = int(rng.integers(10, 29))
    return linear(rng, days - (days - now) % every, now)


def flat_step(rng: np.random.Generator, days: Series, now: int) -> Series:
    """No growth but one jump that stayed."""
    at = rng.uniform(now * 0.25, now * 0.75)
    return rng.uniform(0.4, 0.65) - np.where(days < at, rng.uniform(0.08, 0.25), 0.0)


def flat(rng: np.random.Generator, days: Series, now: int) -> Series:
    """No growth."""
    return np.full(len(days), rng.uniform(0.3, 0.7))


def shrinking(rng: np.random.Generator, days: Series, now: int) -> Series:
    """Fewer ports each day."""
    today = rng.uniform(0.3, 0.65)
    return np.maximum(today - (days - now) * rng.uniform(0.0005, 0.003), 0.05)


KINDS: dict[str, Course] = {
    each.__name__: each
    for each in (linear, seasonal, stepped, staircase, flat_step, flat, shrinking)
}


def history(kind: str, rng: np.random.Generator) -> History:
    """A history of that kind: noise that days share, outages, missing days, and a day too high."""
    length = int(rng.choice([42, 63, 91, 91]))
    days = np.arange(length + HORIZON, dtype=float)
    true = KINDS[kind](rng, days, length)
    after = np.flatnonzero(true[length:] >= 0.8)
    noise = rng.normal(0, rng.uniform(0.02, 0.08), length)
    shared = rng.uniform(0, 0.4)
    for day in range(1, length):
        noise[day] = shared * noise[day - 1] + np.sqrt(1 - shared**2) * noise[day]
    values = true[:length] * np.exp(noise)
    for _ in range(int(rng.integers(0, 3))):
        values[rng.integers(length)] *= rng.uniform(0.0, 0.3)
    if rng.random() < 0.3:
        values[rng.integers(length)] *= rng.uniform(1.3, 2.0)
    for _ in range(int(rng.integers(0, 3))):
        gap = int(rng.integers(length))
        values[gap : gap + int(rng.integers(1, 6))] = np.nan
    return History(kind, values, int(after[0]) if len(after) else None)
