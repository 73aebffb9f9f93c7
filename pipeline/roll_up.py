"""Roll-ups: what is counted of ``requests`` as they land, kept in step with the rows.

Each commit of ``requests`` is counted once, for the mark of what was counted is committed with the
counts. A run that was stopped between two tables is thus made good by whichever looks next.
"""

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

import pyarrow as pa

from pipeline.ask import without_topology
from pipeline.datasets import datasets
from pipeline.engines.duckdb import DuckDB
from pipeline.lake import ForgottenError, Lake, OvertakenError, ParquetFile, Span
from pipeline.parquet import kept
from pipeline.query import queries
from pipeline.transforms.counts import by_minute, by_second

COUNTED = "requests"
# The times of so many requests are held at once; and so many files are open.
ROWS_AT_ONCE = 3_000_000
FILES_AT_ONCE = 64
MEMORY = "500MB"
# The datasets of counts, each with what counts the answer of the query, day by day.
ROLL_UPS: Mapping[str, Callable[[pa.Table], Iterator[tuple[date, pa.Table]]]] = {
    "activity": by_second,
    "minutes": by_minute,
}
QUERY = "request_times"
COUNTS = tuple(ROLL_UPS)


def lag(lake: Lake) -> int:
    """How many commits of requests are not counted, in the roll-up that is furthest behind."""
    return lake.commits(COUNTED) - min(lake.mark(name, COUNTED) for name in COUNTS)


def keep_up(lake: Lake) -> None:
    """Counts the commits that are not."""
    while done := _behind(lake):
        upto, first = lake.commits(COUNTED), min(done.values())
        # Mostly all are at the same commit, and one look at the rows serves them all.
        names = [name for name, mark in done.items() if mark == first]
        try:
            files = lake.added(COUNTED, first, upto)
        except ForgottenError:
            _rebuild(lake, names)
            continue
        versions = {}
        for name in names:
            version, _, new = lake.told_apart(name, [_span(first, upto)])
            if new:
                versions[name] = version
        _commit(lake, files, versions, dict.fromkeys(versions, first), upto)


def _behind(lake: Lake) -> dict[str, int]:
    """The roll-ups that have not counted all commits, and the last one that each has."""
    commits = lake.commits(COUNTED)
    marks = {name: lake.mark(name, COUNTED) for name in COUNTS}
    return {name: mark for name, mark in marks.items() if mark < commits}


def _span(done: int, upto: int) -> Span:
    return Span(COUNTED, 0, done, upto, "")


def rebuild(lake: Lake) -> int:
    """Counts all rows that there are again; what was counted of days forgotten since stays.

    Gives the number of days.
    """
    return _rebuild(lake, COUNTS)


def _rebuild(lake: Lake, names: Collection[str]) -> int:
    left = set(names)
    while True:
        upto, files = lake.commits(COUNTED), lake.files(COUNTED)
        days = sorted({day for day in map(_day, files) if day})
        versions = {name: lake.told_apart(name, [])[0] for name in sorted(left)}
        done = {name: lake.mark(name, COUNTED) for name in versions}
        left -= _commit(lake, files, versions, done, upto, since=days[0] if days else None)
        if not left:
            return len(days)


def _commit(
    lake: Lake,
    files: Sequence[str],
    versions: Mapping[str, int],
    done: Mapping[str, int],
    upto: int,
    since: str | None = None,
) -> set[str]:
    """Counts files for roll-ups whose tables are at these versions; gives those that took it."""
    taken = set()
    with tempfile.TemporaryDirectory(prefix="gateway-rca-") as folder:
        rooms = {name: lake.room(name, Path(folder)) for name in versions}
        made = counted(files, upto, rooms)
        for name, version in versions.items():
            with suppress(OvertakenError):
                span = _span(done[name], upto)
                lake.commit(name, made[name], rooms[name], [span], version, since)
                taken.add(name)
    return taken


def counted(
    files: Sequence[str], upto: int, rooms: Mapping[str, Path]
) -> dict[str, list[ParquetFile]]:
    """The counts of the rows in files of requests, by roll-up, written to files in its room.

    ``upto`` is the commit that they are counted up to.
    """
    made: dict[str, list[ParquetFile]] = {name: [] for name in rooms}
    if not (files and rooms):
        return made
    engine = DuckDB(memory=MEMORY)
    without_topology(engine)
    for portion in _portions(engine, files):
        engine.attach(COUNTED, datasets()[COUNTED], portion)
        answer = engine.ask(queries()[QUERY], {})
        for name, room in rooms.items():
            for day, counts in ROLL_UPS[name](answer):
                rows = counts.append_column("counted", pa.repeat(upto, counts.num_rows))
                made[name].append(kept(rows, datasets()[name], f"{day}", room))
    return made


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
