"""JSON values as whole blobs: arrays, records in an object, a query's answer, single records."""

import re
from collections.abc import Iterator

import msgspec

from pipeline.dialect import Record, is_metrics_answer, lowered, unbatched
from pipeline.envelope import LARGEST_WHOLE_BYTES, Envelope, Unreadable
from pipeline.storage import Blob

# All up to the next bracket that stands in no text.
TO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+[{}\[\]]', re.DOTALL)
ARRAY = re.compile(rb'(\{\s{0,99}"records"\s{0,99}:\s{0,99})?\[', re.IGNORECASE)
BETWEEN = b" \t\r\n,"
# A bracket alone may also begin a line of text, such as [Info].
OPENS = re.compile(rb"\s*(?:\{|\[\s*(?:[\[{\"\]\d-]|true|false|null|\Z))")


def _records(blob: Blob) -> Iterator[Record | Unreadable]:
    for piece in _Cutter().pieces(blob.chunks()):
        yield from _read(piece) if isinstance(piece, bytes) else [piece]


class _Cutter:
    """Cuts a blob into its values; an array, alone or as ``records`` of an object, into elements.

    Only brackets are looked at: what is wrong within a piece, or nested however deep, costs none
    of the others.
    """

    def __init__(self) -> None:
        self._held = b""
        self._start = self._seen = 0  # up to where it was given, and looked at
        self._depth = 0
        # The depth at which pieces lie; None where the rest of an object is passed over.
        self._below: int | None = 0

    def pieces(self, chunks: Iterator[bytes]) -> Iterator[bytes | Unreadable]:
        for chunk in self._enough(chunks):
            self._held = self._held[self._start :] + chunk
            self._start, self._seen = 0, self._seen - self._start
            while bracket := TO_BRACKET.match(self._held, self._seen):
                self._seen = bracket.end()
                opens = self._held[self._seen - 1] in b"{["
                yield from self._open() if opens else self._close()
                if self._depth < 0:
                    yield Unreadable("not JSON", "cannot be read on from here: a bracket too many")
                    return
            if len(self._held) - self._start > LARGEST_WHOLE_BYTES:
                limit = f"{LARGEST_WHOLE_BYTES >> 20} MiB"
                reason = f"one JSON value of more than {limit}; save it in parts"
                yield Unreadable("too large", reason)
                return
        rest = self._held[self._start :]
        if self._depth:
            yield Unreadable("not JSON", "the document ends early", rest)
        elif rest.strip(BETWEEN):
            yield Unreadable("not JSON", "not an object", rest.strip(BETWEEN))

    def _enough(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Chunks, as many at once as is held already: a long value is not copied for each."""
        waiting: list[bytes] = []
        size = 0
        for chunk in chunks:
            waiting.append(chunk)
            size += len(chunk)
            if size >= len(self._held) - self._start:
                yield b"".join(waiting)
                waiting, size = [], 0
        if waiting:
            yield b"".join(waiting)

    def _open(self) -> Iterator[Unreadable]:
        if self._depth == self._below:
            yield from self._between()
            self._start = self._seen - 1
        if self._below == 0 and (array := ARRAY.fullmatch(self._held, self._start, self._seen)):
            self._below, self._start = (2 if array[1] else 1), self._seen
        elif self._below is None:
            self._start = self._seen
        self._depth += 1

    def _close(self) -> Iterator[bytes | Unreadable]:
        self._depth -= 1
        if self._depth == self._below:
            yield self._held[self._start : self._seen]
            self._start = self._seen
        elif self._below is None or self._depth < self._below:
            if self._below is not None:
                yield from self._between()
            self._below = None if self._depth > 0 else 0
            self._start = self._seen

    def _between(self) -> Iterator[Unreadable]:
        """What stands before this bracket, where only commas should."""
        if raw := self._held[self._start : self._seen - 1].strip(BETWEEN):
            yield Unreadable("not JSON", "not an object", raw)


def _read(raw: bytes) -> Iterator[Record | Unreadable]:
    try:
        value = msgspec.json.decode(raw)
    except RecursionError:
        yield Unreadable("too deep", "the record is nested too deeply", raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        yield Unreadable("not JSON", str(error), raw)
    else:
        yield from _opened(value)


def _opened(value: object) -> Iterator[Record | Unreadable]:
    """Records of the value, whichever of Azure's answers it is."""
    said = _lowered(value)
    if isinstance(said.get("responses"), dict):
        # An example of Azure's REST specifications: the answer stands below its status.
        value = _lowered(_lowered(said["responses"]).get("200")).get("body")
        said = _lowered(value)
    if isinstance(said.get("tables"), list):
        yield from _tables(said)
    elif is_metrics_answer(said):
        yield said
    else:
        yield from map(_record, unbatched(value))


def _lowered(value: object) -> dict[str, object]:
    return lowered(value) if isinstance(value, dict) else {}


def _tables(answer: Record) -> Iterator[Record | Unreadable]:
    """The rows of a Log Analytics query's answer; it tells an error where it was cut."""
    tables = answer["tables"]
    for table in tables if isinstance(tables, list) else ():
        yield from _rows(_lowered(table))
    if error := answer.get("error"):
        code = _lowered(error).get("code")
        yield Unreadable("incomplete", f"the query's answer is not complete: {code}")


def _rows(table: Record) -> Iterator[Record | Unreadable]:
    try:
        names = [column["name"] for column in table["columns"]]  # type: ignore[attr-defined]
        rows: list[list[object]] = table["rows"]  # type: ignore[assignment]
        for row in rows:
            if len(row) == len(names):
                yield dict(zip(names, row, strict=True))
            else:
                reason = f"{len(row)} cells where {len(names)} are named"
                yield Unreadable("not JSON", reason, msgspec.json.encode(row))
    except (KeyError, TypeError) as error:
        yield Unreadable("not JSON", f"no table of a query's answer: {error!r}")


def _record(value: object) -> Record | Unreadable:
    if isinstance(value, dict):
        return value
    return Unreadable("not JSON", "not an object", msgspec.json.encode(value))


json_document = Envelope(
    about="JSON values: arrays, objects of records, answers of a query, single records",
    opens=lambda head: bool(OPENS.match(head)),
    records=_records,
)
