"""Where exports lie, in folders or on Azure: lists their blobs and reads them."""

import codecs
import glob
import io
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from pipeline import gzipped
from pipeline.azure_place import Place, UnavailableError, place
from pipeline.errors import PipelineError
from pipeline.location import is_remote, remote, said

if TYPE_CHECKING:
    from pipeline.azure_blobs import Entry

CHUNK_BYTES = 1 << 20
# What is read of a file at once: no more than a processor keeps at hand.
FILE_CHUNK_BYTES = 256 << 10
# How many chunks are fetched at once, and how many lie ready at most; the SDK holds each twice.
CONNECTIONS = 8
CHUNKS_AHEAD = 12
# Where Parquet files keep their table of contents.
TAIL_BYTES = 256 << 10
# Logs shrink to a tenth. What grows by more than this, and beyond the least, would fill a disk.
MOST_UNPACKED = 200
LEAST_BOMB_BYTES = 256 << 20
DELTA_LOG = "_delta_log"
SETTINGS_NAME = "gateway-rca.toml"


class BrokenBlobError(Exception):
    """A blob that cannot be read to its end; the text says why.

    It is ``lasting`` where the content itself is broken: to try again would change nothing.
    """

    def __init__(self, why: str, lasting: bool = False) -> None:
        super().__init__(why)
        self.lasting = lasting


@dataclass(frozen=True, slots=True, order=True)
class Blob:
    """A file of an export: its name is unique and stays the same over runs; size in bytes.

    The name is a path, or ``az://ACCOUNT/CONTAINER/PATH``; it holds no secret. The ETag is another
    whenever the content is.
    """

    name: str
    size: int
    etag: str = ""
    # How it is reached; without it, by its name and the environment.
    place: Place | None = field(default=None, repr=False, compare=False)
    # Why it cannot be reached by its name; empty where it can.
    barred: str = field(default="", repr=False, compare=False)

    def chunks(self, from_byte: int = 0) -> Iterator[bytes]:
        """Its content, unpacked and without a byte order mark, in pieces of a few mebibytes.

        ``from_byte`` counts bytes as stored; a compressed blob is read from its start. A plain one
        is read up to the size that was listed: what was appended since is for the next reading.

        Raises ``BrokenBlobError`` behind the last byte that could be read.
        """
        head = iter([self.stored(0, len(gzipped.MAGIC))] if from_byte else [])
        return self._content(from_byte, chain(head, self._stored(from_byte)))

    def stored(self, from_byte: int, to_byte: int) -> bytes:
        """The bytes as stored, ``to_byte`` not included; fewer where the blob ends before."""
        stop = min(to_byte, self.size)
        if stop <= from_byte:
            return b""
        if self._is_remote():
            return b"".join(self._piece(*piece) for piece in _pieces(from_byte, stop))
        try:
            with self._file() as file:
                file.seek(from_byte)
                return file.read(stop - from_byte)
        except OSError as error:
            raise BrokenBlobError(said(error)) from error

    def opened(self) -> BinaryIO:
        """A reader that can seek, over the bytes as stored.

        Raises ``BrokenBlobError`` where they cannot be read.
        """
        if self._is_remote():
            return cast("BinaryIO", io.BufferedReader(_Remote(self), CHUNK_BYTES))
        return self._file()

    def _file(self) -> BinaryIO:
        if self.barred:
            raise BrokenBlobError(self.barred)
        try:
            return Path(self.name).open("rb")
        except OSError as error:
            raise BrokenBlobError(said(error)) from error

    def _is_remote(self) -> bool:
        return self.place is not None or is_remote(self.name)

    def _piece(self, start: int, stop: int) -> bytes:
        from pipeline import azure_blobs

        try:
            return azure_blobs.read(self.place or place(self.name), start, stop)
        except UnavailableError as error:
            raise BrokenBlobError(f"{error}") from error

    def _stored(self, from_byte: int) -> Iterator[bytes]:
        if self._is_remote():
            for piece in _pieces(from_byte, self.size):
                yield self._piece(*piece)
            return
        left = self.size - from_byte
        try:
            with self._file() as file:
                file.seek(from_byte)
                while left > 0 and (chunk := file.read(min(FILE_CHUNK_BYTES, left))):
                    left -= len(chunk)
                    yield chunk
        except OSError as error:
            raise BrokenBlobError(said(error)) from error

    def _content(self, from_byte: int, stored: Iterator[bytes]) -> Iterator[bytes]:
        """What ``stored`` holds: bytes from ``from_byte`` on, and where that is not 0, a head."""
        first = next(stored, b"")
        packed = first.startswith(gzipped.MAGIC)
        if packed:
            pieces = self._unpacked(self._stored(0) if from_byte else chain([first], stored))
        else:
            pieces = stored if from_byte else chain([first], stored)
        at_start = packed or not from_byte
        for piece in pieces:
            said = piece.removeprefix(codecs.BOM_UTF8) if at_start else piece
            at_start = False
            if said:
                yield said

    def _unpacked(self, stored: Iterator[bytes]) -> Iterator[bytes]:
        given = 0
        try:
            for chunk in gzipped.unpacked(stored, lambda: self._stored(0)):
                yield chunk
                given += len(chunk)
                if given > max(LEAST_BOMB_BYTES, MOST_UNPACKED * self.size):
                    raise BrokenBlobError(
                        f"it unpacks to more than {MOST_UNPACKED} times its size; no log does",
                        lasting=True,
                    )
        except gzipped.BrokenGzipError as error:
            raise BrokenBlobError(f"{error}", lasting=True) from error


