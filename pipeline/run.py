"""The line: land what there is, ask, diagnose, report."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

import msgspec
import polars as pl

from pipeline import citation, diagnose, limits, method, pseudonyms
from pipeline.answer import Answer
from pipeline.ask import ask, tell_topology
from pipeline.compare import Compared, Task, compare, task
from pipeline.config import Settings
from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.engines.duckdb import DuckDB
from pipeline.errors import NothingToReportError, PipelineError
from pipeline.exhibit import EXHIBITS, OF_COMPARISON, OF_DATA, numbered
from pipeline.figures import COMPARISON, INCIDENT, draw
from pipeline.finding import (
    Detection,
    Findings,
    Incident,
    Objective,
    Refused,
    Span,
    Traffic,
)
from pipeline.lake import Lake
from pipeline.land import Landing, Progress, land
from pipeline.report import Format, Report, write
from pipeline.roll_up import keep_up
from pipeline.seen import Seen
from pipeline.spans import spans_between
from pipeline.stationery import Look
from pipeline.transforms.changes import LOOKED_BACK
from pipeline.transforms.dips import dips, set_aside
from pipeline.transforms.incidents import Run, merged, runs
from pipeline.transforms.ports import around
from pipeline.versions import lake_read
from pipeline.window import MINUTE, Window, floor, iso, to_the_ms
from pipeline.wording import of

WHOLE_WINDOW = (
    "requests_by_minute",
    "failures_by_minute",
    "calls_by_minute",
    "backend_time_by_minute",
    "overhead_by_minute",
    "availability_dips",
    "said_unwell",
)
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
READ = (
    "requests",
    "activity",
    "changes",
    "minutes",
    "flows",
    "metrics",
    "health_events",
    "landings",
    "quarantine",
)
STEPS = 4
LONGEST_WINDOW = timedelta(days=100)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a report came to: the files written, and why it is less than it should be, if it is."""

    written: list[Path]
    incidents: int
    shortcomings: list[str]
    unclaimed: dict[str, str]


Say = Callable[[str], None]


@contextmanager
def lake_of(exports: list[str], lake: Lake | None) -> Iterator[Lake]:
    """The lake named, or one that lives as long as the report takes to make."""
    if lake is not None:
        yield lake
    else:
        with tempfile.TemporaryDirectory(prefix="gateway-rca-lake-") as folder:
            yield Lake(Path(folder), kept=False)


def incident_report(
    exports: list[str],
    lake: Lake | None,
    bounds: tuple[datetime | None, datetime | None],
    settings: Settings,
    outputs: dict[Format, Path],
    say: Say,
    on_progress: Callable[[Progress], None],
    look: Look | None = None,
    anonymise: bool = False,
    other: Window | None = None,
) -> Outcome:
    """Lands the exports if there are any, and writes the report on what the lake then holds.

    ``look`` is what it is written on; with ``anonymise`` it holds pseudonyms for names and ids.
    ``other`` is the period to compare with, if any.

    Raises ``NothingToReportError`` where the window holds no request.
    """
    with lake_of(exports, lake) as home:
        shortcomings: list[str] = []
        unclaimed: dict[str, str] = {}
        if exports:
            landing = land(exports, home, on_progress)
            say(f"1/{STEPS} land: {told(landing)}")
            shortcomings, unclaimed = problems(landing), landing.unclaimed
            _refuse_nothing(landing, exports, home)
        else:
            say(f"1/{STEPS} land: nothing to land, reading {home.there().location}")
        engine = DuckDB()
        found = examined(engine, home, bounds, settings, say, other)
        incidents = found.findings.incidents
        say(f"3/{STEPS} diagnose: {_summary(incidents)}")
        # JSON has no figures, and drawing them takes as long as finding what they show.
        drawn = _drawn(found) if set(outputs) - {Format.JSON} else Report(found.findings, {})
        if anonymise:
            drawn = _anonymous(found, drawn, settings)
        written, missing = write(replace(drawn, look=look or drawn.look), outputs)
        say(f"4/{STEPS} report: {', '.join(path.name for path in written)}")
        return Outcome(written, len(incidents), shortcomings + missing, unclaimed)


def land_into(
    exports: list[str], home: Lake, say: Say, on_progress: Callable[[Progress], None]
) -> list[str]:
    """Lands exports for a review; gives what of them could not be read, and what was left out."""
    landing = land(exports, home, on_progress)
    say(f"land: {told(landing)}")
    _refuse_nothing(landing, exports, home)
    for blob, why in landing.unclaimed.items():
        say(f"left out: {blob}: {why}")
    return problems(landing)


