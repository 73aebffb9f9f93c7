"""Lines: the content of a blob cut into complete lines, whatever its chunks are."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from pipeline.storage import BrokenBlobError
from pipeline.stretch import KEPT_BYTES

# API Management cuts a record at 32 KiB; nothing honest comes near this.
LONGEST_LINE_BYTES = 4 << 20
SPACE = b" \t\r"
LINE_END = ord("\n")


@dataclass(frozen=True, slots=True)
class Lines:
    """Complete lines: what stands between two bytes of a chunk, for a copy would cost as much."""

    chunk: bytes
    start: int
    end: int

    @property
    def count(self) -> int:
        """How many there are."""
        # Twice as fast as to let bytes count.
        stretch = np.frombuffer(self.chunk, np.uint8, self.end - self.start, self.start)
        return int(np.count_nonzero(stretch == LINE_END))

    def tail(self, length: int) -> bytes:
        """Their last bytes."""
        return self.chunk[max(self.start, self.end - length) : self.end]


@dataclass(frozen=True, slots=True)
class LineEnd:
    """The end of a line that was read before it had one; no line by itself."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class TooLong:
    """A line longer than allowed, up to its end; ``raw`` is its beginning."""

    raw: bytes
    raw_bytes: int


@dataclass(frozen=True, slots=True)
class Rest:
    """What stands behind the last complete line; ``error`` says why nothing more could be read."""

    raw: bytes
    raw_bytes: int
    error: BrokenBlobError | None

    @property
    def whole(self) -> bool:
        """Whether it is a record, and lacks nothing but its line's end."""
        return not self.error and len(self.raw) == self.raw_bytes and is_record(self.raw)


def is_record(line: bytes) -> bool:
    """Whether a line is a JSON object."""
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def pieces(
    chunks: Iterator[bytes], begins_line: bool = True
) -> Iterator[Lines | LineEnd | TooLong | Rest]:
    """Complete lines, many at once; what is too long; at last, always, the rest.

    Where the first byte does not begin a line, it is the last one of a line that was read already.
    """
    rest = bytearray()
    too_long = 0  # bytes passed over of a line that is longer than allowed
    error = None
    try:
        for chunk in chunks:
            start = 0
            if not begins_line:
                rest += chunk
                if not rest[1:].strip(SPACE) and rest[:1] != b"\n":
                    continue  # the line's end may come yet
                begins_line = True
                yield LineEnd(_cut_line_end(rest))
                chunk = bytes(rest)  # noqa: PLW2901
                rest.clear()
            if rest and (start := chunk.find(b"\n") + 1):
                # The line that the chunk before began ends here.
                rest += chunk[:start]
                if too_long:
                    yield TooLong(bytes(rest), too_long + len(rest))
                else:
                    yield Lines(bytes(rest), 0, len(rest))
                too_long = 0
                rest.clear()
            end = max(start, chunk.rfind(b"\n") + 1)
            if end > start:
                yield Lines(chunk, start, end)
            rest += chunk[end:]
            if len(rest) > LONGEST_LINE_BYTES:
                too_long += len(rest) - KEPT_BYTES - 1
                del rest[KEPT_BYTES + 1 :]
    except BrokenBlobError as broken:
        error = broken
    if not begins_line:
        rest.clear()
    yield Rest(bytes(rest), len(rest) + too_long, error)


def _cut_line_end(rest: bytearray) -> bytes:
    """Removes the line's end from the beginning; gives it, without the first byte."""
    length = 1
    if not rest.startswith(b"\n"):
        length = len(rest) - len(rest[1:].lstrip(SPACE))
        length += rest.startswith(b"\n", length)
    end = bytes(rest[1:length])
    del rest[:length]
    return end
