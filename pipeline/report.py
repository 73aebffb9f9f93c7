"""Report: findings and drawings in, one document out as PDF, HTML, Markdown and JSON."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import markupsafe

from pipeline import markdown, stationery
from pipeline.capacity_finding import Review
from pipeline.errors import PipelineError
from pipeline.figure import Drawing
from pipeline.finding import encoded
from pipeline.incident_finding import Findings, Incident
from pipeline.printing import Attached, TooMuchError, printed
from pipeline.stationery import FONTS, Look

__all__ = ["FONTS", "PANGO", "Format", "Report", "composed", "pdf", "prepared", "section", "write"]

PANGO = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
# The folder of sections of each kind of document.
FOLDERS = {"incident": "rca", "capacity": "capacity"}
NO_PANGO = f"no PDF: the Pango library is missing; install it with 'apt-get install {PANGO}'"
LINK = re.compile(r'<a\b[^>]*\bhref="#([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
CONTENTS = re.compile(r'<nav class="contents".*?</nav>', re.DOTALL)
ID = re.compile(r'\bid="([^"]*)"')
# A section's anchor and heading, as its template writes them.
HEADED = re.compile(r'<section id="(i\{\{ number \}\}-)?([a-z-]+)">\s*<h2>([^<{]+)</h2>')


class Format(StrEnum):
    """What a report can be written as."""

    PDF = "pdf"
    HTML = "html"
    JSON = "json"
    MD = "md"


# What --output writes where no format is named.
USUAL = (Format.PDF, Format.HTML, Format.JSON)


@dataclass(frozen=True, slots=True)
class Report:
    """All that the document says: the findings, and a drawing for each figure id; and its look."""

    findings: Findings
    drawings: Mapping[str, Drawing]
    look: Look = field(default_factory=Look)


@dataclass(frozen=True, slots=True)
class CapacityReport:
    """The same of a capacity review."""

    findings: Review
    drawings: Mapping[str, Drawing]
    look: Look = field(default_factory=Look)


Document = Report | CapacityReport


def outputs(output: Path, formats: Iterable[str]) -> dict[Format, Path]:
    """The file of each format: as named for a single one, else of one stem; the usual by default.

    What is named after another format than it is takes the stem, too.
    Raises ``PipelineError`` where no file is named.
    """
    if not output.name:
        raise PipelineError(f"--output {output}: name a file, as in rca.pdf")
    wanted = [Format(each) for each in dict.fromkeys(formats or USUAL)]
    named = output.suffix.lstrip(".")
    if len(wanted) == 1 and named not in {*Format} - {*wanted}:
        return {wanted[0]: output}
    stem = output.with_suffix("") if named in list(Format) else output
    return {each: stem.with_name(f"{stem.name}.{each}") for each in wanted}


def prepared(outputs: Mapping[Format, Path]) -> None:
    """Looks whether the files to come can be written: better to know now than after the work.

    Raises ``PipelineError`` where a file cannot be written to.
    """
    for path in outputs.values():
        if path.is_dir():
            raise PipelineError(
                f"{path}: cannot be written: it is a folder; name a file in it, as "
                f"{path / 'rca.pdf'}"
            )
        there = next(each for each in (path, *path.absolute().parents) if each.exists())
        if there != path and not there.is_dir():
            raise PipelineError(f"{path}: cannot be written: {there} is a file, not a folder")
        if not os.access(there, os.W_OK):
            raise PipelineError(f"{path}: cannot be written: no permission to write to {there}")


def write(report: Document, outputs: Mapping[Format, Path]) -> tuple[list[Path], list[str]]:
    """Writes the document in each format; gives the files, and what could not be written and why.

    Markdown has its figures beside it, in a folder of its own. Raises ``PipelineError`` where a
    file cannot be written to.
    """
    written, missing = [], []
    html = composed(report) if set(outputs) - {Format.JSON} else ""
    for kind, path in outputs.items():
        beside: dict[str, bytes] = {}
        content: bytes | None
        match kind:
            case Format.JSON:
                content = encoded(report.findings)
            case Format.HTML:
                content = html.encode()
            case Format.MD:
                folder = f"{path.stem}-figures"
                content = markdown.written(html, folder).encode()
                beside = {
                    f"{folder}/{name}.svg": drawing.svg.encode()
                    for name, drawing in report.drawings.items()
                }
            case Format.PDF:
                try:
                    content = pdf(html, report)
                except TooMuchError as error:
                    missing.append(str(error))
                    continue
        if content is None:
            missing.append(NO_PANGO)
            continue
        for name, each in {path.name: content, **beside}.items():
            _put(path.parent / name, each)
        written.append(path)
    return written, missing


def _put(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise PipelineError(f"{path}: cannot be written: {error.strerror}") from error


def composed(report: Document) -> str:
    """The document as one HTML file that fetches nothing.

    A section that speaks of an ``incident`` stands once for each, the others once.
    """
    look, folder = report.look, FOLDERS[report.findings.kind]
    names = stationery.sections(look, folder)
    of_incident = [name for name in names if "incident" in stationery.asks(name, look)]
    once = [name for name in names if name not in of_incident]
    chapters = [
        section(name, report, number)
        for number in range(len(_incidents(report)))
        for name in of_incident
    ] + [section(name, report, None) for name in once]
    script, digest = stationery.script(look)
    with stationery.own_faults(look):
        page = stationery.environment(look).get_template(f"{folder}/page.html")
        html = page.render(
            findings=report.findings,
            chapters=[markupsafe.Markup(each) for each in chapters if each.strip()],  # noqa: S704
            style=markupsafe.Markup(stationery.style(look, folder)),  # noqa: S704
            script=markupsafe.Markup(script),  # noqa: S704
            digest=digest,
            letterhead=look.letterhead,
            logo=stationery.logo(look),
        )
    return _without_dead_links(html)


def section(name: str, report: Document, number: int | None) -> str:
    """One section's HTML, of the incident with this number where it speaks of one."""
    of = {} if number is None else {"incident": _incidents(report)[number]}
    with stationery.own_faults(report.look):
        template = stationery.environment(report.look).get_template(name)
        return template.render(
            findings=report.findings,
            drawings={
                id_: (markupsafe.Markup(each.svg), each.alt, each.readings)  # noqa: S704
                for id_, each in report.drawings.items()
            },
            number=number or 0,
            letterhead=report.look.letterhead,
            contents=_contents(report, number or 0),
            **of,
        )


