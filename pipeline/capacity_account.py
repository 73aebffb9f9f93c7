"""Account of capacity: what is known of one resource, as the review tells it; values in and out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from pipeline import capacity_finding as finding
from pipeline.config import Settings
from pipeline.foretold import Fared
from pipeline.levels import Level
from pipeline.limits import Way
from pipeline.transforms import episodes, forecast, offenders, options
from pipeline.transforms.daily import series
from pipeline.transforms.trend import LEAST_DAYS, Series, trend
from pipeline.window import Window, told

GROWTH_DAYS = (30, 60, 90)
# A window of growth must be told of for the most part.
MOST = 0.75
LEVELS = (0.8, 1.0)
NEVER = finding.Crossing(low=None, median=None, high=None)
NO_CROSSINGS = finding.Crossings(at_80=NEVER, at_100=NEVER)
# What comes up to here acts, or is watched; and so does what crosses a level within so many days.
ACT_AT, WATCH_AT = 0.9, 0.7
ACT_DAYS, WATCH_DAYS = 28, 91
MISSES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What the whole review knows: its window, its days, and what each gateway's days tell.

    ``days_told`` has for each gateway the days whose logs are there for the most part.
    """

    settings: Settings
    review: Window
    days: list[date]
    days_told: Mapping[str, set[date]]
    ways: Mapping[str, Way]
    reuse: Mapping[str, float]
    demand_by_week: pl.DataFrame
    traffic: pl.DataFrame
    starved: pl.DataFrame
    fared: Mapping[tuple[str, str, str, str], Fared]
    weeks: int


@dataclass(frozen=True, slots=True)
class Told:
    """A resource as the review tells it, with what figures draw of it."""

    resource: finding.Resource
    level: Level
    days: list[date]
    values: Series
    forecast: forecast.Forecast | None


def account(level: Level, known: Reviewed) -> Told:
    """All that is told of a resource."""
    own = level.resource
    days, values = _days(level, known, "estimate")
    _, upper = _days(level, known, "upper")
    planned = [
        forecast.Event(each.name, each.start, each.stop, each.factor)
        for each in known.settings.event
        if each.concerns(own.gateway, own.destination)
    ]
    minutes = level.by_minute()
    # What is not there any more crosses nothing.
    there = bool(days) and minutes.height > 0
    said = forecast.forecast(values, days[0], planned) if there else None
    said_upper = forecast.forecast(upper, days[0], planned) if there else None
    used = _utilisation(minutes, own.limit)
    crossing = _crossings(said, days, values)
    ports = own.kind == "ports"
    misses = (
        episodes.misses(minutes, own.limit, _starved(known, level)) if ports else []
    )
    resource = finding.Resource(
        id=" ".join(filter(None, (own.kind, own.gateway, own.destination, own.instance))),
        kind=own.kind,  # type: ignore[arg-type]
        gateway=own.gateway,
        destination=own.destination,
        instance=own.instance,
        unit=own.unit,
        basis=own.basis,  # type: ignore[arg-type]
        sign=_sign(used, crossing, said, known.review.stop.date()),
        utilisation=used,
        limit=own.limit,
        limit_from=own.limit_from,
        limit_is_fact=own.limit_is_fact,
        headroom=None if used is None else round(max(0.0, 1 - used.peak), 4),
        sharing=level.sharing,
        growth=_growth(values, days),
        crossing=crossing,
        crossing_upper=_crossings(said_upper, days, upper),
        outlook=_outlook(said, values, days) if there else _gone(values),
        alerts=[_alert(minutes, own.limit, at) for at in sorted(known.settings.capacity.alerts)],
        near_misses=_misses(minutes, own.limit, misses),
        near_miss_minutes=sum(each.minutes for each in misses),
        offenders=_offenders(level, known) if ports else [],
        last_forecast_scored=_scored(known.fared.get(own.key)),
        options=_options(level, known, used) if ports else [],
        shift=_shift(level, known) if ports else None,
        peak_before=_peak_before(level, known),
    )
    return Told(resource, level, days, values, said)


def _days(level: Level, known: Reviewed, column: str) -> tuple[list[date], Series]:
    """The daily peaks as shares of the limit, from the first one on."""
    peaks = {each["day"]: each[column] for each in level.days}
    ports = level.resource.kind == "ports"
    of_gateway = known.days_told.get(level.resource.gateway, set()) if ports else None
    values = series(peaks, known.days, of_gateway, level.resource.limit)  # type: ignore[arg-type]
    return known.days[len(known.days) - len(values) :], values


