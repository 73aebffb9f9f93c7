"""Roll-ups: what is counted of ``requests`` as they land, kept in step with the rows.

Each commit of ``requests`` is counted once, for the mark of what was counted is committed with the
counts. A run that was stopped between two tables is thus made good by whichever looks next.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from pipeline.ask import without_topology
from pipeline.datasets import datasets
from pipeline.engines.duckdb import DuckDB
from pipeline.lake import ForgottenError, Lake, OvertakenError, ParquetFile, Span
from pipeline.parquet import written
from pipeline.query import queries
from pipeline.transforms.by_day import by_day
from pipeline.transforms.counts import by_second

COUNTED = "requests"
# The times of so many calls are held at once, at some 50 bytes each; and so many files are open.
ROWS_AT_ONCE = 3_000_000
FILES_AT_ONCE = 64
MEMORY = "500MB"


@dataclass(frozen=True, slots=True)
class RollUp:
    """A dataset of counts: the query that counts rows, and what parts its answer by day."""

    name: str
    query: str
    parted: Callable[[pa.Table], Iterator[tuple[date, pa.Table]]]


ROLL_UPS = (
    RollUp("activity", "call_times", by_second),
    RollUp("minutes", "request_minutes", by_day),
)
COUNTS = tuple(each.name for each in ROLL_UPS)


def lag(lake: Lake) -> int:
    """How many commits of requests are not counted, in the roll-up that is furthest behind."""
    commits = lake.commits(COUNTED)
    return max(commits - lake.mark(name, COUNTED) for name in COUNTS)


def keep_up(lake: Lake) -> None:
    """Counts the commits that are not."""
    for roll_up in ROLL_UPS:
        _keep_up(lake, roll_up)


def _keep_up(lake: Lake, roll_up: RollUp) -> None:
    while lake.mark(roll_up.name, COUNTED) < lake.commits(COUNTED):
        done, upto = lake.mark(roll_up.name, COUNTED), lake.commits(COUNTED)
        try:
            files = lake.added(COUNTED, done, upto)
        except ForgottenError:
            _rebuild(lake, roll_up)
            return
        span = Span(COUNTED, 0, done, upto, "")
        version, _, new = lake.told_apart(roll_up.name, [span])
        if new:
            with suppress(OvertakenError):
                _commit(lake, roll_up, files, new, version, upto)


def rebuild(lake: Lake) -> int:
    """Counts all rows that there are again; what was counted of days forgotten since stays.

    Gives the number of days.
    """
    return max(_rebuild(lake, roll_up) for roll_up in ROLL_UPS)


def _rebuild(lake: Lake, roll_up: RollUp) -> int:
    while True:
        upto, files = lake.commits(COUNTED), lake.files(COUNTED)
        days = sorted(day for day in map(_day, files) if day)
        version, _, _ = lake.told_apart(roll_up.name, [])
        span = Span(COUNTED, 0, lake.mark(roll_up.name, COUNTED), upto, "")
        with suppress(OvertakenError):
            _commit(lake, roll_up, files, [span], version, upto, since=days[0] if days else None)
            return len(set(days))


def _commit(
    lake: Lake,
    roll_up: RollUp,
    files: Sequence[str],
    spans: Sequence[Span],
    version: int,
    upto: int,
    since: str | None = None,
) -> None:
    with tempfile.TemporaryDirectory(prefix="gateway-rca-") as folder:
        room = lake.room(roll_up.name, Path(folder))
        made = list(counted(roll_up, files, upto, room))
        lake.commit(roll_up.name, made, room, spans, version, since)


def counted(roll_up: RollUp, files: Sequence[str], upto: int, room: Path) -> Iterator[ParquetFile]:
    """The counts of the rows in files of requests, written to files in ``room``.

    ``upto`` is the commit that they are counted up to.
    """
    if not files:
        return
    engine = DuckDB(memory=MEMORY)
    without_topology(engine)
    for portion in _portions(engine, files):
        engine.attach(COUNTED, datasets()[COUNTED], portion)
        for day, counts in roll_up.parted(engine.ask(queries()[roll_up.query], {})):
            engine.connection.register("counts", counts)
            rows = f"(select *, {upto} as counted from counts)"  # noqa: S608
            yield written(engine.connection, rows, datasets()[roll_up.name], f"{day}", room)


def _portions(engine: DuckDB, files: Sequence[str]) -> Iterator[list[str]]:
    """The files, as many at a time as are to be counted at once."""
    portion: list[str] = []
    rows = 0
    for file in files:
        more = engine.rows(file)
        if portion and (rows + more > ROWS_AT_ONCE or len(portion) == FILES_AT_ONCE):
            yield portion
            portion, rows = [], 0
        portion.append(file)
        rows += more
    if portion:
        yield portion


def _day(file: str) -> str:
    """The day in a file's path."""
    return file.rpartition("/date=")[2].partition("/")[0]
