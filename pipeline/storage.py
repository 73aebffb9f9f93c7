"""Where exports lie: the only module that lists and opens blobs."""

import glob
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isal import igzip, igzip_lib

from pipeline.errors import PipelineError

CHUNK_BYTES = 1 << 20
# A packed byte can stand for a thousand.
SALVAGED_BYTES = 4 << 10
GZIP_MAGIC = b"\x1f\x8b"
GZIP_WBITS = 31
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# What a broken stream makes the reader raise; its own error has no type that tools know.
BROKEN: tuple[type[Exception], ...] = (OSError, EOFError, igzip_lib.IsalError)  # type: ignore[assignment]
SETTINGS_NAME = "gateway-rca.toml"


class BrokenBlobError(Exception):
    """A blob that cannot be read to its end; the text says why."""


@dataclass(frozen=True, slots=True, order=True)
class Blob:
    """A file of an export: its name is unique and stays the same over runs; size in bytes."""

    name: str
    size: int

    def compressed(self) -> bool:
        """Whether it is a gzip stream, by its first bytes; such a blob is written once."""
        try:
            with Path(self.name).open("rb") as file:
                return file.read(2) == GZIP_MAGIC
        except OSError as error:
            raise BrokenBlobError(_said(error)) from error

    def chunks(self, from_byte: int = 0) -> Iterator[bytes]:
        """Its content, unpacked and without a byte order mark, in pieces of a few mebibytes.

        ``from_byte`` counts bytes as stored; a compressed blob is read from its start. A plain one
        is read up to the size that was listed: what was appended since is for the next reading.

        Raises ``BrokenBlobError`` behind the last byte that could be read.
        """
        packed = self.compressed()
        at_start = packed or not from_byte
        for piece in self._unpacked() if packed else self._stored(from_byte):
            said = piece.removeprefix(BYTE_ORDER_MARK) if at_start else piece
            at_start = False
            if said:
                yield said

    def lines(self, from_byte: int) -> int:
        """Lines of a plain blob from a byte to its end, a last one without its end counted."""
        lines, last = 0, b""
        for chunk in self._stored(from_byte):
            lines += chunk.count(b"\n")
            last = chunk[-1:]
        return lines + (last not in (b"", b"\n"))

    def line_ends(self, from_byte: int, apart: int) -> Iterator[tuple[int, int]]:
        """Ends of lines of a plain blob, each at least ``apart`` bytes behind the one before.

        Each is (byte behind the line, lines from ``from_byte`` up to there); the blob's own end is
        none of them.
        """
        place, lines, due = from_byte, 0, from_byte + apart
        for chunk in self._stored(from_byte):
            end = chunk.find(b"\n", max(0, due - 1 - place)) + 1 if place + len(chunk) >= due else 0
            if end and place + end < self.size:
                yield place + end, lines + chunk.count(b"\n", 0, end)
                due = place + end + apart
            lines += chunk.count(b"\n")
            place += len(chunk)

    def _stored(self, from_byte: int) -> Iterator[bytes]:
        left = self.size - from_byte
        try:
            with Path(self.name).open("rb") as file:
                file.seek(from_byte)
                while left > 0 and (chunk := file.read(min(CHUNK_BYTES, left))):
                    left -= len(chunk)
                    yield chunk
        except OSError as error:
            raise BrokenBlobError(_said(error)) from error

    def _unpacked(self) -> Iterator[bytes]:
        given = 0
        file: Any
        try:
            with igzip.IGzipFile(self.name, "rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    given += len(chunk)
                    yield chunk
        except BROKEN as error:
            # The fast reader keeps for itself what it had unpacked when it met the break.
            for chunk in _salvaged(Path(self.name)):
                yield chunk[given:]
                given = max(0, given - len(chunk))
            raise BrokenBlobError(_said(error)) from error


def _salvaged(path: Path) -> Iterator[bytes]:
    """All that can be unpacked of a broken gzip stream, up to the byte at which it breaks."""
    stream = zlib.decompressobj(GZIP_WBITS)
    with path.open("rb") as file:
        while packed := file.read(SALVAGED_BYTES):
            while packed:
                before = stream.copy()
                try:
                    yield stream.decompress(packed)
                except zlib.error:
                    yield from _to_the_break(before, packed)
                    return
                packed = stream.unused_data
                if packed:
                    stream = zlib.decompressobj(GZIP_WBITS)


def _to_the_break(stream: "zlib._Decompress", packed: bytes) -> Iterator[bytes]:
    for place in range(len(packed)):
        try:
            yield stream.decompress(packed[place : place + 1])
        except zlib.error:
            return


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{error}".rstrip(".")


def blobs(source: str) -> list[Blob]:
    """The blobs under a file, a folder or a glob, in the order of their names.

    A folder that cannot be listed comes as a blob that cannot be read: it stands for what it holds.

    Raises ``PipelineError`` where the source does not exist.
    """
    named = [Path(source)] if Path(source).exists() else [Path(each) for each in _globbed(source)]
    if not named:
        raise PipelineError(f"{source}: no such file or folder; name an export to read")
    files = {file.resolve() for each in named for file in _files(each)}
    return sorted(blob for file in files for blob in _blob(file))


def _files(named: Path) -> Iterator[Path]:
    if not named.is_dir():
        yield from _exports([named])
        return
    closed: list[str] = []
    for folder, _, names in os.walk(named, onerror=lambda error: closed.append(error.filename)):
        yield from _exports(Path(folder) / name for name in names)
    yield from map(Path, closed)


def _exports(files: Iterable[Path]) -> Iterator[Path]:
    return (file for file in files if file.is_file() and file.name != SETTINGS_NAME)


def _blob(file: Path) -> Iterator[Blob]:
    try:
        str(file).encode()
    except UnicodeEncodeError as error:
        raise PipelineError(f"{str(file)!r}: the name is not UTF-8; rename it") from error
    with suppress(FileNotFoundError):  # gone since it was listed
        yield Blob(str(file), file.stat().st_size)


def _globbed(source: str) -> list[str]:
    # A glob may begin at the root, which Path.glob refuses.
    return glob.glob(source, recursive=True) if glob.has_magic(source) else []  # noqa: PTH207
