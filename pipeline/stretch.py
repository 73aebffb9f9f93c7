"""Stretches: what is read of a blob in one go, the records found there, and how it ended."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.storage import Blob

KEPT_BYTES = 32 << 10
LONGEST_WORD_BYTES = 4 << 10
Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """What is to be read of a blob in this run.

    An *offset* counts bytes of the content (unpacked) where a blob is read line by line, records
    where it is read as a whole (``envelope`` names how). ``format`` claimed it; where it is
    ``plain``, its records are spelled as that format documents; where ``packed``, it is a gzip
    stream. A blob whose known part was changed is of another ``generation``, and read ``again``. It
    is read up to ``to_offset``, or to its end; ``first_position`` is None where an earlier reading
    is of the same blob, and positions go on.

    ``known`` tells what was read of it before: of a blob of lines the last bytes, of another one a
    digest in hexadecimal; nothing where that need not be compared.
    """

    blob: Blob
    format: str
    plain: bool = True
    envelope: str | None = None
    packed: bool = False
    generation: int = 0
    from_offset: int = 0
    first_position: int | None = 1
    to_offset: int | None = None
    known: bytes = b""
    again: bool = False

    @property
    def healing(self) -> bool:
        """Whether a table holds it and the ledger does not: an earlier run was stopped."""
        return self.to_offset is not None

    @property
    def start(self) -> int:
        """The byte from which to read what lies line by line, as stored.

        The byte before a stretch shows whether the last line read had its end.
        """
        if self.packed or not self.from_offset:
            return 0
        return self.from_offset - (self.first_position != 1)


# The kind of the refusal where a blob cannot be read on.
BROKEN_BLOB = "broken blob"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that cannot be a row; ``raw`` is cut to what is kept, ``raw_bytes`` is its length.

    ``format`` claimed it, if any did.
    """

    blob: str
    position: int
    item: int
    kind: str
    reason: str
    raw: bytes
    raw_bytes: int
    format: str | None = None

    @property
    def place(self) -> Place:
        """Where it stands: blob, position, item."""
        return self.blob, self.position, self.item


def refusal(
    place: Place,
    kind: str,
    reason: str,
    raw: bytes,
    raw_bytes: int | None = None,
    format: str | None = None,  # noqa: A002
) -> Refusal:
    """The refusal of what stands at a place, cut to what is kept of it."""
    length = len(raw) if raw_bytes is None else raw_bytes
    return Refusal(*place, kind, reason, shortened(raw), length, format)


def shortened(line: bytes) -> bytes:
    """What is kept of a refused line; no word is cut, for half a secret would not look like one."""
    if len(line) <= KEPT_BYTES:
        return line
    cut = line[:KEPT_BYTES]
    end = max(map(cut.rfind, (b" ", b'"', b"'"))) + 1
    return cut[:end] if KEPT_BYTES - end < LONGEST_WORD_BYTES else cut


@dataclass(slots=True)
class Ending:
    """How the reading of a stretch ended: what is known of the blob from now on.

    ``known`` is the digest of what was read up to ``to_offset``; ``etag`` stands where the blob was
    read to its end, so that it need not be opened until it changes.
    """

    reading: Reading
    from_offset: int
    first_position: int
    to_offset: int
    next_position: int
    known: str = ""
    etag: str | None = None
    pending: int = 0
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def blob(self) -> str:
        """The blob's name."""
        return self.reading.blob.name


@dataclass(frozen=True, slots=True)
class Tally:
    """What a table holds of the lines of a blob: their number and places; those refused."""

    count: int
    refused: int
    first: int
    last: int


@dataclass(slots=True)
class Gathered:
    """Records of several blobs in one file, a line each.

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

    def lines(self) -> Iterator[tuple[str, int, bytes]]:
        """Each line with its blob and position."""
        ends = [run[0] for run in self.runs[1:]] + [self.count + 1]
        with self.path.open("rb") as file:
            for (line, blob, position), end in zip(self.runs, ends, strict=True):
                for step in range(end - line):
                    yield blob, position + step, next(file)

    def lines_by_blob(self) -> dict[str, Tally]:
        """What a table holds of each blob where every line became a row."""
        told: dict[str, Tally] = {}
        ends = [run[0] for run in self.runs[1:]] + [self.count + 1]
        for (line, blob, position), end in zip(self.runs, ends, strict=True):
            if end > line:
                before = told.get(blob, Tally(0, 0, position, position))
                told[blob] = Tally(
                    before.count + end - line, 0, before.first, position + end - line - 1
                )
        return told

    def places(self) -> pa.Table:
        """Blob, position and item of each line, in their order."""
        first_lines = np.array([run[0] for run in self.runs], np.int64)
        first_positions = np.array([run[2] for run in self.runs], np.int64)
        lengths = np.diff(first_lines, append=self.count + 1)
        run = np.repeat(np.arange(len(self.runs), dtype=np.int32), lengths)
        blobs = pa.array([each[1] for each in self.runs], pa.string())
        return pa.table(
            {
                "blob": pa.DictionaryArray.from_arrays(run, blobs),
                "position": np.arange(1, self.count + 1) - first_lines[run] + first_positions[run],
                "item": np.ones(self.count, np.int64),
            }
        )


@dataclass(slots=True)
class Sifted:
    """Items of records in one file, each a line in the spelling of one format, and their places."""

    path: Path
    told: list[Place] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Lines of the file."""
        return len(self.told)

    def lines(self) -> Iterator[tuple[Place, bytes]]:
        """Each line with its place."""
        with self.path.open("rb") as file:
            yield from zip(self.told, file, strict=True)

    def places(self) -> pa.Table:
        """Blob, position and item of each line, in their order."""
        return places(self.told)


def places(told: Sequence[Place]) -> pa.Table:
    """Places as the columns ``blob``, ``position`` and ``item``."""
    names: dict[str, int] = {}
    index = [names.setdefault(place[0], len(names)) for place in told]
    return pa.table(
        {
            "blob": pa.DictionaryArray.from_arrays(
                pa.array(index, pa.int32()), pa.array(list(names), pa.string())
            ),
            "position": pa.array(_each(told, 1), pa.int64()),
            "item": pa.array(_each(told, 2), pa.int64()),
        }
    )


def _each(told: Iterable[Place], part: int) -> list[object]:
    return [place[part] for place in told]
