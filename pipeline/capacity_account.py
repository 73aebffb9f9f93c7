"""Account of capacity: what is known of one resource, as the review tells it; values in and out."""

from datetime import date, datetime, timedelta

import polars as pl

from pipeline import capacity_demand as demand
from pipeline import capacity_finding as finding
from pipeline import capacity_outlook as outlook
from pipeline.capacity_demand import rounded
from pipeline.level import Level
from pipeline.reviewed import Reviewed, Told
from pipeline.transforms import episodes, forecast
from pipeline.use import Use
from pipeline.window import told

# What comes up to here acts, or is watched; and so does what crosses a level within so many days.
ACT_AT, WATCH_AT = 0.9, 0.7
ACT_DAYS, WATCH_DAYS = 28, 91
MISSES_SHOWN = 5


def account(level: Level, known: Reviewed) -> Told:
    """All that is told of a resource."""
    own = level.resource
    days, values = outlook.daily(level, known, upper=False)
    _, upper = outlook.daily(level, known, upper=True)
    planned = [
        forecast.Event(each.name, each.start, each.stop, each.factor)
        for each in known.settings.event
        if each.concerns(own.gateway, own.destination)
    ]
    minutes = _minutes(level, known)
    # What is not there any more crosses nothing.
    there = minutes.height > 0
    said = forecast.forecast(values, days[0], planned) if days and there else None
    said_upper = forecast.forecast(upper, days[0], planned) if days and there else None
    used = _utilisation(minutes, own.limit)
    crossing = outlook.crossings(said, days, values)
    ports = own.kind == "ports"
    instances = _instances(level)
    misses = episodes.misses(minutes, own.limit, _starved(known, level)) if ports else []
    resource = finding.Resource(
        id=" ".join(filter(None, (own.kind, own.gateway, own.destination, own.instance))),
        kind=own.kind,  # type: ignore[arg-type]
        gateway=own.gateway,
        destination=own.destination,
        instance=own.instance,
        scope=own.scope,  # type: ignore[arg-type]
        peak_instance=_peak_instance(instances, used),
        instances=instances,
        spread=_spread(instances),
        unit=own.unit,
        basis=own.basis,  # type: ignore[arg-type]
        sign=_sign(used, crossing, said, known.review.stop.date()),
        utilisation=used,
        limit=own.limit,
        limit_from=own.limit_from,
        limit_is_fact=own.limit_is_fact,
        headroom=None if used is None else round(max(0.0, 1 - used.peak), 4),
        sharing=level.sharing,
        growth=outlook.growth(values, days),
        crossing=crossing,
        crossing_upper=outlook.crossings(said_upper, days, upper),
        outlook=outlook.rests_on(said, values, days) if there else outlook.gone(values),
        alerts=[_alert(minutes, own.limit, at) for at in sorted(known.settings.capacity.alerts)],
        near_misses=_misses(minutes, own.limit, misses),
        near_miss_minutes=sum(each.minutes for each in misses),
        offenders=demand.offenders(level, known) if ports else [],
        last_forecast_scored=outlook.scored(known.fared.get(own.key)),
        options=demand.options(level, known, used) if ports else [],
        shift=demand.shift(level, known) if ports else None,
        peak_before=demand.peak_before(level, known),
    )
    return Told(resource, level, days, values, said)


def _minutes(level: Level, known: Reviewed) -> pl.DataFrame:
    """The minutes under review; of ports those alone of hours that the logs tell of: else not 0."""
    minutes = level.by_minute()
    if level.resource.kind != "ports":
        return minutes
    hours = known.hours.filter(pl.col("gateway") == level.resource.gateway)["hour"]
    return minutes.filter(pl.col("minute").dt.truncate("1h").is_in(hours.to_list()))


def _utilisation(minutes: pl.DataFrame, limit: float) -> finding.Utilisation | None:
    use = Use()
    use.add(minutes)
    return use.utilisation(limit)


def _instances(level: Level) -> list[finding.Instance]:
    """How full each instance was, the fullest first."""
    told_of = [
        finding.Instance(id=name, utilisation=used, headroom=rounded(max(0.0, 1 - used.peak)))
        for name, use in level.instances.items()
        if (used := use.utilisation(level.resource.limit))
    ]
    return sorted(
        told_of, key=lambda each: (-each.utilisation.peak, -each.utilisation.p99, each.id)
    )


def _peak_instance(
    instances: list[finding.Instance], used: finding.Utilisation | None
) -> str | None:
    """The instance that was fullest at the peak; of several at the limit, the first there."""
    at = used.peak_at if used else None
    there = [each.id for each in instances if each.utilisation.peak_at == at]
    return next(iter([*there, *(each.id for each in instances)]), None)


def _spread(instances: list[finding.Instance]) -> float | None:
    """How far apart the peaks of several instances are."""
    peaks = [each.utilisation.peak for each in instances]
    return rounded(max(peaks) - min(peaks)) if len(peaks) > 1 else None


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
