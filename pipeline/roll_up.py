"""Roll-ups: what is counted of ``requests`` as they land, kept in step with the rows.

Each commit of ``requests`` is counted once, for the mark of what was counted is committed with the
counts. A run that was stopped between two tables is thus made good by whichever looks next.
"""

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from threading import Lock

import pyarrow as pa

from pipeline.ask import without_topology
from pipeline.datasets import datasets
from pipeline.engines.duckdb import DuckDB
from pipeline.lake import ForgottenError, Lake, OvertakenError, ParquetFile, Span
from pipeline.parquet import day_of, kept, parquet_file
from pipeline.query import queries
from pipeline.transforms import kinds
from pipeline.transforms.counts import by_minute, by_second

COUNTED = "requests"
# So many requests are counted at once, by each worker.
ROWS_AT_ONCE = 1_500_000
WORKERS = 2
MEMORY = "500MB"
# The datasets of counts, each with what counts the requests of a day.
ROLL_UPS: Mapping[str, Callable[[date, kinds.Requests, pa.Table], pa.Table]] = {
    "activity": by_second,
    "minutes": by_minute,
}
QUERY = "request_kinds"
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
        days = sorted(set(map(day_of, files)))
        versions = {name: lake.told_apart(name, [])[0] for name in sorted(left)}
        done = {name: lake.mark(name, COUNTED) for name in versions}
        left -= _commit(lake, files, versions, done, upto, since=f"{days[0]}" if days else None)
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
    judge = _Judge()
    portions = _portions(files) if rooms else []
    with ThreadPoolExecutor(WORKERS) as pool:
        written = pool.map(partial(_counted, judge=judge, upto=upto, rooms=rooms), portions)
        made = [each for of_portion in written for each in of_portion]
    return {name: [file for of, file in made if of == name] for name in rooms}


class _Judge:
    """Tells how requests of a kind ended; several may ask."""

    def __init__(self) -> None:
        self._engine = DuckDB(threads=1, memory=MEMORY)
        self._asked = Lock()
        without_topology(self._engine)

    def of(self, kinds: pa.Table) -> pa.Table:
        """The answer of ``request_kinds`` about kinds, each told by a request of it."""
        with self._asked:
            self._engine.hold(COUNTED, kinds)
            return self._engine.ask(queries()[QUERY], {})


@dataclass(frozen=True, slots=True)
class _Portion:
    """Row groups of files of one day, as many as are counted at once."""

    day: date
    groups: list[tuple[str, int]] = field(default_factory=list)

    def tables(self) -> Iterator[pa.Table]:
        """Their rows, one row group after the other."""
        for name, groups in groupby(self.groups, key=itemgetter(0)):
            with parquet_file(name, kinds.TEXTS) as file:
                for _, group in groups:
                    yield file.read_row_group(group, columns=kinds.READ, use_threads=False)


def _portions(files: Iterable[str]) -> list[_Portion]:
    portions: list[_Portion] = []
    for day, of_day in groupby(sorted(files, key=day_of), key=day_of):
        room = 0
        for name in of_day:
            with parquet_file(name) as file:
                lengths = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
            for group, rows in enumerate(lengths):
                if rows > room:
                    portions.append(_Portion(day))
                    room = max(rows, ROWS_AT_ONCE)
                portions[-1].groups.append((name, group))
                room -= rows
    return portions


def _counted(
    portion: _Portion, judge: _Judge, upto: int, rooms: Mapping[str, Path]
) -> list[tuple[str, ParquetFile]]:
    """The counts of a portion, with the names of their roll-ups."""
    requests = kinds.by_kind(portion.tables())
    judged = judge.of(requests.kinds)
    made = []
    for name, room in rooms.items():
        counts = ROLL_UPS[name](portion.day, requests, judged)
        if not counts.num_rows:
            continue
        rows = counts.append_column("counted", pa.repeat(upto, counts.num_rows))
        made.append((name, kept(rows, datasets()[name], f"{portion.day}", room)))
    return made
