"""Account of capacity: what is known of one resource, as the review tells it; values in and out."""

from datetime import date, datetime, timedelta

import msgspec
import polars as pl

from pipeline import capacity_demand as demand
from pipeline import capacity_finding as finding
from pipeline import capacity_outlook as outlook
from pipeline.capacity_demand import rounded
from pipeline.capacity_readings import readings
from pipeline.level import Level
from pipeline.reviewed import Reviewed, Told
from pipeline.transforms import episodes, forecast
from pipeline.window import told

# What comes up to here acts, or is watched; and so does what crosses a level within so many days.
ACT_AT, WATCH_AT = 0.9, 0.7
ACT_DAYS, WATCH_DAYS = 28, 91
MISSES_SHOWN = 5


def account(level: Level, known: Reviewed) -> Told:
    """All that is told of a resource."""
    own = level.resource
    given = readings(level, _minutes(level, known), known.flows.get(own.key))
    minutes, used = given.minutes, given.leading.utilisation
    dates = outlook.dates(level, known, given)
    ports = own.kind == "ports"
    misses = episodes.misses(minutes, own.limit, _starved(known, level)) if ports else []
    resource = finding.Resource(
        id=" ".join(filter(None, (own.kind, own.gateway, own.destination, own.instance))),
        kind=own.kind,  # type: ignore[arg-type]
        gateway=own.gateway,
        destination=own.destination,
        instance=own.instance,
        unit=own.unit,
        sign=_sign(used, dates.crossing, dates.said, known.review.stop.date()),
        limit=own.limit,
        limit_from=own.limit_from,
        limit_is_fact=own.limit_is_fact,
        **msgspec.structs.asdict(given.leading),
        other_bases=given.beside,
        sharing=level.sharing,
        growth=dates.growth,
        crossing=dates.crossing,
        crossing_upper=dates.crossing_upper,
        outlook=dates.outlook,
        alerts=[_alert(minutes, own.limit, at) for at in sorted(known.settings.capacity.alerts)],
        near_misses=_misses(minutes, own.limit, misses),
        near_miss_minutes=sum(each.minutes for each in misses),
        offenders=demand.offenders(level, known) if ports else [],
        last_forecast_scored=outlook.scored(known.fared.get(own.key)),
        options=demand.options(level, known, given.leading) if ports else [],
        shift=demand.shift(level, known) if ports else None,
        peak_before=demand.peak_before(level, known),
    )
    return Told(resource, level, minutes, dates.days, dates.values, dates.said, given.scale)


def _minutes(level: Level, known: Reviewed) -> pl.DataFrame:
    """The minutes under review; of ports those alone of hours that the logs tell of: else not 0."""
    minutes = level.by_minute()
    if level.resource.kind != "ports":
        return minutes
    hours = known.hours.filter(pl.col("gateway") == level.resource.gateway)["hour"]
    return minutes.filter(pl.col("minute").dt.truncate("1h").is_in(hours.to_list()))


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
                upper_peak=rounded(within["upper"].max() / limit),  # type: ignore[operator]
                estimate_peak=rounded(within["estimate"].max() / limit),  # type: ignore[operator]
            )
        )
    return sorted(told_of, key=lambda each: (-each.estimate_peak, each.start))[:MISSES_SHOWN]
