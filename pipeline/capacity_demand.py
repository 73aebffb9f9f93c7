"""Account of demand: who asks for the ports of a destination, what changed, what would help."""

from datetime import timedelta

import polars as pl

from pipeline import capacity_finding as finding
from pipeline.level import Level
from pipeline.reviewed import Reviewed
from pipeline.transforms.offenders import offenders as standing_out
from pipeline.transforms.options import Demand
from pipeline.transforms.options import options as possible
from pipeline.window import MINUTE, Window

DAY = timedelta(days=1)


def offenders(level: Level, known: Reviewed) -> list[finding.Offender]:
    """Who stands out at a destination."""
    own = level.resource
    way = known.ways[own.gateway]
    asked = known.demand_by_week.filter(pl.col("gateway") == own.gateway)
    return [
        finding.Offender(
            kind=each.kind,  # type: ignore[arg-type]
            name=each.name,
            share=rounded(each.share),
            status="new" if each.weeks_seen <= known.weeks else "recurring",
            weeks_seen=each.weeks_seen,
            weeks_known=each.weeks_known,
        )
        for each in standing_out(asked, own.destination or "", float(way.hold_s.value), known.weeks)
    ]


def options(level: Level, known: Reviewed, reading: finding.Reading) -> list[finding.Option]:
    """What would leave more headroom, least invasive first."""
    used = reading.utilisation
    if used is None:
        return []
    own = level.resource
    now = _own(level, known.traffic_now)
    calls = float(now["calls"].sum())
    demand = Demand(
        share=_wanted(level, known, reading.basis, used.upper_peak),
        reuse=known.reuse_at(own.gateway),
        service_s=float(now["busy_ms"].sum()) / 1000 / calls if calls else 0.0,
    )
    return [
        finding.Option(
            id=each.id,
            parameters=each.parameters,
            headroom=rounded(max(0.0, 1 - each.share)),
            says=each.says,
        )
        for each in possible(demand, known.ways[own.gateway])
    ]


def _wanted(level: Level, known: Reviewed, basis: finding.Basis, upper: float) -> float:
    """The greatest demand under review: that of its days, which may lie above the limit.

    What flow logs told at most is what was wanted.
    """
    if basis == "flow_logs":
        return upper
    days = {known.review.start.date() + timedelta(days=each) for each in range(7 * known.weeks + 1)}
    peaks = [each.estimate for each in level.days if each.day in days]
    return max(peaks, default=0.0) / level.resource.limit


def _own(level: Level, traffic: pl.DataFrame) -> pl.DataFrame:
    """Traffic to a destination, of that to all."""
    return traffic.filter(
        pl.col("gateway") == level.resource.gateway,
        pl.col("destination") == level.resource.destination,
    )


def shift(level: Level, known: Reviewed) -> finding.Shift:
    """Traffic to a destination and what it costs, now and before."""
    now, before = _own(level, known.traffic_now), _own(level, known.traffic_before)
    start, stop = known.review.start, known.review.stop
    there = before.height > 0
    return finding.Shift(
        calls=round(float(now["calls"].sum()), 3),
        calls_before=round(float(before["calls"].sum()), 3) if there else None,
        backend_ms=_mean(now),
        backend_ms_before=_mean(before) if there else None,
        ports_per_1000_requests=_per_thousand(level, known, Window(start, stop)),
        ports_per_1000_requests_before=_per_thousand(
            level, known, Window(start - (stop - start), start)
        ),
    )


def _mean(traffic: pl.DataFrame) -> float | None:
    timed = float(traffic["timed"].sum())
    return round(float(traffic["backend_ms"].sum()) / timed, 3) if timed else None


def _per_thousand(level: Level, known: Reviewed, window: Window) -> float | None:
    """Ports held on average by a thousand calls a minute: what calls cost, however many.

    Of the days that begin within a window; what is told of the last one may be a part of it.
    """
    means = {each.day: each.mean for each in level.days}
    within = _own(level, known.traffic).filter(
        pl.col("day").is_between(window.start, window.stop, closed="left")
    )
    days = [
        (means[day.date()] * (min(day + DAY, known.review.stop) - day) / MINUTE, calls)
        for day, calls in within.select("day", "calls").iter_rows()
        if day.date() in means
    ]
    calls = sum(each for _, each in days)
    return round(sum(held for held, _ in days) / calls * 1000, 3) if calls else None


def peak_before(level: Level, known: Reviewed) -> float | None:
    """The highest peak of as many weeks before, as a share of the limit."""
    start = known.review.start.date()
    before = start - (known.review.stop - known.review.start)
    peaks = [each.estimate for each in level.days if before <= each.day < start]
    return rounded(max(peaks) / level.resource.limit) if peaks else None


def rounded(value: object) -> float:
    """A share as the findings write it."""
    return round(float(value), 4)  # type: ignore[arg-type]
