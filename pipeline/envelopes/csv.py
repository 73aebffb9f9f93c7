"""CSV as the portal saves a query's answer: a header, a comma between, times named [UTC]."""

import codecs
import csv as reader
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from pipeline.dialect import Record
from pipeline.envelope import Envelope, Unreadable
from pipeline.storage import Blob

UTC_COLUMN = re.compile(r"(.+) \[UTC\]")
ZONED_COLUMN = re.compile(r".+ \[.+\]")
PORTAL_TIMES = ("%m/%d/%Y, %I:%M:%S.%f %p", "%m/%d/%Y, %I:%M:%S %p")
HEADER = re.compile(rb"\s*[\w\"_][\w \[\]\"().:/-]*,[^{}]*")
LONGEST_ROW = 4 << 20


def _opens(head: bytes) -> bool:
    first = head.removeprefix(codecs.BOM_UTF8).lstrip().partition(b"\n")[0].strip()
    return bool(HEADER.fullmatch(first))


def _records(blob: Blob) -> Iterator[Record | Unreadable]:
    reader.field_size_limit(LONGEST_ROW)
    lines = _Lines(blob.chunks())
    rows = reader.reader(lines)
    try:
        columns = [name.strip() for name in next(rows, [])]
        names = [_name(column) for column in columns]
        if wrong := _wrong(columns, names):
            yield wrong
            return
        for row in rows:
            lines.of_row = 0
            if row:
                yield _record(columns, names, row)
    except reader.Error as error:
        yield Unreadable("not CSV", f"cannot be read on from here: {error}")


def _name(column: str) -> str:
    utc = UTC_COLUMN.fullmatch(column)
    return utc[1] if utc else column


def _wrong(columns: list[str], names: list[str]) -> Unreadable | None:
    """Why the rows below these columns cannot be read."""
    raw = ",".join(columns).encode(errors="surrogateescape")
    for column, name in zip(columns, names, strict=True):
        if column == name and ZONED_COLUMN.fullmatch(column):
            reason = f"column {column!r} is in a zone that is not told; save it in UTC"
            return Unreadable("wrong zone", reason, raw)
        if names.count(name) > 1:
            return Unreadable("not CSV", f"more than one column is named {name!r}", raw)
    return None


def _record(columns: list[str], names: list[str], row: list[str]) -> Record | Unreadable:
    """The row by the names of its columns; an empty cell is no value."""
    try:
        raw = ",".join(row).encode()
    except UnicodeEncodeError:
        said = ",".join(row).encode(errors="surrogateescape")
        return Unreadable("not UTF-8", "a cell is not UTF-8", said)
    if len(row) != len(columns):
        return Unreadable("not CSV", f"{len(row)} cells where {len(columns)} are named", raw)
    record: dict[str, object] = {}
    for column, name, cell in zip(columns, names, row, strict=True):
        try:
            record[name] = (cell or None) if column == name else _moment(cell)
        except ValueError:
            return Unreadable("not CSV", f"{column} is not a time: {cell[:40]!r}", raw)
    return record


def _moment(cell: str) -> str | None:
    """The portal's spelling of a time (month first) as ISO 8601."""
    if not cell:
        return None
    for spelling in PORTAL_TIMES:
        try:
            return f"{datetime.strptime(cell, spelling).isoformat()}Z"  # noqa: DTZ007
        except ValueError:
            continue
    said = datetime.fromisoformat(cell)
    return f"{(said.astimezone(UTC) if said.tzinfo else said).replace(tzinfo=None).isoformat()}Z"


class _Lines:
    """The text line by line; a cell in quotes may go over several.

    What is not UTF-8 stands as surrogates. ``of_row`` counts what was read since it was set to 0.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._lines = self._cut(chunks)
        self.of_row = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.of_row += len(line)
        if self.of_row > LONGEST_ROW:
            raise reader.Error(f"a row is longer than {LONGEST_ROW >> 20} MiB")
        return line

    def _cut(self, chunks: Iterator[bytes]) -> Iterator[str]:
        text = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
        decoder = io.IncrementalNewlineDecoder(text, translate=False)
        rest = ""
        for chunk in chunks:
            *lines, rest = (rest + decoder.decode(chunk)).split("\n")
            yield from (line + "\n" for line in lines)
            if len(rest) > LONGEST_ROW:
                raise reader.Error(f"a row is longer than {LONGEST_ROW >> 20} MiB")
        rest += decoder.decode(b"", final=True)
        if rest:
            yield rest


csv = Envelope(about="CSV with a header, as the portal saves it", opens=_opens, records=_records)