class _Remote(io.RawIOBase):
    """A file of a remote blob, each reading a request; what stands at its end is asked for once."""

    def __init__(self, blob: Blob) -> None:
        self._blob, self._place, self._tail = blob, 0, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._blob.size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def readinto(self, buffer: Any, /) -> int:
        content = self._read(self._place, self._place + len(buffer))
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)

    def _read(self, start: int, stop: int) -> bytes:
        tail = max(0, self._blob.size - TAIL_BYTES)
        if start < tail:
            return self._blob.stored(start, stop)
        self._tail = self._tail or self._blob.stored(tail, self._blob.size)
        return self._tail[start - tail : stop - tail]


def read_ahead(wanted: Sequence[tuple[Blob, int]]) -> Iterator[Iterator[bytes]]:
    """The ``chunks`` of each blob from its byte on; remote ones are fetched while others are read.

    Each blob's chunks are to be read before the next blob is asked for; what is left of them is
    then dropped. Whatever breaks a blob is raised by its own chunks. About 8 connections and, with
    what is being read, 32 MiB are in use at most.
    """
    with ThreadPoolExecutor(CONNECTIONS, "read-ahead") as pool:
        ahead = _Ahead(pool, wanted)
        try:
            for turn, (blob, from_byte) in enumerate(wanted):
                ahead.begin(turn)
                if blob._is_remote():
                    yield blob._content(from_byte, ahead.taken(turn))
                else:
                    yield blob.chunks(from_byte)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class _Ahead:
    """Pieces of blobs, in the order in which they will be read, some of them fetched already."""

    def __init__(self, pool: ThreadPoolExecutor, wanted: Sequence[tuple[Blob, int]]) -> None:
        self._pool, self._turn = pool, 0
        self._asked: deque[tuple[int, Future[bytes]]] = deque()
        self._next = (
            (turn, blob, piece)
            for turn, (blob, from_byte) in enumerate(wanted)
            if blob._is_remote()
            for piece in _asked_of(blob, from_byte)
        )

    def begin(self, turn: int) -> None:
        """Drops what is left of earlier turns."""
        self._turn = turn
        while self._asked and self._asked[0][0] < turn:
            self._asked.popleft()[1].cancel()
        self._fill()

    def taken(self, turn: int) -> Iterator[bytes]:
        """The pieces of the blob whose turn it is."""
        while True:
            if turn != self._turn:
                raise RuntimeError("a blob's chunks were read after the next blob was asked for")
            if not self._asked or self._asked[0][0] != turn:
                return
            piece = self._asked.popleft()[1].result()
            self._fill()
            yield piece

    def _fill(self) -> None:
        while len(self._asked) < CHUNKS_AHEAD:
            turn, blob, piece = next(self._next, (None, None, None))
            if turn is None or blob is None or piece is None:
                return
            if turn >= self._turn:
                self._asked.append((turn, self._pool.submit(blob._piece, *piece)))


