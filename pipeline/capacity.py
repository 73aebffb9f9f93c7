"""Capacity: the weekly review of how full things are, and when they will be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from pipeline import capacity_finding as finding
from pipeline import capacity_summary as summary
from pipeline import foretold, limits, method
from pipeline.answer import Answer
from pipeline.ask import ask, tell_topology
from pipeline.capacity_account import Reviewed, Told, account
from pipeline.config import Settings
from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.engines.duckdb import DuckDB
from pipeline.errors import NothingToReportError, PipelineError
from pipeline.figures import draw
from pipeline.finding import Figure, Objective, Refused, Span
from pipeline.lake import Lake
from pipeline.levels import levels
from pipeline.query import queries
from pipeline.report import Report, outputs, prepared, write
from pipeline.roll_up import keep_up
from pipeline.spans import spans
from pipeline.transforms import counters, forecast
from pipeline.transforms.daily import days_told, whole_days
from pipeline.transforms.reuse import by_days
from pipeline.window import Window, iso, told
from pipeline.wording import of

READ = ("requests", "activity", "minutes", "metrics", "landings", "quarantine")
WEEK = timedelta(days=7)
HISTORY = 13 * WEEK
LONG_AGO, FAR_OFF = datetime(1970, 1, 1), datetime(9000, 1, 1)
# Exhibits: what is shown, and the query that it rests on first.
EXHIBITS = (
    ("C1", "Daily peaks, and what is to come", "calls_in_flight"),
    ("C2", "The weeks reviewed, minute by minute", "calls_in_flight"),
    ("C3", "Resources", "calls_in_flight"),
    ("C4", "Ports and gateways as measured", "port_counters_by_minute"),
    ("C5", "Load of gateways as measured", "gateway_load_by_minute"),
    ("C6", "Traffic by day", "traffic_by_day"),
    ("C7", "Who asks for ports", "demand_by_week"),
    ("C8", "Promises", "reliability"),
    ("C9", "Calls that got no connection", "starved_by_minute"),
    ("C10", "Hours with requests", "requests_by_hour"),
)
OF_DATA = (("D1", "What was read", "read"), ("D2", "What could not be read", "refused"))
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Times:
    """The weeks reviewed and the history before and with them; where ``as_of`` is from."""

    review: Window
    history: Window
    as_of_from: str


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
    if isinstance(report.findings, finding.Review):
        for note in report.findings.notes:
            say(f"note: {note}")
    written, missing = write(report, wanted)
    for each in missing:
        say(f"incomplete: {each}")
    return written


def review(
    lake: Lake, settings: Settings, as_of: datetime | None = None, weeks: int = 1
) -> Report:
    """The review as a document; see ``write_review``."""
    keep_up(lake)
    engine = DuckDB()
    for name in READ:
        engine.attach(name, datasets()[name], lake.files(name))
    learnt = tell_topology(engine, settings)
    times = _times(engine, as_of, weeks)
    answers = _answers(engine, times, settings)
    ways = {
        gateway: limits.way_out(gateway, settings.stated(gateway), times.review.stop)
        for gateway in answers["requests_by_hour"].frame["gateway"].unique().sort().to_list()
    }
    reuse = _reuse(engine, answers, ways, settings, times)
    found = levels(
        engine,
        lake,
        ways,
        {each.gateway: each.share for each in reuse},
        settings,
        times.history,
        times.review,
    )
    days = whole_days(times.history)
    peaks = {
        each.resource.key: {day["day"]: day["estimate"] for day in each.days} for each in found
    }
    known = Reviewed(
        settings=settings,
        review=times.review,
        days=days,
        days_told=_days_told(answers["requests_by_hour"].frame, days),
        ways=ways,
        reuse={each.gateway: each.share for each in reuse},
        demand_by_week=answers["demand_by_week"].frame,
        traffic=answers["traffic_by_day"].frame,
        starved=answers["starved_by_minute"].frame,
        fared=foretold.fared(engine, lake, times.review.stop.date(), peaks),  # type: ignore[arg-type]
        weeks=weeks,
    )
    every = {each.resource.id: each for each in (account(level, known) for level in found)}
    ordered = [
        every[each.id] for each in summary.ranked([each.resource for each in every.values()])
    ]
    notes = _notes(lake, settings, times, ordered, sorted(ways))
    about = ask(engine, ["read", "refused"], {})
    findings = finding.Review(
        **_page(answers, ordered, known, ways, times, settings),
        weeks=weeks,
        coverage=method.coverage(
            about["read"], spans(engine, lake), _spoken(answers, times), times.review
        ),
        assumptions=method.assumptions(ways, settings, learnt),
        quarantine=[Refused(**row) for row in about["refused"].frame.iter_rows(named=True)],
        reuse=reuse,
        notes=notes,
        figures=_figures(engine, answers, about, ordered, ways, times),
    )
    facts = {"resources": ordered, "review": times.review, "at": settings.capacity.alerts}
    return Report(findings, draw(facts))


def _times(engine: Engine, as_of: datetime | None, weeks: int) -> _Times:
    """The weeks to review: those up to ``as_of``, or to the end of the data."""
    if weeks < 1:
        raise PipelineError(f"--weeks {weeks}: review one week at least")
    whole = {"start": LONG_AGO, "stop": FAR_OFF}
    hours = ask(engine, ["requests_by_hour"], whole)["requests_by_hour"].frame
    if hours.is_empty():
        raise NothingToReportError(
            "the lake holds no requests; land an export that does, weeks of them for a forecast"
        )
    first, last = hours["hour"].min(), hours["last_minute"].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        raise TypeError("the query 'requests_by_hour' must give times")
    end = last + timedelta(minutes=1)
    stop = summary.whole_minute(as_of or end)
    start = stop - weeks * WEEK
    data = f"the data goes from {iso(first)} to {iso(end)}"
    if stop <= first:
        raise NothingToReportError(f"no request before --as-of {iso(as_of)}; {data}")
    if start >= end:
        raise NothingToReportError(
            f"no request in the {of(weeks, 'week')} before --as-of {iso(as_of)}; {data}"
        )
    begin = max(first, stop - max(HISTORY, weeks * WEEK)).replace(hour=0, minute=0)
    return _Times(
        Window(start, stop), Window(begin, stop), "--as-of" if as_of else "the end of the data"
    )


def _answers(engine: Engine, times: _Times, settings: Settings) -> dict[str, Answer]:
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
            ["starved_by_minute", "port_counters_by_minute", "gateway_load_by_minute"],
            reviewed,
        ),
    }


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
    times: _Times,
) -> list[finding.Reuse]:
    """The reuse of each gateway: measured by counters of its way out, else assumed."""
    before = {
        "start": times.review.start - (times.review.stop - times.review.start),
        "stop": times.review.start,
    }
    earlier = ask(engine, ["port_counters_by_minute"], before)["port_counters_by_minute"]
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
                counters.new_connections(each.frame.filter(pl.col("resource_id").is_in(own))),
                assumed,
            )
            for each in (answers["port_counters_by_minute"], earlier)
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


def _notes(
    lake: Lake, settings: Settings, times: _Times, ordered: list[Told], gateways: list[str]
) -> list[str]:
    called = [each.resource.destination for each in ordered if each.resource.destination]
    notes = method.idle(settings, gateways, called)
    made = times.review.stop.date()
    kept = foretold.keep(
        lake,
        made,
        [
            (each.level.resource, _in_units(each.forecast.days(forecast.WEEK), each))
            for each in ordered
            if each.forecast
        ],
    )
    return [*notes, *([kept] if kept else [])]


def _in_units(days: list[forecast.Day], of_resource: Told) -> list[forecast.Day]:
    limit = of_resource.level.resource.limit
    return [
        forecast.Day(each.day, each.low * limit, each.median * limit, each.high * limit)
        for each in days
    ]


def _page(
    answers: Mapping[str, Answer],
    ordered: list[Told],
    known: Reviewed,
    ways: Mapping[str, limits.Way],
    times: _Times,
    settings: Settings,
) -> dict[str, object]:
    """What the review says of all resources together."""
    resources = [each.resource for each in ordered]
    holes = summary.holes(answers["requests_by_hour"].frame, times.review)
    new, vanished = summary.come_and_gone(known.traffic, times.review)
    days = settings.slo.window_days or summary.WINDOW_DAYS
    since = times.review.stop - timedelta(days=days)
    promises = summary.reliability(
        answers["reliability"].frame, settings.slo, since, times.review.stop
    )
    return {
        "schema_version": "1.0",
        "kind": "capacity",
        "generator": method.generator(),
        "window": Span(start=told(times.review.start), end=told(times.review.stop)),
        "history": Span(start=told(times.history.start), end=told(times.history.stop)),
        "as_of": told(times.review.stop),
        "as_of_from": times.as_of_from,
        "horizon_weeks": forecast.HORIZON // forecast.WEEK,
        "holes": holes,
        "objective": Objective(
            availability=settings.slo.availability, window_days=settings.slo.window_days
        ),
        "alerts_at": sorted(settings.capacity.alerts),
        "events": [
            finding.Planned(
                name=each.name,
                start=f"{each.start}",
                end=f"{each.stop}",
                factor=each.factor,
                gateway=each.gateway,
                destination=each.destination,
            )
            for each in settings.event
        ],
        "resources": resources,
        "new_destinations": new,
        "vanished_destinations": vanished,
        "reliability": promises,
        "autoscale": summary.autoscale(resources, ways, min(settings.capacity.alerts)),
        "changed": summary.changed(resources, new, vanished),
        "decide": summary.decide(resources, holes, promises),
    }


def _spoken(answers: Mapping[str, Answer], times: _Times) -> pl.DataFrame:
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


def _figures(
    engine: Engine,
    answers: Mapping[str, Answer],
    about: Mapping[str, Answer],
    ordered: list[Told],
    ways: Mapping[str, limits.Way],
    times: _Times,
) -> list[Figure]:
    """Every exhibit with what runs it again; of ports, the day of the highest peak stands for all.

    Each other day is told by the same query with its own start and stop.
    """
    day = _fullest_day(ordered, times)
    told_of = dict(answers)
    top = next((each.resource for each in ordered if each.resource.kind == "ports"), None)
    if top is not None:
        bound = {
            "gateway": top.gateway,
            "start": day,
            "stop": min(day + timedelta(days=1), times.review.stop),
            "hold_s": int(ways[top.gateway].hold_s.value),
        }
        told_of |= ask(engine, ["calls_in_flight"], bound)
    return [
        _figure(id_, title, told_of[query])
        for id_, title, query in EXHIBITS
        if query in told_of
    ] + [_figure(id_, title, about[query]) for id_, title, query in OF_DATA]


def _fullest_day(ordered: list[Told], times: _Times) -> datetime:
    ports = (each.resource for each in ordered if each.resource.kind == "ports")
    at = next((each.utilisation.peak_at for each in ports if each.utilisation), None)
    moment = datetime.fromisoformat(at.removesuffix("Z")) if at else times.review.start
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _figure(id_: str, title: str, answer: Answer) -> Figure:
    return Figure(
        id=id_,
        title=title,
        query=queries()[answer.query].path,
        parameters=answer.told,
        sha256=answer.sha256,
        rows=answer.frame.height,
        incident=None,
    )
