"""Where a lake lies, a folder or on Azure: places, lists and removes its files."""

import errno
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from pipeline import azure_place
from pipeline.azure_place import Place, UnavailableError
from pipeline.errors import PipelineError

REMOTE = ("az://", "https://", "http://")


def put(location: str, path: str, file: Path) -> None:
    """Copies a file to a path in a folder or remote location; readers see it whole or not at all.

    Raises ``PipelineError`` where it may not be written or there is no room.
    """
    if is_remote(location):
        from pipeline import azure_blobs

        with remote(location) as place:
            azure_blobs.write(place.under(path), file)
        return
    target = Path(location, path)
    part = target.with_name(f"{target.name}.part")
    with _local(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(file, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def listed(location: str) -> list[tuple[str, int, datetime]]:
    """All files of a folder or remote location: path in it, size in bytes, last change in UTC.

    A folder that is missing holds none. Raises ``PipelineError`` where it may not be listed.
    """
    if is_remote(location):
        from pipeline import azure_blobs

        with remote(location) as place:
            entries = azure_blobs.inside(place)
            start = f"{place.path}/" if place.path else ""
        return sorted((e.place.path.removeprefix(start), e.size, e.modified) for e in entries)
    folder = Path(location)
    files = []
    with _local(folder):
        for each in folder.rglob("*"):
            with suppress(FileNotFoundError):  # gone since it was listed
                if each.is_file():
                    seen = each.stat()
                    changed = datetime.fromtimestamp(seen.st_mtime, UTC)
                    files.append((each.relative_to(folder).as_posix(), seen.st_size, changed))
    return sorted(files)


def deleted(location: str, paths: Iterable[str]) -> int:
    """Deletes files of a folder or remote location; how many of them were there.

    Raises ``PipelineError`` where one may not be deleted.
    """
    return sum([_deleted(location, path) for path in paths])


def _deleted(location: str, path: str) -> bool:
    if is_remote(location):
        from pipeline import azure_blobs

        with remote(location) as place:
            return azure_blobs.delete(place.under(path))
    target = Path(location, path)
    with _local(target), suppress(FileNotFoundError):
        target.unlink()
        return True
    return False


def named(location: str) -> str:
    """A location by a name that is the same over runs and holds no secret: what may be printed."""
    if not is_remote(location):
        return str(Path(location).resolve())
    with remote(location) as place:
        return place.name


def delta(location: str) -> tuple[str, dict[str, str]]:
    """The URI and the storage options with which deltalake opens a table at a location.

    The options hold a secret, of which a token lives for an hour or so: ask again for each use.
    """
    if not is_remote(location):
        return location, {}
    from pipeline import azure_blobs

    with remote(location) as place:
        return azure_blobs.delta(place)


def is_remote(location: str) -> bool:
    """Whether a location names a place on Azure, not a file or folder of this machine."""
    return location.startswith(REMOTE)


@contextmanager
def remote(location: str) -> Iterator[Place]:
    """The place that a location names; what it does not give is a user's error."""
    name = location.partition("?")[0]
    try:
        place = azure_place.place(location)
        name = place.name
        yield place
    except UnavailableError as error:
        raise PipelineError(f"{name}: {error}") from error


@contextmanager
def _local(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        cure = {
            errno.ENOSPC: "; make room, then run again",
            errno.EDQUOT: "; make room, then run again",
            errno.EACCES: "; give this user the right to write there",
        }.get(error.errno or 0, "")
        raise PipelineError(f"{path}: {said(error)}{cure}") from error


def said(error: Exception) -> str:
    """What an error of the system says, without the path that it is about."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{error}".rstrip(".")
