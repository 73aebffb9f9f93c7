"""Outlook of capacity: growth, crossings and forecasts of one resource; values in and out."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec
import numpy as np
import polars as pl

from pipeline import capacity_finding as finding
from pipeline.capacity_demand import rounded
from pipeline.capacity_readings import Readings
from pipeline.level import Level
from pipeline.reviewed import Reviewed
from pipeline.transforms import forecast
from pipeline.transforms.daily import series
from pipeline.transforms.trend import LEAST_DAYS, WEEK, Series, trend
from pipeline.wording import factor, of

GROWTH_DAYS = (30, 60, 90)
# A window of growth must be told of for the most part.
MOST = 0.75
LEVELS = (0.8, 1.0)
NEVER = finding.Crossing(low=None, median=None, high=None)


@dataclass(frozen=True, slots=True)
class Dates:
    """The days of a resource with their peaks, and what is made of them."""

    days: list[date]
    values: Series
    said: forecast.Forecast | None
    growth: finding.Growth
    crossing: finding.Crossings
    crossing_upper: finding.Crossings
    outlook: finding.Outlook


def dates(level: Level, known: Reviewed, given: Readings) -> Dates:
    """Growth, crossings and forecast of a resource, by the same data on all days.

    Flow logs are read of the weeks reviewed alone: where these lead, all days by gateway logs are
    taken times what they measured of those, unless that is so much that it refutes them.
    """
    days, values = daily(level, known, upper=False)
    _, upper = daily(level, known, upper=True)
    if given.refuted:
        reached = _reached(given.led, level.resource.limit)
        says = refuted(values, given.scale)
        return Dates(days, values, None, finding.Growth(None, None, None), reached, reached, says)
    values = values * given.scale
    # What is not there any more crosses nothing.
    there = given.minutes.height > 0
    own = level.resource
    planned = [
        forecast.Event(each.name, each.start, each.stop, each.factor)
        for each in known.settings.event
        if each.concerns(own.gateway, own.destination)
    ]
    said = forecast.forecast(values, days[0], planned) if days and there else None
    said_upper = forecast.forecast(upper, days[0], planned) if days and there else None
    return Dates(
        days,
        values,
        said,
        growth(values, days),
        crossings(said, days, values),
        crossings(said_upper, days, upper),
        _scaled(rests_on(said, values, days), given.scale) if there else gone(values),
    )


def _scaled(says: finding.Outlook, scale: float) -> finding.Outlook:
    """The same, and by how much days were taken times."""
    if factor(scale) == factor(1.0):
        return says
    added = (
        f"Of all days, peaks by gateway logs are taken {factor(scale)}: as much as flow logs "
        "measured in the weeks reviewed."
    )
    return msgspec.structs.replace(says, says=f"{says.says} {added}")


def daily(level: Level, known: Reviewed, *, upper: bool) -> tuple[list[date], Series]:
    """The daily peaks as shares of the limit, from the first one on."""
    peaks = {each.day: each.upper for each in level.days} if upper else level.peaks()
    ports = level.resource.kind == "ports"
    of_gateway = known.days_told.get(level.resource.gateway, set()) if ports else None
    values = series(peaks, known.days, of_gateway, level.resource.limit)
    return known.days[len(known.days) - len(values) :], values


def growth(values: Series, days: list[date]) -> finding.Growth:
    """The rise of the daily peak, over each window that history fills."""
    slopes = []
    for length in GROWTH_DAYS:
        recent = values[-length:]
        enough = len(recent) == length and np.isfinite(recent).sum() >= MOST * length
        found = trend(recent, days[-length].weekday()) if enough else None
        slopes.append(None if found is None else round(found.slope, 6))
    return finding.Growth(days_30=slopes[0], days_60=slopes[1], days_90=slopes[2])


def crossings(
    said: forecast.Forecast | None, days: list[date], values: Series
) -> finding.Crossings:
    """When levels were reached, or will be."""
    if said is None:
        passed = [_passed(days, values, level) for level in LEVELS]
        return finding.Crossings(at_80=passed[0] or NEVER, at_100=passed[1] or NEVER)
    found = [_passed(days, values, level) or _to_come(said, level) for level in LEVELS]
    return finding.Crossings(at_80=found[0], at_100=found[1])


def _to_come(said: forecast.Forecast, level: float) -> finding.Crossing:
    found = said.crossing(level)
    return finding.Crossing(
        **{
            name: None if day is None else day.isoformat()
            for name, day in (("low", found.low), ("median", found.median), ("high", found.high))
        }
    )


def _passed(days: list[date], values: Series, level: float) -> finding.Crossing | None:
    """The day from which on the level was reached in every week up to now; null if it was not."""
    reached = [day for day, value in zip(days, values, strict=True) if value >= level]
    since = days[-1] + timedelta(days=1) if days else date.min
    for day in reversed(reached):
        if since - day > timedelta(days=WEEK):
            break
        since = day
    if not reached or since > reached[-1]:
        return None
    return finding.Crossing(low=f"{since}", median=f"{since}", high=f"{since}")


def _reached(minutes: pl.DataFrame, limit: float) -> finding.Crossings:
    """When levels were first reached in the weeks reviewed; what is to come nobody knows."""
    found = []
    for level in LEVELS:
        first = minutes.filter(pl.col("estimate") >= level * limit)["minute"].min()
        day = f"{first:%Y-%m-%d}" if isinstance(first, datetime) else None
        found.append(finding.Crossing(low=day, median=day, high=day))
    return finding.Crossings(at_80=found[0], at_100=found[1])


def rests_on(said: forecast.Forecast | None, values: Series, days: list[date]) -> finding.Outlook:
    """What the forecast rests on, or why there is none."""
    history = int(np.isfinite(values).sum())
    if said is None:
        return finding.Outlook(
            days_of_history=history,
            known=False,
            says=f"Too little history: {of(history, 'whole day')}, and a forecast takes "
            f"{LEAST_DAYS}. No date is given.",
            back_test=None,
            jump=None,
        )
    test = said.back_test
    if not said.trend.may_grow:
        says = "No growth beyond the noise of the days: only something planned may cross."
    elif not said.grows:
        says = (
            "Growth is in doubt: chance or a single step would explain the days as well. So there "
            "is an earliest day at most, and no date."
        )
    elif test.tried:
        says = "The interval is as wide as earlier forecasts of this series were off."
    else:
        says = (
            "Too few weeks to try out earlier forecasts: the interval is a guess on the wide side."
        )
    return finding.Outlook(
        days_of_history=history,
        known=True,
        says=says,
        back_test=finding.BackTest(
            days=test.values,
            inside=test.inside,
            aimed_at=forecast.COVERAGE,
            calibrated=test.tried,
        ),
        jump=None if said.trend.jump is None else f"{days[said.trend.jump]}",
    )


def refuted(values: Series, scale: float) -> finding.Outlook:
    """Why nothing is made of daily peaks that flow logs do not bear out."""
    times = f"are {factor(scale)} those" if np.isfinite(scale) else "are where there are none"
    return finding.Outlook(
        days_of_history=int(np.isfinite(values).sum()),
        known=False,
        says=f"Peaks that flow logs measured {times} by gateway logs in the same minutes, and of "
        "the weeks before only the latter are read: no growth and no date is made of them.",
        back_test=None,
        jump=None,
    )


def gone(values: Series) -> finding.Outlook:
    """Why nothing is foretold of what is not there any more."""
    return finding.Outlook(
        days_of_history=int(np.isfinite(values).sum()),
        known=False,
        says="Nothing is told of it in the weeks reviewed; what it did before foretells nothing.",
        back_test=None,
        jump=None,
    )


def scored(fared: forecast.Fared | None) -> finding.Scored | None:
    """How an earlier forecast fared."""
    if fared is None:
        return None
    return finding.Scored(
        made=f"{fared.made}",
        days=fared.days,
        inside=fared.inside,
        median_error=rounded(fared.median_error),
        says=f"Foretold on {fared.made}: {fared.inside} of {fared.days} daily peaks lay in the "
        f"interval, the middle was off by {100 * fared.median_error:.1f} % of the limit (median).",
    )
