"""The line: land what there is, ask, diagnose, report."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from pipeline import diagnose, limits, method
from pipeline.answer import Answer
from pipeline.ask import ask, tell_topology
from pipeline.config import Settings
from pipeline.dataset import DATED
from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.engines.duckdb import DuckDB
from pipeline.errors import NothingToReportError, PipelineError
from pipeline.exhibit import EXHIBITS, OF_DATA, Exhibit, numbered
from pipeline.figures import draw
from pipeline.finding import (
    Detection,
    Figure,
    Findings,
    Incident,
    Objective,
    Refused,
    Span,
)
from pipeline.lake import Lake
from pipeline.land import Landing, Progress, land
from pipeline.query import queries
from pipeline.report import Format, Report, write
from pipeline.roll_up import COUNTS, keep_up
from pipeline.seen import Seen
from pipeline.transforms.incidents import Run, merged, runs
from pipeline.transforms.ports import around
from pipeline.window import MINUTE, Window, floor, iso, to_the_ms
from pipeline.wording import of

WHOLE_WINDOW = (
    "requests_by_minute",
    "failures_by_minute",
    "calls_by_minute",
    "backend_time_by_minute",
    "overhead_by_minute",
)
AROUND_AN_INCIDENT = (
    "calls_in_flight",
    "flow_ports_by_minute",
    "port_counters_by_minute",
    "port_events",
)
OF_AN_INCIDENT = tuple(
    dict.fromkeys(
        [
            *(
                exhibit.query
                for exhibit in EXHIBITS
                if exhibit.query not in WHOLE_WINDOW + AROUND_AN_INCIDENT
            ),
            "hosts",
        ]
    )
)
READ = (
    "requests",
    "activity",
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
            yield Lake(Path(folder))


def incident_report(
    exports: list[str],
    lake: Lake | None,
    bounds: tuple[datetime | None, datetime | None],
    settings: Settings,
    outputs: dict[Format, Path],
    say: Say,
    on_progress: Callable[[Progress], None],
) -> Outcome:
    """Lands the exports if there are any, and writes the report on what the lake then holds.

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
        report = _findings(engine, home, bounds, settings, say)
        incidents = report.findings.incidents
        say(f"3/{STEPS} diagnose: {_summary(incidents)}")
        written, missing = write(report, outputs)
        say(f"4/{STEPS} report: {', '.join(path.name for path in written)}")
        return Outcome(written, len(incidents), shortcomings + missing, unclaimed)


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


