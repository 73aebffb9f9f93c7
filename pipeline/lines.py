"""Lines of blobs: complete ones gathered into one file, broken ones told apart with a reason."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import msgspec

from pipeline.storage import Blob, BrokenBlobError

# API Management cuts a record at 32 KiB; nothing honest comes near this.
LONGEST_LINE_BYTES = 4 << 20
KEPT_BYTES = 32 << 10
LONGEST_WORD_BYTES = 4 << 10
# A document is read at once; what is larger than this is no file that somebody saved by hand.
LARGEST_DOCUMENT_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is to be read of a blob: from a byte on, whose line has a place in the blob.

    A ``document`` is one JSON value as a whole; its records count as its lines.
    """

    blob: Blob
    from_byte: int = 0
    first_position: int = 1
    document: bool = False


def parted(stretch: Stretch, apart: int) -> Iterator[Stretch]:
    """The stretch of a plain blob in parts of about ``apart`` bytes, each of whole lines.

    A blob may be larger than memory; its parts are read one after the other.
    """
    start, position = stretch.from_byte, stretch.first_position
    for end, lines in stretch.blob.line_ends(stretch.from_byte, apart):
        part = replace(stretch.blob, size=end)
        yield replace(stretch, blob=part, from_byte=start, first_position=position)
        start, position = end, stretch.first_position + lines
    yield replace(stretch, from_byte=start, first_position=position)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that cannot be a row; ``raw`` is cut to what is kept, ``raw_bytes`` is its length."""

    blob: str
    position: int
    kind: str
    reason: str
    raw: bytes
    raw_bytes: int


@dataclass(slots=True)
class Gathered:
    """Lines of several blobs in one file.

    ``runs`` tell where the lines come from: (line of the file, blob, position in the blob), each
    counted from 1, one entry wherever the positions do not simply go on.
    """

    path: Path
    runs: list[tuple[int, str, int]] = field(default_factory=list)
    count: int = 0

    def goes_on(self, blob: str, position: int) -> None:
        """The next line comes from there."""
        if self.runs and self.runs[-1][0] > self.count:
            self.runs.pop()  # no line came
        self.runs.append((self.count + 1, blob, position))

    def places(self) -> Iterator[tuple[str, int]]:
        """Blob and position of each line, in the order of the lines."""
        ends = [run[0] for run in self.runs[1:]] + [self.count + 1]
        for (line, blob, position), end in zip(self.runs, ends, strict=True):
            for step in range(end - line):
                yield blob, position + step

    def lines(self) -> Iterator[tuple[str, int, bytes]]:
        """Each line with its blob and position."""
        with self.path.open("rb") as file:
            for (blob, position), line in zip(self.places(), file, strict=True):
                yield blob, position, line


@dataclass(slots=True)
class Ending:
    """How reading a stretch ended: where the next reading begins, and what was left over."""

    blob: str
    from_byte: int
    first_position: int
    to_byte: int = 0
    next_position: int = 0
    pending: int = 0
    refusals: list[Refusal] = field(default_factory=list)


def shortened(line: bytes) -> bytes:
    """What is kept of a refused line; no word is cut, for half a secret would not look like one."""
    if len(line) <= KEPT_BYTES:
        return line
    cut = line[:KEPT_BYTES]
    end = max(map(cut.rfind, (b" ", b'"', b"'"))) + 1
    return cut[:end] if KEPT_BYTES - end < LONGEST_WORD_BYTES else cut


def gather(stretches: list[Stretch], path: Path) -> tuple[Gathered, list[Ending]]:
    """Copies all complete lines of the stretches into one file at ``path``."""
    gathered = Gathered(path)
    with path.open("wb") as file:
        endings = [_gather_one(stretch, gathered, file) for stretch in stretches]
    return gathered, endings


def _gather_one(stretch: Stretch, gathered: Gathered, file: IO[bytes]) -> Ending:
    blob = stretch.blob
    ending = Ending(blob.name, stretch.from_byte, stretch.first_position)
    position = stretch.first_position
    gathered.goes_on(blob.name, position)
    rest = bytearray()
    broken = ""
    too_long = 0  # bytes seen of a line that is past the longest allowed

    def refuse(kind: str, reason: str, raw: bytes, raw_bytes: int) -> None:
        ending.refusals.append(
            Refusal(blob.name, position, kind, reason, shortened(raw), raw_bytes)
        )

    try:
        for chunk in _beginning_a_line(stretch):
            rest += chunk
            end = rest.rfind(b"\n") + 1
            if end and too_long:
                # The overlong line ends here: it is refused as one line.
                first = rest.index(b"\n") + 1
                refuse(
                    "too long",
                    f"the line is longer than {LONGEST_LINE_BYTES >> 20} MiB",
                    bytes(rest[:first]),
                    too_long + first,
                )
                position += 1
                del rest[:first]
                end -= first
                too_long = 0
                gathered.goes_on(blob.name, position)
            if end:
                file.write(rest[:end])
                count = rest.count(b"\n", 0, end)
                gathered.count += count
                position += count
                del rest[:end]
            if len(rest) > LONGEST_LINE_BYTES:
                too_long += len(rest) - KEPT_BYTES - 1
                del rest[KEPT_BYTES + 1 :]
    except BrokenBlobError as error:
        broken = str(error)

    if not too_long and _whole(bytes(rest)):
        file.write(rest + b"\n")
        gathered.count += 1
        position += 1
        rest.clear()
    size = len(rest) + too_long
    ending.to_byte = blob.size
    if broken:
        refuse("broken blob", f"cannot be read on from here: {broken}", bytes(rest), size)
        position += 1
    elif not blob.compressed():
        # A plain blob may still grow: its last line is left for the next reading.
        ending.pending = 1 if rest.strip() else 0
        ending.to_byte = blob.size - size
    elif rest.strip():
        refuse("unfinished", "the last line ends early", bytes(rest), size)
        position += 1
    ending.next_position = position
    return ending


def _beginning_a_line(stretch: Stretch) -> Iterator[bytes]:
    """The stretch's chunks; of a last line that was taken before it ended, its end is left out."""
    if stretch.document:
        yield from (msgspec.json.encode(each) + b"\n" for each in records(stretch.blob))
        return
    if not stretch.from_byte:
        yield from stretch.blob.chunks()
        return
    chunks = stretch.blob.chunks(stretch.from_byte - 1)
    first = next(chunks, b"")
    between_lines = first.startswith(b"\n")
    for chunk in itertools.chain([first[1:]], chunks):
        if between_lines:
            yield chunk
        elif said := chunk.lstrip(b" \t\r"):
            between_lines = True
            yield said.removeprefix(b"\n")


