"""The log of a Delta table, read where it lies: what its commits added, and their transactions."""

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote

import msgspec
import pyarrow.parquet as pq
from deltalake.fs import DeltaStorageHandler
from pyarrow.fs import FileSystem, PyFileSystem


def opened(uri: str, options: dict[str, str]) -> FileSystem:
    """The files of a table, its log among them."""
    return PyFileSystem(DeltaStorageHandler(uri, options))


def added(files: FileSystem, version: int) -> list[str]:
    """The files with new rows that a commit brought, by their paths below the table.

    Raises ``FileNotFoundError`` where the log does not tell of it any more.
    """
    told = [msgspec.json.decode(line) for line in _lines(files, version)]
    # What replaces files, as compaction does, brings nothing new.
    if any("remove" in each for each in told):
        return []
    return [unquote(each["add"]["path"]) for each in told if "add" in each]


def transactions(files: FileSystem, after: int, upto: int) -> Iterator[tuple[str, int]]:
    """Application and version of the transactions that the log tells of, later ones last.

    What a checkpoint holds it holds of all commits before, whose files may be gone by then.
    """
    checkpoint = -1
    with suppress(FileNotFoundError), files.open_input_file("_delta_log/_last_checkpoint") as last:
        checkpoint = msgspec.json.decode(last.read())["version"]
    if checkpoint > after:
        with files.open_input_file(f"_delta_log/{checkpoint:020}.checkpoint.parquet") as file:
            for told in pq.read_table(file, columns=["txn"])["txn"].drop_null().to_pylist():
                yield told["appId"], told["version"]
    for version in range(max(after, checkpoint) + 1, upto + 1):
        for line in _lines(files, version):
            if told := msgspec.json.decode(line).get("txn"):
                yield told["appId"], told["version"]


def _lines(files: FileSystem, version: int) -> list[bytes]:
    with files.open_input_file(f"_delta_log/{version:020}.json") as file:
        lines: list[bytes] = file.read().splitlines()
        return lines