def _findings(
    engine: Engine,
    lake: Lake,
    bounds: tuple[datetime | None, datetime | None],
    settings: Settings,
    say: Say,
) -> Report:
    seen = survey(engine, lake, bounds, settings)
    return findings(seen, seen.found, say)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a whole window holds, and the incidents found there, none of them looked into yet."""

    engine: Engine
    lake: Lake
    settings: Settings
    window: Window
    window_from: str
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
    return Survey(engine, lake, settings, window, window_from, learnt, whole, found)


def findings(seen: Survey, found: list[Run], say: Say) -> Report:
    """The report on so many of the incidents that a survey found, each looked into."""
    engine, lake, settings = seen.engine, seen.lake, seen.settings
    window, whole = seen.window, seen.whole
    ways = {
        gateway: limits.way_out(gateway, settings.stated(gateway), window.stop)
        for gateway in whole["requests_by_minute"].frame["gateway"].unique().sort().to_list()
    }
    chapters = [
        _chapter(engine, number, run, window, whole, settings) for number, run in enumerate(found)
    ]
    asked = len(WHOLE_WINDOW) + len(found) * len(OF_AN_INCIDENT + AROUND_AN_INCIDENT)
    rows = int(whole["requests_by_minute"].frame["requests"].sum())
    called = whole["calls_by_minute"].frame["destination"].unique().to_list()
    for note in method.idle(settings, sorted(ways), called):
        say(f"note: {note}")
    say(f"2/{STEPS} ask: {asked} queries over {rows:,} requests of {of(len(ways), 'gateway')}")
    about = ask(engine, ["read", "refused", "extent"], {})
    return Report(
        findings=Findings(
            schema_version="1.0",
            kind="incident",
            generator=_generator(),
            window=Span(start=iso(window.start) or "", end=iso(window.stop)),
            window_from=seen.window_from,
            coverage=method.coverage(
                about["read"], _spans(engine, lake), whole["requests_by_minute"].frame, window
            ),
            assumptions=method.assumptions(ways, settings, seen.learnt),
            objective=Objective(
                availability=settings.slo.availability, window_days=settings.slo.window_days
            ),
            detection=Detection(
                minimum_failures=settings.incident.minimum_failures,
                minimum_minutes=settings.incident.minimum_minutes,
            ),
            quarantine=[Refused(**row) for row in about["refused"].frame.iter_rows(named=True)],
            incidents=[chapter.incident for chapter in chapters],
            set_aside=[],
            figures=[
                _figure(
                    exhibit.numbered(chapter.seen.number),
                    exhibit,
                    chapter.seen.answers,
                    chapter.incident.id,
                )
                for chapter in chapters
                for exhibit in EXHIBITS
            ]
            + [_figure(exhibit.id, exhibit, about, None) for exhibit in OF_DATA],
        ),
        drawings={
            numbered(name, chapter.seen.number): drawing
            for chapter in chapters
            for name, drawing in draw(chapter.seen.facts()).items()
        },
    )


def _spans(engine: Engine, lake: Lake) -> method.Spans:
    """From when to when each dataset has rows of each resource, as the queries name it."""
    spans: dict[tuple[str, str | None], tuple[datetime, datetime]] = {}
    for name, dataset in datasets().items():
        if dataset.partition != "date" or name == COUNTS or not (files := lake.files(name)):
            continue
        if name == method.REQUESTS:
            rows = ask(engine, ["extent"], {})["extent"].frame.drop("records")
        else:
            engine.attach("dated", DATED, files)
            rows = ask(engine, ["spans"], {})["spans"].frame
        spans |= {(name, resource): (first, last) for resource, first, last in rows.iter_rows()}
    return spans


@dataclass(frozen=True, slots=True)
class _Chapter:
    incident: Incident
    seen: Seen


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
    own = answers(engine, run, window, way)
    stated = settings.stated(run.gateway)
    seen = Seen(
        run,
        window,
        way,
        {**whole, **own},
        number,
        {each.host.lower(): len(each.ips) for each in settings.destination if each.ips},
        stated.egress_resource_id if stated else None,
    )
    return _Chapter(diagnose.incident(seen, settings.slo), seen)


def answers(engine: Engine, run: Run, window: Window, way: limits.Way) -> dict[str, Answer]:
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
    }
    near = around(run, window, way)
    return {
        **ask(engine, OF_AN_INCIDENT, parameters),
        **ask(engine, AROUND_AN_INCIDENT, {**parameters, "start": near.start, "stop": near.stop}),
    }


def _figure(
    id_: str, exhibit: Exhibit, answers: Mapping[str, Answer], incident: str | None
) -> Figure:
    """An exhibit of the report, with what runs it again."""
    answer = answers[exhibit.query]
    return Figure(
        id=id_,
        title=exhibit.title,
        query=queries()[exhibit.query].path,
        parameters=answer.told,
        sha256=answer.sha256,
        rows=answer.frame.height,
        incident=incident,
    )


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


def _generator() -> str:
    return f"gateway-rca {version('gateway-rca')}"


def _summary(incidents: list[Incident]) -> str:
    if not incidents:
        return "no incident"
    return "; ".join(
        f"{each.id}: {each.verdict.mechanism} {each.verdict.status}, SNAT {each.snat.verdict}"
        for each in incidents
    )
