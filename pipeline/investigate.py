"""Investigate: what is found on the incidents of a survey, each looked into."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pipeline import citation, diagnose, limits, method
from pipeline.answer import Answer
from pipeline.ask import ask
from pipeline.compare import Compared, Task, compare, task
from pipeline.config import Settings
from pipeline.engine import Engine
from pipeline.exhibit import EXHIBITS, OF_COMPARISON, OF_DATA
from pipeline.finding import Objective, Refused, Span
from pipeline.incident_finding import Detection, Findings, Incident, Traffic
from pipeline.lake import Lake
from pipeline.seen import Seen
from pipeline.spans import spans_between
from pipeline.survey import WHOLE_WINDOW, Survey, survey
from pipeline.transforms import counters
from pipeline.transforms.changes import LOOKED_BACK
from pipeline.transforms.dips import dips, set_aside
from pipeline.transforms.incidents import Run
from pipeline.transforms.ports import around
from pipeline.versions import lake_read
from pipeline.window import MINUTE, Window, iso
from pipeline.wording import of

AROUND_AN_INCIDENT = (
    "calls_in_flight",
    "gateway_load_by_minute",
    "flow_ports_by_minute",
    "port_counters_by_minute",
    "port_events",
)
NEAR_AN_INCIDENT = ("changes_around",)
OF_AN_INCIDENT = tuple(
    dict.fromkeys(
        [
            *(
                query
                for exhibit in EXHIBITS
                for query in exhibit.queries
                if query not in WHOLE_WINDOW + AROUND_AN_INCIDENT + NEAR_AN_INCIDENT
            ),
            "changes_told",
            "sources_around",
        ]
    )
)
STEPS = 4

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Chapter:
    incident: Incident
    seen: Seen


@dataclass(frozen=True, slots=True)
class Examined:
    """What the lake was found to tell: the findings, and what their figures are drawn from."""

    findings: Findings
    chapters: list[_Chapter]
    compared: Compared | None
    answers: list[Answer]


def examined(
    engine: Engine,
    lake: Lake,
    bounds: tuple[datetime | None, datetime | None],
    settings: Settings,
    say: Say,
    other: Window | None = None,
    own: Window | None = None,
) -> Examined:
    """The findings on what the lake holds; see ``survey`` and ``looked_into``."""
    seen = survey(engine, lake, bounds, settings)
    return looked_into(seen, seen.found, say, other, own)


def looked_into(
    seen: Survey,
    found: list[Run],
    say: Say,
    other: Window | None = None,
    own: Window | None = None,
) -> Examined:
    """What is found on so many of the incidents of a survey.

    ``other`` is the period to compare with, if any. It is compared with ``own``; by default with
    the window if one was named, else the incident.
    """
    engine, lake, settings = seen.engine, seen.lake, seen.settings
    window, whole = seen.window, seen.whole
    ways = {
        gateway: limits.way_out(gateway, settings.stated(gateway), window.stop)
        for gateway in whole["requests_by_minute"].frame["gateway"].unique().sort().to_list()
    }
    chapters = [
        _chapter(engine, number, run, window, whole, settings) for number, run in enumerate(found)
    ]
    of_each = OF_AN_INCIDENT + AROUND_AN_INCIDENT + NEAR_AN_INCIDENT
    asked = len(WHOLE_WINDOW) + len(found) * len(of_each)
    rows = int(whole["requests_by_minute"].frame["requests"].sum())
    called = whole["calls_by_minute"].frame["destination"].unique().to_list()
    for note in method.idle(settings, sorted(ways), called):
        say(f"note: {note}")
    say(f"2/{STEPS} ask: {asked} queries over {rows:,} requests of {of(len(ways), 'gateway')}")
    within = {"start": window.start, "stop": window.stop}
    about = ask(engine, ["read_between", "refused_between"], within)
    compared = None
    if other:
        named = own or (window if seen.named else None)
        compared = compare(engine, _task(found, whole, named, other), settings)
    return Examined(
        findings=Findings(
            schema_version="1.0",
            kind="incident",
            generator=method.generator(),
            window=Span(start=iso(window.start) or "", end=iso(window.stop)),
            window_from=seen.window_from,
            coverage=method.coverage(
                about["read_between"],
                spans_between(engine, lake, window),
                whole["requests_by_minute"].frame,
                window,
            ),
            assumptions=method.assumptions(
                {**ways, **{each.seen.run.gateway: each.seen.way for each in chapters}},
                settings,
                seen.learnt,
            ),
            objective=Objective(
                availability=settings.slo.availability, window_days=settings.slo.window_days
            ),
            detection=Detection(
                minimum_failures=settings.incident.minimum_failures,
                minimum_minutes=settings.incident.minimum_minutes,
            ),
            traffic=_traffic(whole["requests_by_minute"].frame),
            quarantine=[
                Refused(**row) for row in about["refused_between"].frame.iter_rows(named=True)
            ],
            incidents=[chapter.incident for chapter in chapters],
            set_aside=set_aside(
                dips(whole["availability_dips"].frame, whole["said_unwell"].frame),
                found,
                whole["requests_by_minute"].frame,
            ),
            comparison=compared.finding if compared else None,
            figures=[
                *(
                    figure
                    for chapter in chapters
                    for figure in citation.of_incident(
                        chapter.seen.answers, chapter.seen.number, chapter.incident.id
                    )
                ),
                *(citation.of_document(OF_COMPARISON, compared.answers) if compared else ()),
                *citation.of_document(OF_DATA, {name: [each] for name, each in about.items()}),
            ],
            lake=lake_read(lake, window),
            settings=settings,
        ),
        chapters=chapters,
        compared=compared,
        answers=[
            *(answer for chapter in chapters for answer in chapter.seen.answers.values()),
            *whole.values(),
            *about.values(),
            *(each for same in (compared.answers if compared else {}).values() for each in same),
        ],
    )


def _traffic(requests_by_minute: pl.DataFrame) -> Traffic:
    """Requests of all minutes."""
    total = requests_by_minute.select(pl.col("requests", "failed", "rejected", "aborted").sum())
    requests, failed, rejected, aborted = (round(count) for count in total.row(0))
    return Traffic(requests=requests, failed=failed, turned_away=rejected, given_up=aborted)


def _task(
    found: list[Run], whole: Mapping[str, Answer], named: Window | None, other: Window
) -> Task:
    """What to compare: the gateway of the worst incident, else the one with most requests."""
    worst = max(found, key=lambda run: (run.failures, run.gateway), default=None)
    requests = whole["requests_by_minute"].frame.group_by("gateway").agg(pl.col("requests").sum())
    busiest = requests.sort("requests", "gateway", descending=True)["gateway"][0]
    return task(worst, worst.gateway if worst else busiest, named, other)


def _chapter(
    engine: Engine,
    number: int,
    run: Run,
    window: Window,
    whole: dict[str, Answer],
    settings: Settings,
) -> _Chapter:
    """The chapter of an incident."""
    way = limits.way_out(run.gateway, settings.stated(run.gateway), run.start)
    stated = settings.stated(run.gateway)
    egress = stated.egress_resource_id if stated else None
    own = answers(engine, run, window, way, egress)
    told = own["port_counters_by_minute"].frame.filter(
        pl.col("resource_id").is_in([run.gateway, (egress or "").lower()])
    )
    if found := counters.allocated(told, run.start, run.last):
        way = limits.as_allocated(way, *found)
    seen = Seen(
        run,
        window,
        way,
        {**whole, **own},
        number,
        {each.host.lower(): len(each.ips) for each in settings.destination if each.ips},
        egress,
        stated,
    )
    return _Chapter(diagnose.incident(seen, settings.slo), seen)


def answers(
    engine: Engine, run: Run, window: Window, way: limits.Way, egress_resource_id: str | None = None
) -> dict[str, Answer]:
    """What is asked about one incident alone."""
    parameters = {
        "gateway": run.gateway,
        "start": window.start,
        "stop": window.stop,
        "onset": run.start,
        "finish": run.last,
        "counted": run.counted,
        "elsewhere": f",{','.join(run.elsewhere)}," if run.elsewhere else "",
        "hold_s": int(way.holds.after_fin.value),
        "idle_s": int(way.idle_s.value),
        "egress": (egress_resource_id or "").lower(),
    }
    near = around(run, window, way)
    return {
        **ask(engine, OF_AN_INCIDENT, parameters),
        **ask(engine, AROUND_AN_INCIDENT, {**parameters, "start": near.start, "stop": near.stop}),
        # Changes come before what they lead to: before the window, too, which requests bound.
        **ask(
            engine,
            NEAR_AN_INCIDENT,
            {**parameters, "start": run.start - LOOKED_BACK, "stop": run.last + MINUTE},
        ),
    }
