"""Feed: the records of many blobs, one after the other, in batches of a size that fits memory."""

import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO

import msgspec

from pipeline.dialect import Record
from pipeline.envelope import Unreadable
from pipeline.envelopes import envelopes
from pipeline.lines import LONGEST_LINE_BYTES, LineEnd, Lines, Rest, TooLong, pieces
from pipeline.sources import sources
from pipeline.storage import Blob, BrokenBlobError, read_ahead
from pipeline.stretch import BROKEN_BLOB, Ending, Gathered, Reading, refusal

# A record taken apart is kept twice; a tuple of a flow log is told with all that its record tells.
TAKEN_APART = 2
HOLDING_MANY = 8
# What is known of a blob that ends in a break: whatever comes in its place is another.
BROKEN = "broken"
# Enough of a log's end to tell it from any other.
TAIL_BYTES = 4 << 10


@dataclass(slots=True)
class Batch:
    """Records of one format's blobs, gathered; ``plain`` where all are spelled as documented.

    ``unreachable`` tells why a blob could not be read to its end; the next run goes on from there.
    Whoever has taken what was gathered is to ``give_back`` its file.
    """

    format: str
    plain: bool
    gathered: Gathered
    give_back: Callable[[Path], None]
    endings: list[Ending] = field(default_factory=list)
    unreachable: dict[str, str] = field(default_factory=dict)


def tail(blob: Blob, packed: bool, offset: int) -> bytes:
    """The last bytes before an offset, as many as tell one content from another."""
    start = max(0, offset - TAIL_BYTES)
    if not packed:
        return blob.stored(start, offset)
    return b"".join(cut(blob.chunks(), 0, start, offset))


def known_up_to(reading: Reading, offset: int) -> str:
    """The digest of a blob's content up to an offset, as an ending tells it."""
    if not reading.envelope:
        return digest(tail(reading.blob, reading.packed, offset))
    told = hashlib.sha256()
    for record in islice(envelopes()[reading.envelope].records(reading.blob), offset):
        told.update(_line(record))
    return told.hexdigest()


class _ChangedError(Exception):
    """What was read of a blob before does not stand there any more."""


Changed = Callable[[Reading], Iterable[Reading]]


def feed(
    readings: Sequence[Reading], folder: Path, batch_bytes: int, changed: Changed
) -> Iterator[Batch]:
    """Reads one blob after the other, and gives what was gathered whenever it is ``batch_bytes``.

    Each batch is a file of its own in ``folder``. ``changed`` says how to read a blob instead where
    the records that it began with are not there any more.
    """
    in_lines = [(each.blob, each.start) for each in readings if not each.envelope]
    feeder = _Feeder(folder, batch_bytes, read_ahead(in_lines))
    for reading in readings:
        try:
            yield from feeder.batches(reading)
        except _ChangedError:
            feeder.forget()
            for instead in changed(reading):
                yield from feeder.batches(instead)
    yield from feeder.last()


def cut(
    chunks: Iterator[bytes], start: int, from_offset: int, to_offset: int | None
) -> Iterator[bytes]:
    """Of chunks whose first byte has the offset ``start``, what lies between two offsets."""
    offset = start
    for chunk in chunks:
        end = len(chunk) if to_offset is None else to_offset - offset
        if said := chunk[max(0, from_offset - offset) : end]:
            yield said
        offset += len(chunk)
        if end < len(chunk):
            return


def digest(tail: bytes) -> str:
    """What tells whether a blob still begins with what was read of it: by the end of that."""
    return hashlib.sha256(tail[-TAIL_BYTES:]).hexdigest()[:32]


