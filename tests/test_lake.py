"""The lake holds rows and marks together, wherever it lies and whoever else writes."""

import multiprocessing
from datetime import datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

import deltalake
import duckdb
import polars as pl
import pyarrow as pa
import pytest

from pipeline.datasets import datasets
from pipeline.errors import PipelineError
from pipeline.lake import Lake
from tests.exports import blob, ids, landed, line, lines, requests, rows

NOON = datetime(2026, 3, 10, 12)


def refused(*places: tuple[str, int]) -> pa.Table:
    """Rows of the quarantine, the smallest table."""
    return pa.Table.from_pylist(
        [{"blob": name, "position": position} for name, position in places],
        schema=datasets()["quarantine"].arrow_schema,
    )


def places(lake: Path) -> list[tuple[str, int]]:
    return [(row["blob"], row["position"]) for row in rows(lake, "quarantine")]


def test_a_lake_that_is_not_there_is_empty(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    assert not lake.exists()
    assert lake.files("requests") == []
    assert lake.files_between("requests", "time", NOON, NOON) == []
    assert (lake.mark("requests", "a"), lake.next_position("a")) == (0, 1)
    assert not (tmp_path / "lake").exists()


def test_rows_whose_mark_is_there_are_left_out(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.append("quarantine", refused(("a", 1), ("b", 1)), {"a": (0, 10), "b": (0, 20)})
    lake.append("quarantine", refused(("a", 1), ("c", 1)), {"a": (0, 10), "c": (0, 5)})
    lake.append("quarantine", refused(("b", 1)), {"b": (0, 19)})
    Lake(tmp_path / "lake").append("quarantine", refused(("a", 1)), {"a": (0, 10)})
    assert places(tmp_path / "lake") == [("a", 1), ("b", 1), ("c", 1)]
    fresh = Lake(tmp_path / "lake")
    assert [fresh.mark("quarantine", name) for name in "abcd"] == [10, 20, 5, 0]
    assert fresh.exists()


def test_a_lake_opened_before_another_run_wrote_sees_its_marks_when_it_appends(
    tmp_path: Path,
) -> None:
    one, other = Lake(tmp_path / "lake"), Lake(tmp_path / "lake")
    one.append("quarantine", refused(("a", 1)), {"a": (0, 1)})
    other.append("quarantine", refused(("a", 1), ("b", 1)), {"a": (0, 1), "b": (0, 1)})
    one.append("quarantine", refused(("b", 1), ("c", 1)), {"b": (0, 1), "c": (0, 1)})
    assert places(tmp_path / "lake") == [("a", 1), ("b", 1), ("c", 1)]


def test_marks_and_rows_outlive_many_commits(tmp_path: Path) -> None:
    for number in range(25):
        lake = Lake(tmp_path / "lake")
        lake.append("quarantine", refused((f"b{number:02}", 1)), {f"b{number:02}": (0, number + 1)})
    lake = Lake(tmp_path / "lake")
    assert len(places(tmp_path / "lake")) == 25
    assert [lake.mark("quarantine", f"b{number:02}") for number in range(25)] == list(range(1, 26))


def append_all(folder: str, writer: int, barrier: Barrier) -> None:
    """What each of several writers does at once, to one new lake after the other."""
    for attempt in range(8):
        lake = Lake(Path(folder) / str(attempt))
        barrier.wait()
        for number in range(3):
            own, shared = f"own{writer}-{number}", f"shared{number}"
            lake.append("quarantine", refused((own, 1), (shared, 1)), {own: (0, 1), shared: (0, 1)})


def test_writers_at_once_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    writers = [
        context.Process(target=append_all, args=(str(tmp_path), writer, barrier))
        for writer in range(3)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    wanted = [(f"own{writer}-{number}", 1) for writer in range(3) for number in range(3)]
    wanted += [(f"shared{number}", 1) for number in range(3)]
    for attempt in range(8):
        assert places(tmp_path / str(attempt)) == wanted


@pytest.mark.parametrize(
    "name", ["my lake", "l'ake", "lac\u00e9", "x=1", "date=2020-01-01", "a#b", "a?b", "~", "a+b&c"]
)
def test_a_lake_may_lie_in_a_folder_of_any_usual_name(name: str, tmp_path: Path) -> None:
    lake = tmp_path / name / "lake"
    blob(tmp_path / "in" / "a.json", lines(1, 2))
    landed(tmp_path / "in", lake)
    blob(tmp_path / "in" / "b.json", lines(2, 3))
    assert landed(tmp_path / "in", lake).duplicates == 1
    assert ids(lake) == ["c1", "c2", "c3"]
    assert {str(row["date"]) for row in requests(lake)} == {"2026-03-10"}
    assert all(Path(file).is_file() for file in Lake(lake).files("requests"))


@pytest.mark.parametrize("name", ["a[b", "a]b", "a\\b", "a%20b"])
def test_a_name_that_delta_cannot_take_is_refused_with_the_cure(name: str, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"cannot hold any of .*; name another"):
        Lake(tmp_path / name)


def test_a_lake_where_a_file_lies_is_refused_with_the_cure(tmp_path: Path) -> None:
    lake = Lake(blob(tmp_path / "file", b""))
    with pytest.raises(PipelineError, match="Not a directory; name a folder that may be written"):
        lake.append("quarantine", refused(("a", 1)), {"a": (0, 1)})


@pytest.mark.parametrize("digits", ["", ".2", ".275", ".2750875", ".9999999"])
def test_a_copy_is_known_by_its_time_to_the_microsecond(digits: str, tmp_path: Path) -> None:
    told = line(1, time=f"2026-03-10T08:00:00{digits}Z") + b"\n"
    blob(tmp_path / "in" / "a.json", told)
    landed(tmp_path / "in", tmp_path / "lake")
    blob(tmp_path / "in" / "b.json", told)
    assert landed(tmp_path / "in", tmp_path / "lake").duplicates == 1


def test_only_files_that_may_hold_a_time_are_given(tmp_path: Path) -> None:
    for hour in range(3):
        moments = [f"2026-03-10T{hour:02}:{minute:02}:00Z" for minute in (10, 50)]
        text = b"".join(line(hour, time=moment) + b"\n" for moment in moments)
        blob(tmp_path / "in" / f"{hour}.json", text)
        landed(tmp_path / "in", tmp_path / "lake")
    lake = Lake(tmp_path / "lake")
    start = datetime(2026, 3, 10)

    def count(low: float, high: float) -> int:
        between = (start + timedelta(hours=low), start + timedelta(hours=high))
        return len(lake.files_between("requests", "time", *between))

    assert len(lake.files("requests")) == 3
    assert [count(0, 3), count(1.5, 1.5), count(0.9, 1.1), count(5, 6)] == [3, 1, 0, 0]


def test_other_engines_read_the_lake_with_zoned_times_and_small_files(tmp_path: Path) -> None:
    blob(tmp_path / "in" / "a.json", lines(1, 2, 3))
    landed(tmp_path / "in", tmp_path / "lake")
    files = Lake(tmp_path / "lake").files("requests")
    with duckdb.connect() as connection:
        latest = "select max(time) at time zone 'UTC' from read_parquet(?)"
        (told,) = connection.execute(latest, [files]).fetchall()
    assert told == (datetime(2026, 3, 10, 8, 0, 3, 275_087),)
    frame = pl.read_delta(str(tmp_path / "lake" / "requests"))
    assert frame.schema["time"] == pl.Datetime("us", "UTC")
    table = deltalake.DeltaTable(str(tmp_path / "lake" / "requests"))
    assert table.protocol().min_reader_version == 1
