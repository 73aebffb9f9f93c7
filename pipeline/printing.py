"""Printing: HTML in, one PDF out, made by a child process that may take only so much.

The PDF is tagged (PDF/UA-1) and made to be kept (PDF/A-3a), with files attached. Nothing is
fetched: fonts and logo come within the document, and no other font is known.
"""

import base64
import contextlib
import gc
import io
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import msgspec

from pipeline.errors import PipelineError

# The demo takes 5 s and 250 MB on a machine of two cores; sixty destinations not twice that.
MOST_SECONDS = 300
MOST_BYTES = 2 << 30
# The date of attached files where nobody says one: not today, so that bytes stay the same.
SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)
NO_PANGO, TOO_LARGE = 3, 4
# What a process without memory ends by: killed by the system, or by libraries that got none.
OUT_OF_MEMORY = (
    TOO_LARGE,
    *(-each for each in (signal.SIGKILL, signal.SIGABRT, signal.SIGTRAP, signal.SIGSEGV)),
)


class TooMuchError(PipelineError):
    """A document that took more time or memory to print than it may."""


class Attached(msgspec.Struct, frozen=True):
    """A file within the PDF; ``relation`` is what it is to the document, in PDF's own words."""

    name: str
    about: str
    mime: str
    relation: str
    content: bytes


class Job(msgspec.Struct, frozen=True):
    """What to print; ``moment`` is the date of the attached files."""

    html: str
    attached: tuple[Attached, ...]
    moment: datetime


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much printing may take."""

    seconds: float = MOST_SECONDS
    bytes: int = MOST_BYTES


def printed(
    html: str,
    attached: Sequence[Attached] = (),
    moment: datetime = SOME_DAY,
    bounds: Bounds = Bounds(),
) -> bytes | None:
    """The PDF, or null where Pango is missing.

    Raises ``TooMuchError`` where it takes more than the bounds allow.
    """
    job = msgspec.msgpack.encode(Job(html, tuple(attached), moment))
    try:
        child = subprocess.run(  # noqa: S603
            [sys.executable, "-m", __name__, str(bounds.bytes)],
            input=job,
            capture_output=True,
            timeout=bounds.seconds,
            check=False,
            # The child finds the packages where this process does, however it was started.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    except subprocess.TimeoutExpired as error:
        raise TooMuchError(_too_much(f"the {bounds.seconds:,.0f} s it may")) from error
    match child.returncode:
        case 0:
            return child.stdout
        case code if code == NO_PANGO:
            return None
        case code if code in OUT_OF_MEMORY:
            raise TooMuchError(_too_much(f"the {bounds.bytes >> 20:,} MiB of memory it may"))
    raise RuntimeError(f"printing failed:\n{child.stderr.decode(errors='replace')}")


def _too_much(what: str) -> str:
    return (
        f"no PDF: printing took more than {what}; name a shorter window with --from and --to, or "
        "leave sections out in [report.sections] of the settings; a browser can print the HTML"
    )


def main() -> int:
    """The child's whole life: a job on stdin, a PDF on stdout."""
    # It ends sooner than looking for what it could let go of would pay: an eighth of its time.
    gc.disable()
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    with tempfile.TemporaryDirectory(prefix="gateway-rca-fonts-") as folder:
        os.environ["FONTCONFIG_FILE"] = str(_font_settings(Path(folder)))
        try:
            # Without Pango it prints where to read about it; the report says what to type.
            with contextlib.redirect_stdout(io.StringIO()):
                import weasyprint  # noqa: F401
        except OSError:
            return NO_PANGO
        most = int(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        try:
            content = _pdf(job)
        except MemoryError:
            return TOO_LARGE
    sys.stdout.buffer.write(content)
    return 0


def _pdf(job: Job) -> bytes:
    import weasyprint
    from weasyprint.urls import URLFetcher

    fetcher = URLFetcher(allowed_protocols=("data",))
    document = weasyprint.HTML(string=_drawable(job.html), url_fetcher=fetcher).render(
        pdf_variant="pdf/a-3a"
    )
    _promise_accessibility(document.metadata)
    content: bytes = document.write_pdf(
        finisher=_kept_for_long,
        pdf_variant="pdf/a-3a",
        attachments=[
            weasyprint.Attachment(
                file_obj=io.BytesIO(each.content),
                name=each.name,
                description=each.about,
                created=job.moment,
                modified=job.moment,
                relationship=each.relation,
            )
            # Names in a PDF are looked up by halves.
            for each in sorted(job.attached, key=lambda each: each.name)
        ],
    )
    return content


def _drawable(html: str) -> str:
    """The page with a replacement character for each that no bundled font can draw.

    PDF/A and PDF/UA allow no other: a missing glyph says nothing to who keeps or hears it. The
    findings that are attached have every character.
    """
    from fontTools.ttLib import TTFont

    with as_file(files("reports") / "fonts") as fonts:
        drawn = {code for path in fonts.glob("*.ttf") for code in TTFont(path).getBestCmap()}
    beyond = {ord(each) for each in set(html)} - drawn - {ord("\n"), ord("\t")}
    return html.translate(dict.fromkeys(beyond, "\N{REPLACEMENT CHARACTER}"))


def _promise_accessibility(metadata: Any) -> None:
    """Adds PDF/UA-1 to what the metadata promise: WeasyPrint knows one promise at a time.

    PDF/A asks that a schema it does not know be described.
    """
    told = metadata.generate_rdf_metadata
    mark = (files("reports") / "parts" / "ua.xml").read_bytes()

    def both(variant: str, version: int, conformance: str) -> bytes:
        rdf: bytes = told(variant, version, conformance)
        head, end, tail = rdf.rpartition(b"</rdf:RDF>")
        return head + mark + end + tail

    metadata.generate_rdf_metadata = both


def _kept_for_long(_: Any, document: Any) -> None:
    """What PDF/A asks of streams, before they are written: readable metadata, and plain ends.

    A stream whose last byte ends a line seems a byte shorter to readers that look for its end
    instead of reading its length: such a one, one in a hundred, is written in letters.
    """
    import pydyf

    for each in document.objects:
        if not isinstance(each, pydyf.Stream):
            continue
        if each.extra.get("Type") == "/Metadata":
            each.compress = False
            continue
        content = each.data.partition(b"\nstream\n")[2].removesuffix(b"\nendstream")
        if content.endswith((b"\r", b"\n")):
            packed = "/FlateDecode" if each.compress else each.extra.get("Filter", "")
            each.extra["Filter"] = f"[/ASCII85Decode {packed}]"
            each.stream = [base64.a85encode(content) + b"~>"]
            each.compress = False


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


if __name__ == "__main__":
    sys.exit(main())
