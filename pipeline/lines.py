"""Lines of blobs: complete ones gathered into one file, broken ones told apart with a reason."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import msgspec

from pipeline.storage import Blob, BrokenBlobError

# API Management cuts a record at 32 KiB; nothing honest comes near this.
LONGEST_LINE_BYTES = 4 << 20
KEPT_BYTES = 32 << 10


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is to be read of a blob: from a byte on, whose line has a place in the blob."""

    blob: Blob
    from_byte: int = 0
    first_position: int = 1


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
    gathered.runs.append((gathered.count + 1, blob.name, position))
    rest = bytearray()
    broken = ""
    too_long = 0  # bytes seen of a line that is past the longest allowed

    def refuse(kind: str, reason: str, raw: bytes, raw_bytes: int) -> None:
        ending.refusals.append(
            Refusal(blob.name, position, kind, reason, raw[:KEPT_BYTES], raw_bytes)
        )

    try:
        for chunk in blob.chunks(stretch.from_byte):
            rest += chunk
            end = rest.rfind(b"\n") + 1
            if end and too_long:
                # The overlong line ends here: it is refused as one line.
                first = rest.index(b"\n") + 1
                refuse(
                    "too long",
                    f"the line is longer than {LONGEST_LINE_BYTES >> 20} MiB",
                    bytes(rest[:KEPT_BYTES]),
                    too_long + first,
                )
                position += 1
                del rest[:first]
                end -= first
                too_long = 0
                gathered.runs.append((gathered.count + 1, blob.name, position))
            if end:
                file.write(rest[:end])
                count = rest.count(b"\n", 0, end)
                gathered.count += count
                position += count
                del rest[:end]
            if len(rest) > LONGEST_LINE_BYTES:
                too_long += len(rest) - KEPT_BYTES
                del rest[KEPT_BYTES:]
    except BrokenBlobError as error:
        broken = str(error)

    size = len(rest) + too_long
    ending.to_byte = blob.size
    if broken:
        refuse("broken blob", f"cannot be read on from here: {broken}", bytes(rest), size)
        position += 1
    elif rest and not too_long and (not rest.strip() or _whole(bytes(rest))):
        file.write(rest + b"\n")
        gathered.count += 1
        position += 1
    elif rest and blob.compressed():
        refuse("unfinished", "the last line ends early", bytes(rest), size)
        position += 1
    elif rest:
        # A plain blob may still grow: its last line is left for the next reading.
        ending.pending = 1
        ending.to_byte = blob.size - size
    ending.next_position = position
    return ending


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
                clean = encoder.encode(decode(line))
            except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
                refusals.append(_refusal(blob, position, line, error))
                continue
            file.write(clean + b"\n")
            kept.count += 1
            if (blob, position) != expected:
                kept.runs.append((kept.count, blob, position))
            expected = (blob, position + 1)
    return kept, refusals, empty


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
    return Refusal(blob, position, kind, reason, line[:KEPT_BYTES], len(line))
