"""Claim: which format a blob is of, told by the records that it begins with."""

import codecs
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, starmap

import msgspec

from pipeline import gzipped
from pipeline.dialect import Record, fitted, lowered, unbatched
from pipeline.envelope import HEAD_BYTES, Unreadable
from pipeline.envelopes import envelopes
from pipeline.lines import is_record
from pipeline.source import Source
from pipeline.sources import sources
from pipeline.storage import Blob, BrokenBlobError

# The first that any format knows decides; before it may stand some that none uses.
RECORDS_TO_CLAIM = 200
# A record of another spelling behind these is found by what it lacks.
RECORDS_TO_COMPARE = 5
# zip, 7z, xz, bzip2, Zstandard.
ARCHIVES = (b"PK\x03\x04", b"7z\xbc\xaf", b"\xfd7zXZ", b"BZh", b"\x28\xb5\x2f\xfd")
KIND_KEYS = ("category", "type", "metricname", "operationname")


@dataclass(frozen=True, slots=True)
class Claim:
    """The format of a blob; the envelope its records lie in, None if they lie line by line.

    It is ``plain`` where records are spelled as the format documents them, ``packed`` where the
    blob is a gzip stream. Before ``begins`` (in bytes) stands a byte order mark, if there is one.
    """

    format: str
    plain: bool
    envelope: str | None
    packed: bool
    begins: int


def ready() -> None:
    """Makes the formats ready for threads to share: a type that msgspec gets to know in two threads
    at once ends the process.
    """
    for source in sources().values():
        msgspec.json.Decoder(source.record)


def claimed(blob: Blob) -> Claim | Unreadable | None:
    """The claim on a blob, by its content alone.

    If no format knows any of its first records, what there is unreadable in their place; else None.

    Raises ``BrokenBlobError`` where it cannot be read.
    """
    stored = blob.stored(0, HEAD_BYTES)
    packed = stored.startswith(gzipped.MAGIC)
    # Where nothing can be unpacked, the blob says why when it is read.
    head = (_unpacked(stored) or next(blob.chunks(), b"")) if packed else stored
    marked = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    head = head[marked:]
    if foreign := _foreign(head):
        return Unreadable("foreign", foreign)
    unreadable = None
    for envelope in _ways(head):
        found: list[tuple[str, Record]] = []
        for each in islice(_records(blob, head, envelope), RECORDS_TO_CLAIM):
            if isinstance(each, Unreadable):
                unreadable = unreadable or each
            elif name := _format_within(each):
                found.append((name, each))
            if len(found) == RECORDS_TO_COMPARE:
                break
        if found:
            name = found[0][0]
            plain = (
                envelope is None
                and all(other == name for other, _ in found)
                and all(starmap(_plain, found))
            )
            return Claim(name, plain, envelope, packed, 0 if packed or envelope else marked)
    return unreadable


def _foreign(head: bytes) -> str | None:
    """What a blob is that many would take for an export, and what to do about it."""
    if head.startswith(ARCHIVES) or head[257:262] == b"ustar":
        return "it is an archive; unpack it first"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "it is UTF-16 text; save it as UTF-8"
    return None


def _ways(head: bytes) -> Iterator[str | None]:
    """The ways in which records may lie, the likeliest first: an envelope, or line by line."""
    first = next((line for line in head.split(b"\n") if line.strip()), b"")
    by_line = is_record(first)
    if by_line and not _is_document(first, head):
        yield None
    yield from (name for name, each in envelopes().items() if each.opens(head))
    if not by_line and next(_lines(head), None) is not None:
        yield None


def _is_document(line: bytes, head: bytes) -> bool:
    """Whether the one line that there is holds many records."""
    value = msgspec.json.decode(line)
    return not head.split(line, 1)[1].strip() and list(unbatched(value)) != [value]


def _records(blob: Blob, head: bytes, envelope: str | None) -> Iterator[Record | Unreadable]:
    return envelopes()[envelope].records(blob) if envelope else _lines(head)


def _lines(head: bytes) -> Iterator[Record]:
    for line in head.split(b"\n"):
        if is_record(line):
            yield msgspec.json.decode(line)


def _format_within(record: Record) -> str | None:
    """The format of the first record in a batch, or of the record itself; None if none knows it."""
    objects = (each for each in unbatched(record) if isinstance(each, dict))
    return next((format_of(lowered(each)) for each in objects), None)


def format_of(record: Record, likely: str | None = None) -> str | None:
    """The format that claims a record (its keys in lower case); the likely one is asked first."""
    if likely and _claims(sources()[likely], record):
        return likely
    return next((name for name, source in sources().items() if _claims(source, record)), None)


def kind_of(record: Record) -> str | None:
    """What a record that no format claims calls itself; None if it does not tell."""
    for key in KIND_KEYS:
        if isinstance(kind := record.get(key), str) and kind:
            return kind
    return None


def known_formats() -> str:
    """What is looked for, in one line; docs/formats.md tells each."""
    return ", ".join(name.replace("_", " ") for name in sources())


def _claims(source: Source, record: Record) -> bool:
    # What a claim looks at may be of any type: a record made to break it is not of that format.
    with suppress(TypeError, AttributeError, ValueError, LookupError):
        return bool(source.claims(record))
    return False


def _unpacked(stored: bytes) -> bytes:
    try:
        return zlib.decompressobj(gzipped.GZIP_WBITS).decompress(stored, HEAD_BYTES)
    except zlib.error as error:
        raise BrokenBlobError(f"cannot be unpacked: {error}") from error


def _plain(name: str, record: Record) -> bool:
    """Whether reading the record as documented, and as a dialect, comes to the same."""
    source = sources()[name]
    if source.items or list(unbatched(record)) != [record]:
        return False
    try:
        meant = msgspec.convert(fitted(record, source.record), source.record, strict=False)
    except (msgspec.ValidationError, ValueError):
        # One bad record among good ones: they are read fast, and it is told apart then.
        return True
    try:
        return bool(msgspec.convert(record, source.record, strict=False) == meant)
    except msgspec.ValidationError:
        return False