def _utilisation(minutes: pl.DataFrame, limit: float) -> finding.Utilisation | None:
    if minutes.is_empty():
        return None
    shares = minutes["estimate"].to_numpy() / limit
    top = int(np.argmax(shares))
    return finding.Utilisation(
        p50=_round(np.quantile(shares, 0.5)),
        p95=_round(np.quantile(shares, 0.95)),
        p99=_round(np.quantile(shares, 0.99)),
        peak=_round(shares[top]),
        peak_at=told(minutes["minute"][top]),
        lower_peak=_round(minutes["lower"].max() / limit),  # type: ignore[operator]
        upper_peak=_round(minutes["upper"].max() / limit),  # type: ignore[operator]
        minutes=minutes.height,
    )


def _growth(values: Series, days: list[date]) -> finding.Growth:
    slopes = []
    for length in GROWTH_DAYS:
        recent = values[-length:]
        enough = len(recent) == length and np.isfinite(recent).sum() >= MOST * length
        found = trend(recent, days[-length].weekday()) if enough else None
        slopes.append(None if found is None else round(found.slope, 6))
    return finding.Growth(days_30=slopes[0], days_60=slopes[1], days_90=slopes[2])


def _crossings(
    said: forecast.Forecast | None, days: list[date], values: Series
) -> finding.Crossings:
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
        if since - day > timedelta(days=forecast.WEEK):
            break
        since = day
    if not reached or since > reached[-1]:
        return None
    return finding.Crossing(low=f"{since}", median=f"{since}", high=f"{since}")


def _outlook(said: forecast.Forecast | None, values: Series, days: list[date]) -> finding.Outlook:
    history = int(np.isfinite(values).sum())
    if said is None:
        return finding.Outlook(
            days_of_history=history,
            known=False,
            says=f"Too little history: {history} whole days are known, and a forecast takes "
            f"{LEAST_DAYS}. No date is given.",
            back_test=None,
            jump=None,
        )
    test = said.back_test
    if not said.trend.grows:
        says = "No growth beyond the noise of the days: no date is given unless something planned crosses."
    elif test.tried:
        says = "The interval is as wide as earlier forecasts of this series were off."
    else:
        says = "Too few weeks to try out earlier forecasts: the interval is a guess on the wide side."
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


def _gone(values: Series) -> finding.Outlook:
    return finding.Outlook(
        days_of_history=int(np.isfinite(values).sum()),
        known=False,
        says="Nothing is told of it in the weeks reviewed; what it did before foretells nothing.",
        back_test=None,
        jump=None,
    )


def _sign(
    used: finding.Utilisation | None,
    crossing: finding.Crossings,
    said: forecast.Forecast | None,
    today: date,
) -> finding.Sign:
    if used is None:
        return "unknown"
    soon = _within(crossing.at_100.median, today, ACT_DAYS)
    if used.peak >= ACT_AT or soon:
        return "act"
    near = _within(crossing.at_80.low, today, WATCH_DAYS)
    wide = used.upper_peak >= 1 and used.peak >= WATCH_AT / 2
    if used.peak >= WATCH_AT or wide or near:
        return "watch"
    return "fine" if said is not None else "unknown"


def _within(day: str | None, today: date, days: int) -> bool:
    return day is not None and date.fromisoformat(day) <= today + timedelta(days=days)


