"""W3C extended log files, as web servers write them: a line names the fields, a line is a record.

Each ``#Fields:`` holds up to the next one. A dash stands for nothing, and a plus for each blank
that a header of the request had. Where lines have no date of their own, ``#Date:`` tells it.
"""

from collections.abc import Iterator

from pipeline.dialect import Record
from pipeline.envelope import Envelope, Unreadable
from pipeline.storage import Blob

FIELDS = "#Fields:"
DATE = "#Date:"
DIRECTIVES = (b"#Software:", b"#Version:", b"#Date:", b"#Fields:", b"#Start-Date:", b"#Remark:")
LONGEST_LINE_BYTES = 4 << 20


def _records(blob: Blob) -> Iterator[Record | Unreadable]:
    names: list[str] = []
    date: str | None = None
    for raw in _lines(blob.chunks()):
        if len(raw) > LONGEST_LINE_BYTES:
            limit = f"{LONGEST_LINE_BYTES >> 20} MiB"
            yield Unreadable("too long", f"the line is longer than {limit}", raw)
            continue
        line = raw.decode(errors="replace").strip()
        if line.startswith(FIELDS):
            names = line.removeprefix(FIELDS).split()
        elif line.startswith(DATE):
            date = line.removeprefix(DATE).strip().partition(" ")[0]
        elif line and not line.startswith("#"):
            yield _record(names, line, date, raw)


def _record(names: list[str], line: str, date: str | None, raw: bytes) -> Record | Unreadable:
    values = line.split()
    if len(values) != len(names):
        reason = f"{len(values)} values where {len(names)} fields are named"
        return Unreadable("not W3C", reason if names else "no fields are named before it", raw)
    record = {name: _told(name, value) for name, value in zip(names, values, strict=True)}
    return {"date": date, **record} if date else record


def _told(name: str, value: str) -> str | None:
    if value == "-":
        return None
    return value.replace("+", " ") if name.startswith("cs(") else value


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The lines; of one that is too long, as much as shows it."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > 2 * LONGEST_LINE_BYTES:
            rest = rest[: LONGEST_LINE_BYTES + 1]
    if rest:
        yield rest


w3c = Envelope(
    about="a W3C extended log file, with a line of #Fields",
    opens=lambda head: head.lstrip().startswith(DIRECTIVES),
    records=_records,
)