class _Feeder:
    """Fills batches; the one that is being filled has a stretch of a blob at its end."""

    def __init__(self, folder: Path, batch_bytes: int, in_lines: Iterator[Iterator[bytes]]) -> None:
        self._folder = folder
        self._batch_bytes = batch_bytes
        self._in_lines = in_lines
        self._number = 0
        self._free: SimpleQueue[Path] = SimpleQueue()
        self._batch: Batch | None = None
        self._file: IO[bytes]
        self._bytes = 0
        self._offset = self._position = 1
        # Of blobs of which a part is healed, for what follows that part.
        self._next_positions: dict[str, int] = {}

    def batches(self, reading: Reading) -> Iterator[Batch]:
        """The batches that a reading fills; what is left of it waits for more."""
        if self._batch and not self._takes(reading):
            yield self._closed()
        if reading.envelope:
            yield from self._document(reading)
        else:
            yield from self._lines(reading)

    def forget(self) -> None:
        """Takes back the stretch that was begun last, of which nothing was written yet."""
        self._filling.endings.pop()
        if not self._filling.endings:
            self._closed().gathered.path.unlink()

    def last(self) -> Iterator[Batch]:
        """What waits for more, when there is no more."""
        if self._batch:
            yield self._closed()

    # --- the batch that is being filled ---

    @property
    def _filling(self) -> Batch:
        if self._batch is None:
            raise AssertionError("no batch is open")
        return self._batch

    @property
    def _full(self) -> bool:
        """Whether a batch is enough; records that are taken apart become many times as much."""
        share = 1 if self._filling.plain else TAKEN_APART
        if sources()[self._filling.format].many:
            share = HOLDING_MANY
        return self._bytes * share >= self._batch_bytes

    @property
    def _ending(self) -> Ending:
        return self._filling.endings[-1]

    def _takes(self, reading: Reading) -> bool:
        """Whether a batch of one format takes this; what heals is told apart by itself."""
        batch = self._filling
        if self._full:
            return False
        if reading.healing or self._ending.reading.healing:
            return False
        return (batch.format, batch.plain) == (reading.format, reading.plain)

    def _begin(self, reading: Reading, offset: int, position: int) -> None:
        if self._batch is None:
            gathered = Gathered(self._file_for_a_batch())
            self._batch = Batch(reading.format, reading.plain, gathered, self._free.put)
            self._file = gathered.path.open("r+b", buffering=0)
            self._bytes = 0
        self._offset, self._position = offset, position
        self._batch.gathered.goes_on(reading.blob.name, position)
        self._batch.endings.append(Ending(reading, offset, position, offset, position))

    def _file_for_a_batch(self) -> Path:
        """A file that was given back, for its pages are in memory already; else a new one."""
        with suppress(Empty):
            return self._free.get_nowait()
        self._number += 1
        path = self._folder / f"{self._number}.json"
        path.touch()
        return path

    def _closed(self) -> Batch:
        batch = self._filling
        self._file.truncate(self._bytes)
        self._file.close()
        self._batch = None
        return batch

    def _first_position(self, reading: Reading) -> int:
        return reading.first_position or self._next_positions[reading.blob.name]

    def _write(self, lines: bytes | memoryview, count: int) -> None:
        # A disk that is full takes a part, and says so only when asked for more.
        if self._file.write(lines) < len(lines):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._folder))
        self._bytes += len(lines)
        self._filling.gathered.count += count
        self._position += count

    def _refuse(self, kind: str, reason: str, raw: bytes, raw_bytes: int) -> None:
        ending = self._ending
        place = (ending.blob, self._position, 1)
        ending.refusals.append(refusal(place, kind, reason, raw, raw_bytes))
        self._position += 1
        self._filling.gathered.goes_on(ending.blob, self._position)

    def _end(self, known: str) -> None:
        ending = self._ending
        ending.to_offset, ending.next_position, ending.known = self._offset, self._position, known
        if ending.reading.healing:
            self._next_positions[ending.blob] = self._position

    def _cut_where_full(self, reading: Reading, known: Callable[[], str]) -> Iterator[Batch]:
        """Gives the batch if it is enough; what follows of the blob then goes into the next."""
        if self._full:
            self._end(known())
            yield self._closed()
            self._begin(reading, self._offset, self._position)

    # --- blobs read line by line ---

    def _lines(self, reading: Reading) -> Iterator[Batch]:
        self._begin(reading, reading.from_offset, self._first_position(reading))
        begins = reading.first_position == 1
        start = reading.from_offset - (not begins)
        chunks = cut(next(self._in_lines), reading.start, start, reading.to_offset)
        tail, known = reading.known, ""
        for piece in pieces(chunks, begins):
            match piece:
                case Lines():
                    yield from self._cut_where_full(reading, partial(self._told, tail))
                    self._write(memoryview(piece.chunk)[piece.start : piece.end], piece.count)
                    self._offset += piece.end - piece.start
                    tail = (tail + piece.tail(TAIL_BYTES))[-TAIL_BYTES:]
                case LineEnd():
                    self._offset += len(piece.raw)
                    self._ending.from_offset = self._offset
                    tail = (tail + piece.raw)[-TAIL_BYTES:]
                case TooLong():
                    limit = f"the line is longer than {LONGEST_LINE_BYTES >> 20} MiB"
                    self._refuse("too long", limit, piece.raw, piece.raw_bytes)
                    self._offset += piece.raw_bytes
                    tail = b""
                case Rest():
                    known = self._left(piece, reading.packed, tail)
        self._end(known)
        if reading.blob.name not in self._filling.unreachable and reading.to_offset is None:
            self._ending.etag = reading.blob.etag

    def _told(self, tail: bytes) -> str:
        return digest(tail) if len(tail) >= min(TAIL_BYTES, self._offset) else ""

    def _left(self, rest: Rest, packed: bool, tail: bytes) -> str:
        """What becomes of what stands behind the last line; what is then known of the blob."""
        if rest.whole:
            self._write(rest.raw + b"\n", 1)
            self._offset += rest.raw_bytes
            return self._told((tail + rest.raw)[-TAIL_BYTES:])
        if rest.error and not rest.error.lasting:
            self._filling.unreachable[self._ending.blob] = str(rest.error)
        elif rest.error or (packed and rest.raw.strip()):
            kind, reason = "unfinished", "the last line ends early"
            if rest.error:
                kind, reason = BROKEN_BLOB, f"cannot be read on from here: {rest.error}"
            self._refuse(kind, reason, rest.raw, rest.raw_bytes)
            self._offset += max(1, rest.raw_bytes)
            return BROKEN
        else:
            # A plain blob may still grow: its last line is left for the next reading.
            self._ending.pending = 1 if rest.raw.strip() else 0
        return self._told(tail)

    # --- blobs read as a whole ---

    def _document(self, reading: Reading) -> Iterator[Batch]:
        """Its records from an offset on, provided that those before are what they were."""
        told = hashlib.sha256()
        records = envelopes()[reading.envelope or ""].records(reading.blob)
        self._begin(reading, reading.from_offset, self._first_position(reading))
        try:
            self._skip(records, reading, told)
            for record in records:
                if self._offset == reading.to_offset:
                    break
                yield from self._cut_where_full(reading, told.hexdigest)
                self._take(record, told)
            self._ending.etag = reading.blob.etag if reading.to_offset is None else None
        except BrokenBlobError as error:
            if error.lasting:
                self._refuse(BROKEN_BLOB, f"cannot be read on from here: {error}", b"", 0)
                self._offset += 1
                self._ending.etag = reading.blob.etag
            else:
                self._filling.unreachable[reading.blob.name] = str(error)
        self._end(told.hexdigest())

    def _skip(
        self, records: Iterator[Record | Unreadable], reading: Reading, told: "hashlib._Hash"
    ) -> None:
        count = 0
        for record in islice(records, reading.from_offset):
            told.update(_line(record))
            count += 1
        same = not reading.known or told.hexdigest().encode() == reading.known
        if count < reading.from_offset or not same:
            raise _ChangedError

    def _take(self, record: Record | Unreadable, told: "hashlib._Hash") -> None:
        line = _line(record)
        told.update(line)
        self._offset += 1
        if isinstance(record, Unreadable):
            self._refuse(record.kind, record.reason, record.raw, len(record.raw))
        else:
            self._write(line, 1)


def _line(record: Record | Unreadable) -> bytes:
    if isinstance(record, Unreadable):
        return record.raw
    return msgspec.json.encode(record) + b"\n"
