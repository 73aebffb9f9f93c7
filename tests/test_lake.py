"""The lake holds rows and marks together, wherever it lies and whoever else writes."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from time import sleep
from typing import Any

import deltalake
import duckdb
import polars as pl
import pyarrow as pa
import pytest

from pipeline import delta_log
from pipeline import lake as lake_module
from pipeline.datasets import datasets
from pipeline.errors import PipelineError
from pipeline.lake import Lake, OvertakenError, ParquetFile, Span
from tests.exports import blob, ids, landed, line, lines, requests, rows

NOON = datetime(2026, 3, 10, 12)


def refused(*places: tuple[str, int]) -> pa.Table:
    """Rows of the quarantine, the smallest table."""
    return pa.Table.from_pylist(
        [{"blob": name, "position": position} for name, position in places],
        schema=datasets()["quarantine"].arrow_schema,
    )


def spans(*told: tuple[str, int, int]) -> list[Span]:
    """Spans of the first generation of blobs."""
    return [Span(name, 0, start, stop) for name, start, stop in told]


def places(lake: Path) -> list[tuple[str, int]]:
    return [(row["blob"], row["position"]) for row in rows(lake, "quarantine")]


def test_a_lake_that_is_not_there_is_empty(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    assert not lake.exists()
    assert lake.files("requests") == []
    assert lake.files_between("requests", "time", NOON, NOON) == []
    assert lake.mark("requests", "a") == 0
    assert not (tmp_path / "lake").exists()


def test_rows_whose_mark_is_there_are_left_out(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.append("quarantine", refused(("a", 1), ("b", 1)), spans(("a", 0, 10), ("b", 0, 20)))
    lake.append("quarantine", refused(("a", 1), ("c", 1)), spans(("a", 0, 10), ("c", 0, 5)))
    lake.append("quarantine", refused(("b", 1)), spans(("b", 0, 19)))
    Lake(tmp_path / "lake").append("quarantine", refused(("a", 1)), spans(("a", 0, 10)))
    assert places(tmp_path / "lake") == [("a", 1), ("b", 1), ("c", 1)]
    fresh = Lake(tmp_path / "lake")
    assert [fresh.mark("quarantine", name) for name in "abcd"] == [10, 20, 5, 0]
    assert fresh.exists()


def test_a_lake_opened_before_another_run_wrote_sees_its_marks_when_it_appends(
    tmp_path: Path,
) -> None:
    one, other = Lake(tmp_path / "lake"), Lake(tmp_path / "lake")
    one.append("quarantine", refused(("a", 1)), spans(("a", 0, 1)))
    other.append("quarantine", refused(("a", 1), ("b", 1)), spans(("a", 0, 1), ("b", 0, 1)))
    one.append("quarantine", refused(("b", 1), ("c", 1)), spans(("b", 0, 1), ("c", 0, 1)))
    assert places(tmp_path / "lake") == [("a", 1), ("b", 1), ("c", 1)]


def test_marks_and_rows_outlive_many_commits(tmp_path: Path) -> None:
    for number in range(25):
        lake = Lake(tmp_path / "lake")
        lake.append(
            "quarantine", refused((f"b{number:02}", 1)), spans((f"b{number:02}", 0, number + 1))
        )
    lake = Lake(tmp_path / "lake")
    assert len(places(tmp_path / "lake")) == 25
    assert [lake.mark("quarantine", f"b{number:02}") for number in range(25)] == list(range(1, 26))


def test_a_span_that_begins_before_the_mark_is_left_out(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    assert lake.append("quarantine", refused(("a", 1)), spans(("a", 0, 10))) == {"a"}
    assert lake.append("quarantine", refused(("a", 2)), spans(("a", 5, 20))) == set()
    assert lake.append("quarantine", refused(("a", 3)), spans(("a", 10, 20))) == {"a"}
    assert lake.append("quarantine", refused(("a", 4)), spans(("a", 30, 40))) == {"a"}
    assert places(tmp_path / "lake") == [("a", 1), ("a", 3), ("a", 4)]
    assert lake.mark("quarantine", "a") == 40


def test_a_generation_has_a_mark_of_its_own(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.append("quarantine", refused(("a", 1)), spans(("a", 0, 10)))
    lake.append("quarantine", refused(("a", 2)), [Span("a", 1, 0, 5)])
    lake.append("quarantine", refused(("a", 3)), [Span("a", 1, 0, 5)])
    assert places(tmp_path / "lake") == [("a", 1), ("a", 2)]
    assert [Lake(tmp_path / "lake").mark("quarantine", "a", each) for each in range(3)] == [
        10,
        5,
        0,
    ]


def test_a_touched_blob_gets_its_row_though_its_mark_stays(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.append("quarantine", refused(("a", 1), ("b", 1)), spans(("a", 0, 10), ("b", 0, 10)))
    held = lake.append(
        "quarantine", refused(("a", 2), ("b", 2)), spans(("a", 10, 10), ("b", 10, 10)), ["a"]
    )
    assert held == {"a", "b"}
    assert places(tmp_path / "lake") == [("a", 1), ("a", 2), ("b", 1)]


def written(lake: Path, blob_name: str, number: int = 1) -> ParquetFile:
    """A file of one request, written where the table is and not committed."""
    from pipeline.arrivals import Arrivals
    from pipeline.sources import sources
    from pipeline.stretch import Gathered

    content = blob(lake.parent / "gathered.json", lines(number))
    gathered = Gathered(content)
    gathered.goes_on(blob_name, 1)
    gathered.count = 1
    arrivals = Arrivals(1, "300MB")
    arrivals.begin("requests", [blob_name])
    arrivals.add(gathered, sources()["apim_gateway_logs"])
    (file,) = arrivals.write(lake / "requests")
    return file


def test_a_commit_upon_a_version_that_is_over_is_refused_and_changes_nothing(
    tmp_path: Path,
) -> None:
    lake, other = Lake(tmp_path / "lake"), Lake(tmp_path / "lake")
    version, _, new = lake.told_apart("requests", spans(("a", 0, 10)))
    file = written(tmp_path / "lake", "a")
    theirs = written(tmp_path / "lake", "b", 2)
    seen, _, _ = other.told_apart("requests", spans(("b", 0, 10)))
    other.commit("requests", [theirs], tmp_path / "lake" / "requests", spans(("b", 0, 10)), seen)
    with pytest.raises(OvertakenError):
        lake.commit("requests", [file], tmp_path / "lake" / "requests", new, version)
    assert ids(tmp_path / "lake") == ["c2"]
    assert Lake(tmp_path / "lake").mark("requests", "a") == 0
    version, _, new = lake.told_apart("requests", spans(("a", 0, 10)))
    lake.commit("requests", [file], tmp_path / "lake" / "requests", new, version)
    assert ids(tmp_path / "lake") == ["c1", "c2"]
    assert [Lake(tmp_path / "lake").mark("requests", name) for name in "ab"] == [10, 10]


def append_all(folder: str, writer: int, barrier: Barrier) -> None:
    """What each of several writers does at once, to one new lake after the other."""
    for attempt in range(8):
        lake = Lake(Path(folder) / str(attempt))
        barrier.wait()
        for number in range(3):
            own, shared = f"own{writer}-{number}", f"shared{number}"
            lake.append(
                "quarantine", refused((own, 1), (shared, 1)), spans((own, 0, 1), (shared, 0, 1))
            )


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
    with pytest.raises(PipelineError, match="File exists; name a folder that may be written"):
        lake.append("quarantine", refused(("a", 1)), spans(("a", 0, 1)))


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


def test_threads_that_look_at_once_see_the_newest_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in" / "a.json"
    for count in (1, 2, 3, 4):
        blob(source, lines(*range(1, count + 1)))
        landed(source, tmp_path / "lake")
    newest = Lake(tmp_path / "lake").mark("requests", str(source))
    told = delta_log.transactions

    def slowly(*asked: Any) -> Iterator[tuple[str, int]]:
        for each in told(*asked):
            sleep(0.01)
            yield each

    monkeypatch.setattr(lake_module, "transactions", slowly)
    lake = Lake(tmp_path / "lake")
    with ThreadPoolExecutor(8) as pool:
        looked = []
        for _ in range(40):
            looked.append(pool.submit(lake.mark, "requests", str(source)))
            sleep(0.003)
    assert {each.result() for each in looked} == {newest}