def _asked_of(blob: Blob, from_byte: int) -> Iterator[tuple[int, int]]:
    if from_byte and blob.size:
        yield 0, min(len(gzipped.MAGIC), blob.size)
    yield from _pieces(from_byte, blob.size)


def _pieces(start: int, stop: int) -> Iterator[tuple[int, int]]:
    return ((each, min(each + CHUNK_BYTES, stop)) for each in range(start, stop, CHUNK_BYTES))


def blobs(source: str) -> list[Blob]:
    """The blobs under a file, a folder or a glob, in the order of their names.

    On Azure: ``az://ACCOUNT/CONTAINER[/PATH]`` or the URL of a container or blob with a SAS. The
    path names a blob, else a folder, else the beginning of names; or it is a glob, in which ``*``
    stands for slashes too.

    A folder that cannot be listed comes as a blob that cannot be read: it stands for what it holds.
    So does a file whose name is not UTF-8, which is told escaped.

    Raises ``PipelineError`` where the source does not exist or may not be listed.
    """
    if is_remote(source):
        return _blobs_at(source)
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
    for folder, inner, names in os.walk(named, onerror=lambda error: closed.append(error.filename)):
        if DELTA_LOG in inner:
            inner.clear()  # a table of a lake is no export
            continue
        yield from _exports(Path(folder) / name for name in names)
    yield from map(Path, closed)


def _exports(files: Iterable[Path]) -> Iterator[Path]:
    return (file for file in files if file.is_file() and file.name != SETTINGS_NAME)


def _blob(file: Path) -> Iterator[Blob]:
    # Text can hold no other name: not a table's, and not a report's.
    name = str(file).encode(errors="surrogateescape").decode(errors="backslashreplace")
    barred = "" if name == str(file) else "the name is not UTF-8; rename it"
    with suppress(FileNotFoundError):  # gone since it was listed
        seen = file.stat()
        yield Blob(name, seen.st_size, f"{seen.st_mtime_ns}-{seen.st_size}", barred=barred)


def _globbed(source: str) -> list[str]:
    # A glob may begin at the root, which Path.glob refuses.
    return glob.glob(source, recursive=True) if glob.has_magic(source) else []  # noqa: PTH207


def _blobs_at(source: str) -> list[Blob]:
    from pipeline import azure_blobs

    with remote(source) as there:
        entries = azure_blobs.found(there)
        if not entries and there.path:
            raise UnavailableError("no blob has this name or begins with it")
    return sorted(_listed_blob(each) for each in entries if not _is_settings(each))


def _is_settings(entry: "Entry") -> bool:
    return entry.place.path.rpartition("/")[2] == SETTINGS_NAME


def _listed_blob(entry: "Entry") -> Blob:
    return Blob(entry.place.name, entry.size, entry.etag, entry.place)


def blob_at(location: str) -> Blob:
    """The blob of a file or of a remote location, as it is now.

    Raises ``PipelineError`` where there is none.
    """
    if is_remote(location):
        from pipeline import azure_blobs

        with remote(location) as there:
            return _listed_blob(azure_blobs.entry(there))
    found = [*_blob(Path(location).resolve())]
    if not found:
        raise PipelineError(f"{location}: no such file")
    return found[0]
