"""Capacity: the weekly review of how full things are, and when they will be."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from pipeline import capacity_finding as finding
from pipeline import capacity_summary as summary
from pipeline import foretold, limits, method
from pipeline.answer import Answer
from pipeline.ask import ask, tell_topology
from pipeline.capacity_account import account
from pipeline.capacity_exhibits import figures
from pipeline.capacity_times import WEEK, Times, review_times
from pipeline.config import Settings
from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.engines.duckdb import DuckDB
from pipeline.figures import draw
from pipeline.finding import (
    Assumption,
    Coverage,
    Figure,
    Objective,
    Refused,
    Span,
)
from pipeline.flow_weeks import flow_weeks
from pipeline.lake import Lake
from pipeline.level import Level
from pipeline.levels import levels
from pipeline.report import CapacityReport, outputs, prepared, write
from pipeline.reviewed import Reviewed, Told
from pipeline.roll_up import keep_up
from pipeline.spans import spans
from pipeline.stationery import Look
from pipeline.transforms import counters, forecast
from pipeline.transforms.daily import days_told, whole_days
from pipeline.transforms.reuse import by_days
from pipeline.window import Window, told

READ = ("requests", "activity", "minutes", "metrics", "landings", "quarantine")
Say = Callable[[str], None]


def write_review(
    lake: Lake,
    settings: Settings,
    output: Path,
    formats: tuple[str, ...],
    as_of: datetime | None = None,
    weeks: int = 1,
    say: Say = lambda _: None,
) -> list[Path]:
    """Writes the review of the weeks before ``as_of``, the end of the data if not told.

    ``formats`` are pdf, html and json, all of them if none is named; a PDF is left out where Pango
    is missing. Keeps what it foretells in the lake. ``as_of`` is UTC without a zone. Raises
    ``NothingToReportError`` where no request of these weeks is known.
    """
    wanted = outputs(output, formats)
    prepared(wanted)
    report = review(lake, settings, as_of, weeks)
    for note in report.findings.notes:
        say(f"note: {note}")
    written, missing = write(report, wanted)
    for each in missing:
        say(f"incomplete: {each}")
    return written


def review(
    lake: Lake, settings: Settings, as_of: datetime | None = None, weeks: int = 1
) -> CapacityReport:
    """The review as a document; see ``write_review``."""
    keep_up(lake)
    engine = DuckDB()
    for name in READ:
        engine.attach(name, datasets()[name], lake.files(name))
    learnt = tell_topology(engine, settings)
    times = review_times(engine, as_of, weeks)
    answers = _answers(engine, times, settings)
    known, found = _known(engine, lake, answers, settings, times)
    every = {each.resource.id: each for each in (account(level, known) for level in found)}
    ordered = [
        every[each.id] for each in summary.ranked([each.resource for each in every.values()])
    ]
    about = ask(engine, ["read", "refused"], {})
    coverage = method.coverage(
        about["read"], spans(engine, lake), _spoken(answers, times), times.review
    )
    findings = _findings(
        answers,
        ordered,
        known,
        times,
        coverage=coverage,
        assumptions=method.assumptions(known.ways, settings, learnt),
        quarantine=[Refused(**row) for row in about["refused"].frame.iter_rows(named=True)],
        notes=_notes(lake, known, times, ordered),
        figures=figures(engine, answers, about, ordered, known.ways, times.review),
    )
    facts = {"resources": ordered, "review": times.review, "at": settings.capacity.alerts}
    return CapacityReport(findings, draw(facts), Look(settings.report))


def _known(
    engine: Engine,
    lake: Lake,
    answers: Mapping[str, Answer],
    settings: Settings,
    times: Times,
) -> tuple[Reviewed, list[Level]]:
    """What is known of all resources together, and the level of each."""
    hours = answers["requests_by_hour"].frame
    ways = {
        gateway: limits.way_out(gateway, settings.stated(gateway), times.review.stop)
        for gateway in hours["gateway"].unique().sort().to_list()
    }
    reuse = _reuse(engine, answers, ways, settings, times)
    shares = {each.gateway: each.share for each in reuse}
    found = levels(engine, lake, ways, shares, settings, times.history, times.review, hours)
    days = whole_days(times.history)
    peaks = {each.resource.key: each.peaks() for each in found}
    flows, flow_note = flow_weeks(engine, lake, ways, found, times.review)
    return Reviewed(
        settings=settings,
        review=times.review,
        days=days,
        days_told=_days_told(hours, days),
        ways=ways,
        reuse=reuse,
        hours=hours,
        demand_by_week=answers["demand_by_week"].frame,
        traffic=answers["traffic_by_day"].frame,
        traffic_now=_asked(engine, "traffic_by_day", times.review),
        traffic_before=_asked(engine, "traffic_by_day", times.before),
        starved=answers["starved_by_minute"].frame,
        fared=foretold.fared(engine, lake, times.review.stop.date(), peaks),
        weeks=int((times.review.stop - times.review.start) / WEEK),
        flows=flows,
        flow_note=flow_note,
    ), found


def _answers(engine: Engine, times: Times, settings: Settings) -> dict[str, Answer]:
    history = {"start": times.history.start, "stop": times.history.stop}
    days = settings.slo.window_days or summary.WINDOW_DAYS
    promised = {
        "start": times.review.stop - timedelta(days=days),
        "review_start": times.review.start,
        "stop": times.review.stop,
    }
    reviewed = {"start": times.review.start, "stop": times.review.stop}
    return {
        **ask(engine, ["requests_by_hour", "traffic_by_day", "demand_by_week"], history),
        **ask(engine, ["reliability"], promised),
        **ask(
            engine,
            ["starved_by_minute", "port_counters_by_minute", "gateway_capacity_by_minute"],
            reviewed,
        ),
    }


def _asked(engine: Engine, name: str, window: Window) -> pl.DataFrame:
    return ask(engine, [name], {"start": window.start, "stop": window.stop})[name].frame


def _days_told(hours: pl.DataFrame, days: list[date]) -> dict[str, set[date]]:
    return {
        str(gateway): days_told(rows, days)
        for (gateway,), rows in hours.group_by(["gateway"], maintain_order=True)
    }


def _reuse(
    engine: Engine,
    answers: Mapping[str, Answer],
    ways: Mapping[str, limits.Way],
    settings: Settings,
    times: Times,
) -> list[finding.Reuse]:
    """The reuse of each gateway: measured by counters of its way out, else assumed."""
    earlier = _asked(engine, "port_counters_by_minute", times.before)
    traffic = answers["traffic_by_day"].frame
    assumed = float(limits.reuse_assumed().value)
    found = []
    for gateway in ways:
        stated = settings.stated(gateway)
        own = {gateway, (stated.egress_resource_id or "").lower() if stated else gateway}
        calls = traffic.filter(pl.col("gateway") == gateway)
        now, then = (
            by_days(
                calls,
                counters.new_connections(each.filter(pl.col("resource_id").is_in(own))),
                assumed,
            )
            for each in (answers["port_counters_by_minute"].frame, earlier)
        )
        found.append(
            finding.Reuse(
                gateway=gateway,
                share=round(now.share, 4),
                share_before=round(then.share, 4) if then.measured else None,
                says=now.says,
            )
        )
    return found


def _notes(lake: Lake, known: Reviewed, times: Times, ordered: list[Told]) -> list[str]:
    """Settings that no data answers to; and why the forecast was not kept, if it was not."""
    called = [each.resource.destination for each in ordered if each.resource.destination]
    kept = foretold.keep(
        lake,
        times.review.stop.date(),
        [
            (each.level.resource, _in_units(each.forecast.days(WEEK.days), each))
            for each in ordered
            if each.forecast
        ],
    )
    idle = method.idle(known.settings, sorted(known.ways), called)
    return [*idle, *(each for each in (kept, known.flow_note) if each)]


def _in_units(days: list[forecast.Day], of_resource: Told) -> list[forecast.Day]:
    """In ports by gateway logs: it is these that the next review knows of all days."""
    limit = of_resource.level.resource.limit / of_resource.scale
    return [
        forecast.Day(each.day, each.low * limit, each.median * limit, each.high * limit)
        for each in days
    ]


def _findings(
    answers: Mapping[str, Answer],
    ordered: list[Told],
    known: Reviewed,
    times: Times,
    *,
    coverage: list[Coverage],
    assumptions: list[Assumption],
    quarantine: list[Refused],
    notes: list[str],
    figures: list[Figure],
) -> finding.Review:
    """What the review says of all resources together, and of each."""
    slo, capacity = known.settings.slo, known.settings.capacity
    resources = [each.resource for each in ordered]
    holes = summary.holes(answers["requests_by_hour"].frame, times.review)
    new, vanished = summary.come_and_gone(known.traffic, times.review)
    promises = summary.reliability(answers["reliability"], slo)
    return finding.Review(
        schema_version="1.0",
        kind="capacity",
        generator=method.generator(),
        window=Span(start=told(times.review.start), end=told(times.review.stop)),
        history=Span(start=told(times.history.start), end=told(times.history.stop)),
        weeks=known.weeks,
        as_of=told(times.review.stop),
        as_of_from=times.as_of_from,
        horizon_weeks=forecast.HORIZON // WEEK.days,
        coverage=coverage,
        holes=holes,
        assumptions=assumptions,
        objective=Objective(availability=slo.availability, window_days=slo.window_days),
        alerts_at=sorted(capacity.alerts),
        events=[
            finding.Planned(
                name=each.name,
                start=f"{each.start}",
                end=f"{each.stop}",
                factor=each.factor,
                gateway=each.gateway,
                destination=each.destination,
            )
            for each in known.settings.event
        ],
        quarantine=quarantine,
        resources=resources,
        new_destinations=new,
        vanished_destinations=vanished,
        reuse=known.reuse,
        reliability=promises,
        autoscale=summary.autoscale(resources, known.ways, min(capacity.alerts, default=0.7)),
        changed=summary.changed(resources, new, vanished),
        decide=summary.decide(resources, holes, promises),
        notes=notes,
        figures=figures,
    )


def _spoken(answers: Mapping[str, Answer], times: Times) -> pl.DataFrame:
    """Minutes with requests as coverage reads them: here, every minute of an hour that has any."""
    hours = answers["requests_by_hour"].frame.filter(
        pl.col("hour") >= times.review.start - timedelta(hours=1)
    )
    return hours.select(
        "gateway",
        minute=pl.datetime_ranges(
            "hour", pl.col("hour") + pl.duration(hours=1), "1m", closed="left"
        ),
        sampled=pl.lit(0),
    ).explode("minute")
