"""Gzip streams, unpacked to their end or up to the byte at which they break."""

import io
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from isal import igzip, igzip_lib

CHUNK_BYTES = 1 << 20
MAGIC = b"\x1f\x8b"
# A packed byte can stand for a thousand.
SALVAGED_BYTES = 4 << 10
GZIP_WBITS = 31
# What a broken stream makes the reader raise; its own error has no type that tools know.
BROKEN: tuple[type[Exception], ...] = (OSError, EOFError, igzip_lib.IsalError)  # type: ignore[assignment]


class BrokenGzipError(Exception):
    """A stream that breaks or ends too early; the text says how."""


def unpacked(
    packed: Iterator[bytes], packed_again: Callable[[], Iterator[bytes]]
) -> Iterator[bytes]:
    """What a stream of any number of members holds, in chunks.

    ``packed_again`` gives the stream from its start once more: it is asked for one that breaks.

    Raises ``BrokenGzipError`` behind the last byte that could be unpacked.
    """
    given = 0
    file: Any
    try:
        with igzip.IGzipFile(fileobj=io.BufferedReader(_Stream(packed))) as file:
            while chunk := file.read(CHUNK_BYTES):
                given += len(chunk)
                yield chunk
    except BROKEN as error:
        # The fast reader keeps for itself what it had unpacked when it met the break.
        for chunk in _salvaged(packed_again()):
            yield chunk[given:]
            given = max(0, given - len(chunk))
        raise BrokenGzipError(f"{error}".rstrip(".")) from error


class _Stream(io.RawIOBase):
    """A file, readable once, of the bytes that an iterator gives."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        given = min(len(buffer), len(self._rest))
        buffer[:given] = self._rest[:given]
        self._rest = self._rest[given:]
        return given


def _salvaged(stored: Iterator[bytes]) -> Iterator[bytes]:
    """All that can be unpacked of a broken gzip stream, up to the byte at which it breaks."""
    stream = zlib.decompressobj(GZIP_WBITS)
    file = io.BufferedReader(_Stream(stored))
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
