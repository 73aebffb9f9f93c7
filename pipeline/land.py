"""Land: exports in, rows of the lake out, with a ledger of what became of every line."""

import errno
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pipeline.arrivals import Arrivals
from pipeline.commit import Committer
from pipeline.engines.duckdb import DuckDB
from pipeline.errors import PipelineError
from pipeline.feed import Batch, feed
from pipeline.lake import Lake
from pipeline.landed import Landing
from pipeline.plan import Plan, Planner
from pipeline.read import Read, read
from pipeline.roll_up import keep_up
from pipeline.sources import sources
from pipeline.storage import Blob, blobs
from pipeline.stretch import Ending, Reading

WORKERS = 2
# Batches that wait or are read, so that no worker waits while the rows of some are counted.
AHEAD = 2 * WORKERS + 1
# Each engine: one to plan, one to commit, one for each worker. A batch takes less; near the limit
# it would be slowed down.
MEMORY = "500MB"
# Records are read together up to this size; more saves nothing and costs memory.
MOST_BATCH_BYTES = 64 << 20
LEAST_BATCH_BYTES = 16 << 20
# Rows after which those are counted: so that it is done while others are read, and costs little.
COUNTED_AT_ONCE = 250_000
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a landing is: bytes as stored, of all that are to be read; rows landed so far."""

    bytes_done: int
    bytes_all: int
    rows: int


def land(
    exports: Iterable[str],
    lake: Lake,
    on_progress: Callable[[Progress], None] = lambda _: None,
    go_on: Callable[[], bool] = lambda: True,
) -> Landing:
    """Lands what is new in the exports; doing so twice equals doing so once.

    It is asked before each batch whether to ``go_on``; what is left is for the next run.

    Raises ``PipelineError`` where a source does not exist or the lake cannot be written.
    """
    found = sorted({blob for export in exports for blob in blobs(export)})
    lake.ready()
    planner = Planner(lake, DuckDB(threads=1, memory=MEMORY))
    plan = planner.plan(found)
    landing = _begun(found, plan)
    bytes_all = sum(map(_to_read, plan.readings))
    bytes_done = uncounted = 0
    with (
        _telling_of_room(),
        tempfile.TemporaryDirectory(prefix="gateway-rca-") as folder,
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        arrivals = Arrivals(threads=1, memory=MEMORY)
        committer = Committer(lake, Path(folder), arrivals, landing)
        batches = feed(plan.readings, Path(folder), _batch_bytes(bytes_all), planner.changed)
        batches = _as_long_as(go_on, batches, landing)
        for done in _in_order(pool, batches, committer.room):
            committer.commit(done)
            bytes_done += sum(map(_read_of, done.endings))
            uncounted += sum(each.rows.total() for each in done.told.values())
            if uncounted >= COUNTED_AT_ONCE:
                keep_up(lake)
                uncounted = 0
            on_progress(Progress(min(bytes_done, bytes_all), bytes_all, landing.rows.total()))
        keep_up(lake)
    return landing


def _as_long_as(
    go_on: Callable[[], bool], batches: Iterator[Batch], landing: Landing
) -> Iterator[Batch]:
    for batch in batches:
        if not go_on():
            landing.stopped = True
            return
        yield batch


@contextmanager
def _telling_of_room() -> Iterator[None]:
    """A disk that is full is a user's error, and told as one; the next run goes on from there."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        where = error.filename or tempfile.gettempdir()
        raise PipelineError(f"{where}: {error.strerror}; make room, then run again") from error


def _batch_bytes(bytes_all: int) -> int:
    """How much to read at once: little where there is little, so that all workers end together."""
    return min(MOST_BATCH_BYTES, max(LEAST_BATCH_BYTES, bytes_all // (4 * WORKERS)))


def _begun(found: list[Blob], plan: Plan) -> Landing:
    landing = Landing(len(found), unclaimed=plan.unclaimed, unreadable=plan.unreadable)
    for dataset in plan.skipped.values():
        landing.of(dataset).skipped += 1
    for format_ in {each.blob.name: each.format for each in plan.readings}.values():
        landing.of(sources()[format_].dataset).read += 1
    return landing


def _to_read(reading: Reading) -> int:
    """Bytes that a reading takes; one up to an offset is followed by the one that is counted."""
    if reading.to_offset is not None:
        return 0
    return reading.blob.size - (0 if reading.envelope else reading.from_offset)


def _read_of(ending: Ending) -> int:
    """Bytes of a stretch; of a blob that is read as a whole, all of it at its end."""
    if not ending.reading.envelope:
        return ending.to_offset - ending.from_offset
    return ending.reading.blob.size if ending.etag else 0


def _in_order(
    pool: ThreadPoolExecutor, batches: Iterator[Batch], room: Callable[[str], Path]
) -> Iterator[Read]:
    """Batches read side by side, given back in order, never more than a few at a time."""
    reader = _Reader()
    submitted = (pool.submit(reader.read, batch, room) for batch in batches)
    running: list[Future[Read]] = list(islice(submitted, AHEAD))
    while running:
        done = running.pop(0).result()
        running.extend(islice(submitted, 1))
        yield done


class _Reader(threading.local):
    """A table for each thread that reads: to make an engine a batch costs a tenth of the time."""

    def __init__(self) -> None:
        self._arrivals = Arrivals(threads=1, memory=MEMORY)

    def read(self, batch: Batch, room: Callable[[str], Path]) -> Read:
        return read(batch, self._arrivals, room)
