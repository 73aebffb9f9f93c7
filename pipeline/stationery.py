"""Stationery: what a report is written on: sections, style, script and letterhead.

The bundled templates lie in ``reports/``. A house may have its own: a folder laid out the same
way, whose files come before the bundled ones.
"""

import base64
import hashlib
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

import jinja2
import jinja2.meta
import markupsafe

from pipeline import wording
from pipeline.config import Letterhead
from pipeline.errors import PipelineError

RCA = "rca"
FONTS = {
    "IBMPlexSans-Regular.ttf": ("IBM Plex Sans", 400),
    "IBMPlexSans-SemiBold.ttf": ("IBM Plex Sans", 600),
    "IBMPlexMono-Regular.ttf": ("IBM Plex Mono", 400),
}
# Beside the sections: the page that holds them, its style and script; house.css adds to the style.
PAGE, STYLE, SCRIPT, ADDED = "page.html", "page.css", "page.js", "house.css"
LOGOS = {".png": "image/png", ".svg": "image/svg+xml", ".jpg": "image/jpeg"}
MOST_LOGO_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Look:
    """How a report is to look: the settings' letterhead, and a folder of the house's templates."""

    letterhead: Letterhead = field(default_factory=Letterhead)
    folder: Path | None = None


def checked(look: Look, report: str = RCA) -> None:
    """Looks whether a report can be written so: better to know now than after the work.

    Raises ``PipelineError`` naming file or setting, and the names that there are.
    """
    if look.folder:
        _check_folder(look.folder, report)
    there = [title(name) for name in all_sections(look, report)]
    for name in look.letterhead.sections:
        if name not in there:
            raise PipelineError(
                f"report.sections.{name} in the settings: there is no such section; there are "
                + ", ".join(there)
            )
    logo(look)


def all_sections(look: Look, report: str = RCA) -> list[str]:
    """Every section there is, in the order of its number: the folder is the table of contents.

    A section of the house takes the place of the bundled one with its name, whatever its number.
    """
    bundled = [entry.name for entry in (files("reports") / report).iterdir()]
    own = [path.name for path in (look.folder / report).iterdir()] if look.folder else []
    named = {title(name): name for name in [*bundled, *own] if name[:2].isdigit()}
    return [f"{report}/{name}" for name in sorted(named.values())]


def sections(look: Look, report: str = RCA) -> list[str]:
    """The sections to write: all but those that the settings switch off."""
    off = {name for name, on in look.letterhead.sections.items() if not on}
    return [name for name in all_sections(look, report) if title(name) not in off]


def title(section: str) -> str:
    """A section's name, as settings say it: rca/20_timeline.html is the timeline."""
    return section.rpartition("/")[2].partition("_")[2].removesuffix(".html")


def asks(section: str, look: Look) -> set[str]:
    """The variables that a section wants."""
    return jinja2.meta.find_undeclared_variables(environment(look).parse(source(section, look)))


def source(name: str, look: Look) -> str:
    """A file's text: the house's own, else the bundled one; empty where there is none."""
    for folder in ([look.folder] if look.folder else []) + [files("reports")]:
        path = folder.joinpath(*name.split("/"))
        if path.is_file():
            return path.read_text(encoding="utf-8")
    return ""


def environment(look: Look) -> jinja2.Environment:
    """What renders templates: the house's own folder is looked into first."""
    return _environment(look.folder)


@cache
def _environment(folder: Path | None) -> jinja2.Environment:
    bundled = jinja2.PackageLoader("reports", "")
    own = [jinja2.FileSystemLoader(folder)] if folder else []
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader([*own, bundled]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(wording.filters())
    return made


def _finalized(value: object) -> object:
    """What a template prints: texts from outside show their invisible characters."""
    if isinstance(value, str) and not isinstance(value, markupsafe.Markup):
        return wording.plain(value)
    return value


def style(look: Look, report: str = RCA) -> str:
    """The style sheet, fonts and all."""
    faces = []
    for name, (family, weight) in FONTS.items():
        data = base64.b64encode((files("reports") / "fonts" / name).read_bytes()).decode()
        faces.append(
            f"@font-face{{font-family:'{family}';font-weight:{weight};"
            f"src:url(data:font/ttf;base64,{data}) format('truetype')}}"
        )
    paper = f"@page{{size:{look.letterhead.paper.value}}}"
    # What a kind of report adds to the style of all.
    sheets = [f"{each}/{part}" for each in dict.fromkeys((RCA, report)) for part in (STYLE, ADDED)]
    return "\n".join([*faces, *(source(sheet, look) for sheet in sheets), paper])


def script(look: Look) -> tuple[str, str]:
    """The page's own script, and the digest by which the page lets no other run."""
    text = source(f"{RCA}/{SCRIPT}", look)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return text, f"sha256-{digest}"


def logo(look: Look) -> str | None:
    """The logo as an address that holds it."""
    if look.letterhead.logo is None:
        return None
    path = Path(look.letterhead.logo)
    kind = LOGOS.get(path.suffix.lower())
    if kind is None:
        raise PipelineError(f"report.logo {path}: name a file that ends in {', '.join(LOGOS)}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PipelineError(f"report.logo {path}: cannot be read: {error.strerror}") from error
    if len(content) > MOST_LOGO_BYTES:
        raise PipelineError(f"report.logo {path}: is larger than 1 MiB; make it smaller")
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _check_folder(folder: Path, report: str) -> None:
    if not folder.is_dir():
        raise PipelineError(f"--template {folder}: no such folder")
    own = folder / report
    if not own.is_dir():
        raise PipelineError(
            f"--template {folder}: has no folder {report!r}; it is laid out as the bundled "
            f"templates are: {report}/{ADDED}, {report}/20_timeline.html"
        )
    for path in sorted(own.iterdir()):
        numbered = path.name[:2].isdigit() and path.name[2:3] == "_" and path.suffix == ".html"
        if not numbered and path.name not in (PAGE, STYLE, SCRIPT, ADDED):
            raise PipelineError(
                f"{path}: is no template; a section is NN_name.html, else there are {PAGE}, "
                f"{STYLE}, {SCRIPT} and {ADDED}"
            )
    for path in sorted([*own.glob("*.html"), *(folder / "parts").glob("*.html")]):
        name = path.relative_to(folder).as_posix()
        with own_faults(Look(folder=folder)):
            _environment(folder).get_template(name)


@contextmanager
def own_faults(look: Look) -> Iterator[None]:
    """Tells a fault in the house's templates as what it is: where, and what is wrong.

    Raises ``PipelineError`` naming file and line.
    """
    try:
        yield
    except jinja2.TemplateSyntaxError as error:
        if not look.folder or not error.filename:
            raise
        raise PipelineError(f"{error.filename}:{error.lineno}: {error.message}") from error
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [
            each for each in frames if look.folder and each.filename.startswith(f"{look.folder}/")
        ]
        if not own:
            raise
        raise PipelineError(f"{own[-1].filename}:{own[-1].lineno}: {error}") from error