def samples() -> Path:
    """The bundled sample of the demo: within the package, or in a checkout beside it."""
    package = Path(str(files("pipeline")))
    inside = package / "samples" / "snat_burst"
    beside = package.parent / "data" / "samples" / "synthetic" / "snat_burst"
    return inside if inside.is_dir() else beside


def told(landing: Landing) -> str:
    """What a landing did, in one line."""
    rows = ", ".join(f"{count:,} {name}" for name, count in sorted(landing.rows.items()))
    parts = [
        f"{of(landing.seen, 'blob')} seen, {landing.read:,} read, {landing.skipped:,} unchanged"
        + (f", {left:,} left out" if (left := len(landing.unclaimed)) else ""),
        f"{of(landing.lines, 'line')} = {rows or '0 rows'}"
        f" + {landing.duplicates:,} duplicates + {landing.quarantined.total():,} quarantined"
        f" + {landing.set_aside.total():,} set aside + {landing.pending:,} pending",
    ]
    return "; ".join(parts)


def told_by_dataset(landing: Landing) -> Iterator[str]:
    """What a landing did for each dataset: blobs, what became of the lines, and why of which."""
    for name, did in sorted(landing.datasets.items()):
        yield (
            f"{name}: {of(did.read, 'blob')} read, {did.skipped:,} unchanged; "
            f"{of(did.lines, 'line')} = {of(did.rows, 'row')} + {did.duplicates:,} duplicates"
            f" + {did.quarantined.total():,} quarantined + {did.set_aside.total():,} set aside"
            f" + {did.pending:,} pending"
        )
        for kind, count in sorted(did.quarantined.items()):
            yield f"  quarantined: {count:,} {kind}"
        for kind, count in sorted(did.set_aside.items()):
            yield f"  set aside: {count:,} of kind {kind}"


def problems(landing: Landing) -> list[str]:
    """What of the exports could not be read to its end; of blobs alike in why, the first stands."""
    alike: dict[str, list[str]] = {}
    for blob, why in sorted(landing.unreadable.items()):
        alike.setdefault(why, []).append(blob)
    found = [
        f"{first}{f' (and {len(others):,} more)' if others else ''}: {why}"
        for why, (first, *others) in alike.items()
    ]
    broken = landing.quarantined["broken blob"]
    if broken:
        found.append(
            f"{of(broken, 'blob')} could not be read to the end; what came before was landed, see "
            "the quarantine for where"
        )
    return found


def _refuse_nothing(landing: Landing, exports: list[str], lake: Lake) -> None:
    if lake.files("requests"):
        return
    where = ", ".join(exports)
    if not landing.seen:
        raise PipelineError(f"{where}: holds no files; name the folder that the export was put in")
    if not landing.read:
        blob, why = next(iter({**landing.unclaimed, **landing.unreadable}.items()))
        others = len(landing.unclaimed) + len(landing.unreadable) - 1
        more = f" (and {others} more)" if others else ""
        raise PipelineError(f"{where}: nothing here can be read; {blob}: {why}{more}")
    raise NothingToReportError(f"{where}: no request could be read; {told(landing)}")


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


@dataclass(frozen=True, slots=True)
class Survey:
    """What a whole window holds, and the incidents found there, none of them looked into yet.

    ``named`` says whether the window was asked for, or is all of the data.
    """

    engine: Engine
    lake: Lake
    settings: Settings
    window: Window
    window_from: str
    named: bool
    learnt: dict[str, str]
    whole: dict[str, Answer]
    found: list[Run]


def survey(
    engine: Engine,
    lake: Lake,
    bounds: tuple[datetime | None, datetime | None],
    settings: Settings,
) -> Survey:
    """Asks what concerns the whole window; a side left open is where the data begins or ends.

    Raises ``NothingToReportError`` where the window holds no request.
    """
    keep_up(lake)
    for name in READ:
        engine.attach(name, datasets()[name], lake.files(name))
    learnt = tell_topology(engine, settings)
    window, window_from = _window(engine, bounds)
    whole = ask(engine, WHOLE_WINDOW, {"start": window.start, "stop": window.stop})
    if whole["requests_by_minute"].frame.is_empty():
        extent = ask(engine, ["extent"], {})["extent"].frame
        raise NothingToReportError(
            f"no request from {iso(window.start)} to {iso(window.stop)}; the data goes from "
            f"{iso(extent['first_start'].min())} to {iso(extent['last_start'].max())}"  # type: ignore[arg-type]
        )
    found = merged(
        runs(
            whole["requests_by_minute"].frame,
            window,
            minimum_failures=settings.incident.minimum_failures,
            minimum_minutes=settings.incident.minimum_minutes,
        ),
        whole["failures_by_minute"].frame,
    )
    named = any(bounds)
    return Survey(engine, lake, settings, window, window_from, named, learnt, whole, found)