def _alert(minutes: pl.DataFrame, limit: float, at: float) -> finding.Alert:
    found = episodes.above(minutes, "estimate", at * limit)
    return finding.Alert(
        at=at,
        minutes=sum(each.minutes for each in found),
        episodes=len(found),
        longest_minutes=max(
            ((each.stop - each.start) // timedelta(minutes=1) for each in found), default=0
        ),
    )


def _starved(known: Reviewed, level: Level) -> list[datetime]:
    own = known.starved.filter(
        pl.col("gateway") == level.resource.gateway,
        pl.col("destination") == level.resource.destination,
    )
    return own["minute"].to_list()


def _misses(
    minutes: pl.DataFrame, limit: float, found: list[episodes.Episode]
) -> list[finding.NearMiss]:
    """The worst of them, by how much the estimate came up to."""
    told_of = []
    for each in found:
        within = minutes.filter(pl.col("minute").is_between(each.start, each.stop, closed="left"))
        told_of.append(
            finding.NearMiss(
                start=told(each.start),
                end=told(each.stop),
                upper_peak=_round(within["upper"].max() / limit),  # type: ignore[operator]
                estimate_peak=_round(within["estimate"].max() / limit),  # type: ignore[operator]
            )
        )
    return sorted(told_of, key=lambda each: (-each.estimate_peak, each.start))[:MISSES_SHOWN]


def _offenders(level: Level, known: Reviewed) -> list[finding.Offender]:
    own = level.resource
    way = known.ways[own.gateway]
    asked = known.demand_by_week.filter(pl.col("gateway") == own.gateway)
    return [
        finding.Offender(
            kind=each.kind,  # type: ignore[arg-type]
            name=each.name,
            share=_round(each.share),
            status="new" if each.weeks_seen <= known.weeks else "recurring",
            weeks_seen=each.weeks_seen,
            weeks_known=each.weeks_known,
        )
        for each in offenders.offenders(
            asked, own.destination or "", float(way.hold_s.value), known.weeks
        )
    ]


def _options(
    level: Level, known: Reviewed, used: finding.Utilisation | None
) -> list[finding.Option]:
    if used is None:
        return []
    own = level.resource
    now, _ = _traffic(level, known)
    calls = float(now["calls"].sum())
    demand = options.Demand(
        share=_wanted(level, known),
        reuse=known.reuse[own.gateway],
        service_s=float(now["busy_ms"].sum()) / 1000 / calls if calls else 0.0,
    )
    return [
        finding.Option(
            id=each.id,
            parameters=each.parameters,
            headroom=_round(max(0.0, 1 - each.share)),
            says=each.says,
        )
        for each in options.options(demand, known.ways[own.gateway])
    ]


def _wanted(level: Level, known: Reviewed) -> float:
    """The greatest demand under review: that of its days, which may lie above the limit."""
    days = {known.review.start.date() + timedelta(days=each) for each in range(7 * known.weeks + 1)}
    peaks = [float(each["estimate"]) for each in level.days if each["day"] in days]  # type: ignore[arg-type]
    return max(peaks, default=0.0) / level.resource.limit


def _traffic(level: Level, known: Reviewed) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Traffic to a destination by day, in the weeks reviewed and in as many before."""
    own = known.traffic.filter(
        pl.col("gateway") == level.resource.gateway,
        pl.col("destination") == level.resource.destination,
    )
    start = known.review.start
    before = start - (known.review.stop - start)
    return (
        own.filter(pl.col("day") >= start.replace(hour=0, minute=0)),
        own.filter(pl.col("day").is_between(before, start, closed="left")),
    )


def _shift(level: Level, known: Reviewed) -> finding.Shift:
    now, before = _traffic(level, known)
    there = before.height > 0
    return finding.Shift(
        calls=round(float(now["calls"].sum()), 3),
        calls_before=round(float(before["calls"].sum()), 3) if there else None,
        backend_ms=_mean(now),
        backend_ms_before=_mean(before) if there else None,
        ports_per_1000_requests=_per_thousand(level, now),
        ports_per_1000_requests_before=_per_thousand(level, before) if there else None,
    )


def _mean(traffic: pl.DataFrame) -> float | None:
    timed = float(traffic["timed"].sum())
    return round(float(traffic["backend_ms"].sum()) / timed, 3) if timed else None


def _per_thousand(level: Level, traffic: pl.DataFrame) -> float | None:
    """Ports held on average, by a thousand calls a minute: what a call costs, whatever their number."""
    means = {each["day"]: float(each["mean"]) for each in level.days}  # type: ignore[arg-type]
    days = [
        (means[day.date()], calls)
        for day, calls in traffic.select("day", "calls").iter_rows()
        if day.date() in means
    ]
    calls = sum(each for _, each in days)
    minutes = 24 * 60 * len(days)
    return round(sum(held for held, _ in days) / len(days) / (calls / minutes) * 1000, 3) if calls else None


def _peak_before(level: Level, known: Reviewed) -> float | None:
    """The highest peak of as many weeks before, as a share of the limit."""
    start = known.review.start.date()
    before = start - (known.review.stop - known.review.start)
    peaks = [
        float(each["estimate"])  # type: ignore[arg-type]
        for each in level.days
        if before <= each["day"] < start  # type: ignore[operator]
    ]
    return _round(max(peaks) / level.resource.limit) if peaks else None


def _scored(fared: Fared | None) -> finding.Scored | None:
    if fared is None:
        return None
    return finding.Scored(
        made=f"{fared.made}",
        days=fared.days,
        inside=fared.inside,
        median_error=_round(fared.median_error),
        says=f"Foretold on {fared.made}: {fared.inside} of {fared.days} daily peaks lay in the "
        f"interval, the middle was off by {100 * fared.median_error:.1f} % of the limit (median).",
    )


def _round(value: object) -> float:
    return round(float(value), 4)  # type: ignore[arg-type]
