"""Roll-up: the history of ports (dataset ``activity``), kept in step with the rows it counts.

Each commit of ``requests`` is counted once, for the mark of what was counted is committed with the
counts. A run that was stopped between the two tables is thus made good by whichever looks next.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.ask import without_topology
from pipeline.datasets import datasets
from pipeline.engines.duckdb import DuckDB
from pipeline.lake import ForgottenError, Lake, OvertakenError, ParquetFile, Span
from pipeline.parquet import written
from pipeline.query import queries
from pipeline.transforms.counts import by_second

COUNTED = "requests"
COUNTS = "activity"
# The times of so many calls are held at once, at some 50 bytes each; and so many files are open.
ROWS_AT_ONCE = 3_000_000
FILES_AT_ONCE = 64
MEMORY = "500MB"


def lag(lake: Lake) -> int:
    """How many commits of requests are not counted."""
    return lake.commits(COUNTED) - lake.mark(COUNTS, COUNTED)


def keep_up(lake: Lake) -> None:
    """Counts the commits that are not."""
    while lag(lake) > 0:
        done, upto = lake.mark(COUNTS, COUNTED), lake.commits(COUNTED)
        try:
            files = lake.added(COUNTED, done, upto)
        except ForgottenError:
            rebuild(lake)
            return
        span = Span(COUNTED, 0, done, upto, "")
        version, _, new = lake.told_apart(COUNTS, [span])
        if new:
            with suppress(OvertakenError):
                _commit(lake, files, new, version, upto)


def rebuild(lake: Lake) -> int:
    """Counts all rows that there are again; what was counted of days forgotten since stays.

    Gives the number of days.
    """
    while True:
        upto, files = lake.commits(COUNTED), lake.files(COUNTED)
        days = sorted(day for day in map(_day, files) if day)
        version, _, _ = lake.told_apart(COUNTS, [])
        span = Span(COUNTED, 0, lake.mark(COUNTS, COUNTED), upto, "")
        with suppress(OvertakenError):
            _commit(lake, files, [span], version, upto, since=days[0] if days else None)
            return len(set(days))


def _commit(
    lake: Lake,
    files: Sequence[str],
    spans: Sequence[Span],
    version: int,
    upto: int,
    since: str | None = None,
) -> None:
    with tempfile.TemporaryDirectory(prefix="gateway-rca-") as folder:
        room = lake.room(COUNTS, Path(folder))
        made = list(counted(files, upto, room))
        lake.commit(COUNTS, made, room, spans, version, since)


def counted(files: Sequence[str], upto: int, room: Path) -> Iterator[ParquetFile]:
    """The counts of the rows in files of requests, written to files in ``room``.

    ``upto`` is the commit that they are counted up to.
    """
    if not files:
        return
    engine = DuckDB(memory=MEMORY)
    without_topology(engine)
    for portion in _portions(engine, files):
        engine.attach(COUNTED, datasets()[COUNTED], portion)
        for day, counts in by_second(engine.ask(queries()["call_times"], {})):
            engine.connection.register("counts", counts)
            rows = f"(select *, {upto} as counted from counts)"  # noqa: S608
            yield written(engine.connection, rows, datasets()[COUNTS], f"{day}", room)


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
