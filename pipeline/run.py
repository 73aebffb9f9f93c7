"""The line: land what there is, ask, diagnose, report."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import msgspec

from pipeline import pseudonyms
from pipeline.config import Settings
from pipeline.engines.duckdb import DuckDB
from pipeline.errors import NothingToReportError, PipelineError
from pipeline.exhibit import numbered
from pipeline.figures import COMPARISON, INCIDENT, draw
from pipeline.incident_finding import Incident
from pipeline.investigate import STEPS, Examined, Say, examined
from pipeline.lake import Lake
from pipeline.land import Progress, land
from pipeline.landed import Landing
from pipeline.landing import problems, told
from pipeline.report import Format, Report, write
from pipeline.stationery import Look
from pipeline.window import Window


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a report came to: the files written, and why it is less than it should be, if it is."""

    written: list[Path]
    incidents: int
    shortcomings: list[str]
    unclaimed: dict[str, str]


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
        drawn = illustrated(found) if set(outputs) - {Format.JSON} else Report(found.findings, {})
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


def illustrated(found: Examined) -> Report:
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


def _summary(incidents: list[Incident]) -> str:
    if not incidents:
        return "no incident"
    return "; ".join(
        f"{each.id}: {each.verdict.mechanism} {each.verdict.status}, SNAT {each.snat.verdict}"
        for each in incidents
    )
