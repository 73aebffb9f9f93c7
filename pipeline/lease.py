"""A lease on a lake: of runs that overlap, one works. It is free again when its holder dies.

In a folder the system's lock on a file, which ends with the process; on Azure the lease of a blob,
which ends a minute after nobody renewed it. Rows do not need it, they commit once in any case.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from pipeline.errors import ExitStatus, PipelineError
from pipeline.lake import Lake
from pipeline.location import is_remote, remote

NAME = "runs/lease"
# Azure takes 15 to 60. One that waits for longer waits for a run that lives.
LEASE_S = 60
PATIENCE_S = 65


class HeldError(PipelineError):
    """Another run is at work."""

    status = ExitStatus.INCOMPLETE


@contextmanager
def held(lake: Lake) -> Iterator[None]:
    """The lease, for as long as the block takes.

    Raises ``HeldError`` where another run has it, and on Azure keeps it for longer than a dead one
    could.
    """
    place = str(lake.location)
    with _on_azure(place) if is_remote(place) else _in_a_folder(Path(place)):
        yield


def _refused(place: str) -> HeldError:
    return HeldError(
        f"{place}: another run is at work on this lake; this one did nothing. If it is always so, "
        "let runs be further apart, or see what keeps the other one"
    )


@contextmanager
def _in_a_folder(lake: Path) -> Iterator[None]:
    path = lake / NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as error:
        raise PipelineError(
            f"{path}: {error.strerror}; give this user the right to write there"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _refused(str(lake)) from error
        yield


@contextmanager
def _on_azure(lake: str) -> Iterator[None]:
    from pipeline import azure_blobs

    with remote(lake) as place:
        blob = place.under(NAME)
        until = time.monotonic() + PATIENCE_S
        while (lease := azure_blobs.leased(blob, LEASE_S)) is None:
            if time.monotonic() > until:
                raise _refused(place.name)
            time.sleep(1)
    ended = Event()
    renewing = Thread(target=_renewed, args=(lease.renew, ended), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()
        lease.release()


def _renewed(renew: Callable[[], bool], ended: Event) -> None:
    """Renews until it is not needed any more; a lease that was lost is not fought for."""
    while not ended.wait(LEASE_S / 3) and renew():
        pass
