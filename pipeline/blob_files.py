"""Remote blobs as files, so that DuckDB reads Parquet at ``az://`` with no extension of its own."""

from datetime import UTC, datetime
from typing import Any, BinaryIO

from fsspec import AbstractFileSystem

from pipeline.location import named
from pipeline.storage import Blob, blob_at


class BlobFiles(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """What ``register_filesystem`` of a DuckDB connection takes; reads only.

    Files are named ``az://ACCOUNT/CONTAINER/PATH`` and taken to stay as they are, as those of a
    Delta table do. ``locations`` are those whose URL holds the SAS by which they are reached; all
    others are reached by what the environment gives.
    """

    protocol = "az"
    cachable = False

    def __init__(self, *locations: str) -> None:
        super().__init__()
        self._urls = {named(each): each for each in locations if "?" in each}
        self._blobs: dict[str, Blob] = {}

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Name, size in bytes and kind of a file."""
        blob = self._blob(path)
        return {"name": blob.name, "size": blob.size, "type": "file"}

    def modified(self, path: str) -> datetime:
        """The same moment for each file: none changes."""
        return datetime(2000, 1, 1, tzinfo=UTC)

    def _open(self, path: str, mode: str = "rb", **_: Any) -> BinaryIO:
        if mode != "rb":
            raise PermissionError("blobs are opened for reading only")
        return self._blob(path).opened()

    def _blob(self, path: str) -> Blob:
        name = f"az://{self._strip_protocol(path)}"
        if name not in self._blobs:
            self._blobs[name] = blob_at(self._location(name))
        return self._blobs[name]

    def _location(self, name: str) -> str:
        for start, url in self._urls.items():
            if name.startswith(f"{start}/"):
                path, _, sas = url.partition("?")
                return f"{path.rstrip('/')}{name.removeprefix(start)}?{sas}"
        return name