def records(blob: Blob) -> list[object]:
    """The records of a blob that is one JSON document; none if it is not, or is very large.

    It may be an array, an object whose ``records`` are one (as Event Hubs batch them), or a single
    record, on as many lines as it likes.

    Raises ``BrokenBlobError`` where the blob cannot be read.
    """
    content = bytearray()
    for chunk in blob.chunks():
        content += chunk
        if len(content) > LARGEST_DOCUMENT_BYTES:
            return []
    try:
        said = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    if isinstance(said, dict) and isinstance(said.get("records"), list):
        said = said["records"]
    return said if isinstance(said, list) else [said]


def _whole(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def sift(
    gathered: Gathered, decode: Callable[[bytes], msgspec.Struct], path: Path
) -> tuple[Gathered, list[Refusal], Counter[str]]:
    """Lines that ``decode`` accepts, rewritten to ``path`` in its terms; the others; empty ones.

    Empty lines are counted by blob: they are no records.
    """
    kept = Gathered(path)
    refusals = []
    empty: Counter[str] = Counter()
    encoder = msgspec.json.Encoder()
    expected: tuple[str, int] | None = None
    with path.open("wb") as file:
        for blob, position, line in gathered.lines():
            if not line.strip():
                empty[blob] += 1
                continue
            try:
                clean = encoder.encode(_decoded(line, decode))
            except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
                refusals.append(_refusal(blob, position, line, error))
                continue
            file.write(clean + b"\n")
            kept.count += 1
            if (blob, position) != expected:
                kept.runs.append((kept.count, blob, position))
            expected = (blob, position + 1)
    return kept, refusals, empty


def _decoded(line: bytes, decode: Callable[[bytes], msgspec.Struct]) -> msgspec.Struct:
    try:
        return decode(line)
    except msgspec.ValidationError as error:
        # The engine takes a number for the text it is; lines must not fare worse in bad company.
        with suppress(msgspec.MsgspecError):
            return decode(msgspec.json.encode(_in_text(msgspec.json.decode(line))))
        raise error


def _in_text(value: object) -> object:
    match value:
        case dict():
            return {key: _in_text(each) for key, each in value.items()}
        case list():
            return [_in_text(each) for each in value]
        case bool() | int() | float():
            return msgspec.json.encode(value).decode()
        case _:
            return value


def _refusal(blob: str, position: int, line: bytes, error: Exception) -> Refusal:
    match error:
        case msgspec.ValidationError():
            kind, reason = "wrong type", str(error)
        case UnicodeError():
            kind, reason = "not UTF-8", str(error)
        case RecursionError():
            kind, reason = "too deep", "the record is nested too deeply"
        case _:
            kind, reason = "not JSON", str(error)
    return Refusal(blob, position, kind, reason, shortened(line), len(line))