def findings(seen: Survey, found: list[Run], say: Say) -> Report:
    """The report on so many of the incidents that a survey found, each looked into."""
    return _drawn(looked_into(seen, found, say))


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
            assumptions=method.assumptions(ways, settings, seen.learnt),
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


def _task(
    found: list[Run], whole: Mapping[str, Answer], named: Window | None, other: Window
) -> Task:
    """What to compare: the gateway of the worst incident, else the one with most requests."""
    worst = max(found, key=lambda run: (run.failures, run.gateway), default=None)
    requests = whole["requests_by_minute"].frame.group_by("gateway").agg(pl.col("requests").sum())
    busiest = requests.sort("requests", "gateway", descending=True)["gateway"][0]
    return task(worst, worst.gateway if worst else busiest, named, other)


def _drawn(found: Examined) -> Report:
    """The report on what was found, with its figures."""
    drawings = {
        numbered(name, chapter.seen.number): drawing
        for chapter in found.chapters
        for name, drawing in draw(chapter.seen.facts(), INCIDENT).items()
    }
    if found.compared:
        drawings |= draw(found.compared.facts, COMPARISON)
    stated = found.findings.settings
    return Report(found.findings, drawings, Look(stated.report) if stated else Look())


def _anonymous(found: Examined, report: Report, settings: Settings) -> Report:
    """The same with pseudonyms; what it takes to verify it holds names, and is left out."""
    frames = (answer.frame for answer in found.answers)
    findings, drawings = pseudonyms.applied(report.findings, report.drawings, frames, settings)
    return Report(msgspec.structs.replace(findings, lake=None, settings=None), drawings)


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
    own = answers(engine, run, window, way, stated.egress_resource_id if stated else None)
    seen = Seen(
        run,
        window,
        way,
        {**whole, **own},
        number,
        {each.host.lower(): len(each.ips) for each in settings.destination if each.ips},
        stated.egress_resource_id if stated else None,
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


def _window(engine: Engine, bounds: tuple[datetime | None, datetime | None]) -> tuple[Window, str]:
    """The window asked for; a side left open is where the data begins or ends."""
    extent = ask(engine, ["extent"], {})["extent"].frame
    if extent.is_empty():
        raise NothingToReportError(
            "the lake holds no requests; land an export that does (what was forgotten is not "
            "landed again: make another lake for it)"
        )
    start, stop = bounds
    first, last = extent["first_start"].min(), extent["last_start"].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        raise TypeError("the query 'extent' must give times")
    window = Window(start or first, stop or last + timedelta(microseconds=1))
    if window.stop <= window.start and start and stop:
        raise PipelineError(f"--to {iso(stop)} is not after --from {iso(start)}; swap them")
    # Beyond the data there is nothing to look at, and each minute looked at costs something.
    window = Window(max(window.start, floor(first)), min(window.stop, last + MINUTE))
    window = to_the_ms(window)
    if window.stop <= window.start:
        where = f"from {iso(start)} on" if start and start > last else f"before {iso(stop)}"
        raise NothingToReportError(
            f"no request {where}; the data goes from {iso(first)} to {iso(last)}"
        )
    if window.stop - window.start > LONGEST_WINDOW:
        day = _busiest_day(engine, window)
        raise PipelineError(
            f"the window from {iso(window.start)} to {iso(window.stop)} is longer than "
            f"{LONGEST_WINDOW.days} days; name a shorter one. Most requests are of one day: "
            f"--from {day:%Y-%m-%dT00:00} --to {day + timedelta(days=1):%Y-%m-%dT00:00}"
        )
    asked = [name for name, side in (("--from", start), ("--to", stop)) if side]
    return window, " and ".join(asked) if asked else "the data"


def _busiest_day(engine: Engine, window: Window) -> datetime:
    """The day of the window with most requests."""
    days = ask(engine, ["days"], {"start": window.start, "stop": window.stop})["days"].frame
    day = days["day"][0]
    if not isinstance(day, datetime):
        raise TypeError("the query 'days' must give times")
    return day


def _traffic(requests_by_minute: pl.DataFrame) -> Traffic:
    """Requests of all minutes."""
    total = requests_by_minute.select(pl.col("requests", "failed", "rejected", "aborted").sum())
    requests, failed, rejected, aborted = (round(count) for count in total.row(0))
    return Traffic(requests=requests, failed=failed, turned_away=rejected, given_up=aborted)


def _summary(incidents: list[Incident]) -> str:
    if not incidents:
        return "no incident"
    return "; ".join(
        f"{each.id}: {each.verdict.mechanism} {each.verdict.status}, SNAT {each.snat.verdict}"
        for each in incidents
    )
