"""Where exports lie: the only module that lists and opens blobs."""

import glob
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isal import igzip, igzip_lib

from pipeline.errors import PipelineError

CHUNK_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
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
            raise BrokenBlobError(str(error)) from error

    def chunks(self, from_byte: int = 0) -> Iterator[bytes]:
        """Its content, unpacked, in pieces of at most a mebibyte.

        ``from_byte`` counts bytes as stored; a compressed blob is read from its start. A plain one
        is read up to the size that was listed: what was appended since is for the next reading.

        Raises ``BrokenBlobError`` behind the last piece that could be read.
        """
        opened: Any
        try:
            if self.compressed():
                left = None
                opened = igzip.IGzipFile(self.name, "rb")
            else:
                left = self.size - from_byte
                opened = Path(self.name).open("rb")  # noqa: SIM115
                opened.seek(from_byte)
            with opened as file:
                while left is None or left > 0:
                    chunk = file.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left))
                    if not chunk:
                        return
                    left = None if left is None else left - len(chunk)
                    yield chunk
        except BROKEN as error:
            raise BrokenBlobError(f"{error}".rstrip(".")) from error


def blobs(source: str) -> list[Blob]:
    """The blobs under a file, a folder or a glob, in the order of their names.

    Raises ``PipelineError`` where the source does not exist.
    """
    named = [Path(source)] if Path(source).exists() else [Path(each) for each in _globbed(source)]
    if not named:
        raise PipelineError(f"{source}: no such file or folder; name an export to read")
    files = {
        file.resolve()
        for each in named
        for file in (each.rglob("*") if each.is_dir() else [each])
        if file.is_file() and file.name != SETTINGS_NAME
    }
    return sorted(Blob(str(file), file.stat().st_size) for file in files)


def _globbed(source: str) -> list[str]:
    # A glob may begin at the root, which Path.glob refuses.
    return glob.glob(source, recursive=True) if glob.has_magic(source) else []  # noqa: PTH207