def sections(folder: str = "rca") -> list[str]:
    """The bundled sections of a kind of report in the order of their numbers."""
    return stationery.sections(Look(), folder)


def _incidents(report: Document) -> list[Incident]:
    return report.findings.incidents if isinstance(report, Report) else []


def pdf(html: str, report: Document | None = None) -> bytes | None:
    """The document as PDF/UA-1 and PDF/A-3a, or null where Pango is missing.

    With the report, its findings and the numbers of its figures are attached. Raises
    ``TooMuchError`` where it takes more time or memory than it may.
    """
    if report is None:
        return printed(html)
    last = report.findings.window.end or report.findings.window.start
    return printed(html, attachments(report), datetime.fromisoformat(last))


def attachments(report: Document) -> list[Attached]:
    """What a PDF carries: the findings, and of each figure the numbers that it draws."""
    return [
        Attached(
            "findings.json",
            "All that this report says, for machines",
            "application/json",
            "Source",
            encoded(report.findings),
        ),
        *(
            Attached(
                f"{name}.csv",
                f"The numbers that figure {name} draws",
                "text/csv",
                "Data",
                drawing.rows.write_csv().encode(),
            )
            for name, drawing in report.drawings.items()
            if drawing.rows is not None
        ),
    ]


def _contents(report: Document, number: int) -> list[tuple[str, str]]:
    """The headings to come, each with its anchor in the chapter of an incident."""
    look = report.look
    names = stationery.sections(look, FOLDERS[report.findings.kind])
    found = (HEADED.search(stationery.source(name, look)) for name in names)
    return [
        ((f"i{number}-" if each[1] else "") + each[2], each[3].strip()) for each in found if each
    ]


def _without_dead_links(html: str) -> str:
    """The page, its links to what is not in it made plain: sections may have been left out.

    The contents do not name those.
    """
    there = set(ID.findall(html))
    listed = CONTENTS.sub(
        lambda nav: LINK.sub(lambda link: link[0] if link[1] in there else "", nav[0]), html
    )
    return LINK.sub(lambda link: link[0] if link[1] in there else link[2], listed)
