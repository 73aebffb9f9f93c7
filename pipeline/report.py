"""Report: findings and drawings in, one document out as HTML, PDF and JSON."""

import base64
import contextlib
import io
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from xml.sax.saxutils import escape

import jinja2
import jinja2.meta
import markupsafe

from pipeline.capacity_finding import Review
from pipeline.errors import PipelineError
from pipeline.figure import Drawing
from pipeline.finding import Findings, Incident, encoded

FONTS = {
    "IBMPlexSans-Regular.ttf": ("IBM Plex Sans", 400),
    "IBMPlexSans-SemiBold.ttf": ("IBM Plex Sans", 600),
    "IBMPlexMono-Regular.ttf": ("IBM Plex Mono", 400),
}
PANGO = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
# The folder of sections of each kind of document.
FOLDERS = {"incident": "rca", "capacity": "capacity"}
NO_PANGO = f"no PDF: the Pango library is missing; install it with 'apt-get install {PANGO}'"


class Format(StrEnum):
    """What a report can be written as."""

    PDF = "pdf"
    HTML = "html"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Report:
    """All that the document says: the findings, and a drawing for each figure id."""

    findings: Findings
    drawings: Mapping[str, Drawing]


@dataclass(frozen=True, slots=True)
class CapacityReport:
    """The same of a capacity review."""

    findings: Review
    drawings: Mapping[str, Drawing]


Document = Report | CapacityReport


def outputs(output: Path, formats: Iterable[str]) -> dict[Format, Path]:
    """The file of each format: as named for a single one, else of one stem; none named are all.

    Raises ``PipelineError`` where no file is named.
    """
    if not output.name:
        raise PipelineError(f"--output {output}: name a file, as in rca.pdf")
    wanted = [Format(each) for each in dict.fromkeys(formats or tuple(Format))]
    if len(wanted) == 1:
        return {wanted[0]: output}
    stem = output.with_suffix("") if output.suffix.lstrip(".") in list(Format) else output
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

    Raises ``PipelineError`` where a file cannot be written to.
    """
    written, missing = [], []
    html = composed(report) if {Format.HTML, Format.PDF} & set(outputs) else ""
    for kind, path in outputs.items():
        content: bytes | None
        match kind:
            case Format.JSON:
                content = encoded(report.findings)
            case Format.HTML:
                content = html.encode()
            case Format.PDF:
                content = pdf(html)
        if content is None:
            missing.append(NO_PANGO)
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise PipelineError(f"{path}: cannot be written: {error.strerror}") from error
        written.append(path)
    return written, missing


def composed(report: Document) -> str:
    """The document as one HTML file that fetches nothing.

    A section that speaks of an ``incident`` stands once for each, the others once.
    """
    folder = FOLDERS[report.findings.kind]
    of_incident = [name for name in sections(folder) if "incident" in _asks(name)]
    once = [name for name in sections(folder) if name not in of_incident]
    chapters = [
        section(name, report, number)
        for number in range(len(_incidents(report)))
        for name in of_incident
    ] + [section(name, report, None) for name in once]
    page = _environment().get_template(f"{folder}/page.html")
    return page.render(
        findings=report.findings,
        chapters=[markupsafe.Markup(each) for each in chapters if each.strip()],  # noqa: S704
        style=markupsafe.Markup(_style(folder)),  # noqa: S704
    )


def section(name: str, report: Document, number: int | None) -> str:
    """One section's HTML, of the incident with this number where it speaks of one."""
    of = {} if number is None else {"incident": _incidents(report)[number]}
    return (
        _environment()
        .get_template(name)
        .render(
            findings=report.findings,
            drawings={
                id_: (markupsafe.Markup(drawing.svg), drawing.alt)  # noqa: S704
                for id_, drawing in report.drawings.items()
            },
            number=number or 0,
            **of,
        )
    )


def _incidents(report: Document) -> list[Incident]:
    return report.findings.incidents if isinstance(report, Report) else []


def pdf(html: str) -> bytes | None:
    """The document as tagged PDF/UA-1, or null where Pango is missing.

    Nothing is fetched: fonts come within the document, and no other font is known.
    """
    with tempfile.TemporaryDirectory(prefix="gateway-rca-fonts-") as cache_folder:
        os.environ["FONTCONFIG_FILE"] = str(_font_settings(Path(cache_folder)))
        try:
            # Without Pango it prints where to read about it; the report says what to type.
            with contextlib.redirect_stdout(io.StringIO()):
                import weasyprint
                from weasyprint.urls import URLFetcher
        except OSError:
            return None
        document = weasyprint.HTML(string=html, url_fetcher=URLFetcher(allowed_protocols=("data",)))
        content: bytes = document.write_pdf(pdf_variant="pdf/ua-1")
        return content


def _font_settings(folder: Path) -> Path:
    """Settings by which fontconfig knows the bundled fonts only, so that output is the same."""
    with as_file(files("reports") / "fonts") as fonts:
        told = folder / "fonts.conf"
        told.write_text(
            "<?xml version='1.0'?><!DOCTYPE fontconfig SYSTEM 'fonts.dtd'><fontconfig>"
            f"<dir>{escape(str(fonts))}</dir><cachedir>{escape(str(folder))}</cachedir></fontconfig>",
            encoding="utf-8",
        )
    return told


@cache
def _environment() -> jinja2.Environment:
    from pipeline import wording

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(wording.filters())
    return environment


def _finalized(value: object) -> object:
    """What a template prints: texts from outside show their invisible characters."""
    from pipeline import wording

    if isinstance(value, str) and not isinstance(value, markupsafe.Markup):
        return wording.plain(value)
    return value


@cache
def sections(folder: str = "rca") -> list[str]:
    """A report's sections in the order of their numbers: the folder is the table of contents."""
    entries = (files("reports") / folder).iterdir()
    return [f"{folder}/{name}" for name in sorted(e.name for e in entries) if name[:2].isdigit()]


def _asks(template: str) -> set[str]:
    source = (files("reports") / template).read_text(encoding="utf-8")
    return jinja2.meta.find_undeclared_variables(_environment().parse(source))


@cache
def _style(folder: str) -> str:
    """The fonts, the style of all reports, and what a kind of report adds to it."""
    faces = []
    for name, (family, weight) in FONTS.items():
        data = base64.b64encode((files("reports") / "fonts" / name).read_bytes()).decode()
        faces.append(
            f"@font-face{{font-family:'{family}';font-weight:{weight};"
            f"src:url(data:font/ttf;base64,{data}) format('truetype')}}"
        )
    styles = [
        (files("reports") / each / "page.css").read_text(encoding="utf-8")
        for each in dict.fromkeys(("rca", folder))
    ]
    return "\n".join([*faces, *styles])
