"""Upkeep tells what a lake covers, merges, removes and forgets, and no run notices."""

import gzip
import os
import shutil
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from pipeline.datasets import datasets
from pipeline.engines.duckdb import DuckDB
from pipeline.lake import Lake
from pipeline.upkeep import GAPS_TOLD, Hours, compact, forget, status, told, vacuum
from tests.azurite import ACCOUNT, Azurite
from tests.exports import (
    NETWORK,
    as_line,
    batch,
    blob,
    content,
    events,
    flow,
    ids,
    landed,
    line,
    metric,
    requests,
)

NOW = datetime(2026, 3, 20, tzinfo=UTC)
WEEK = timedelta(days=7)


def days(source: Path) -> Path:
    """Requests of three days, a blob and a run each; flows and metrics of one."""
    for day in (1, 2, 3):
        at = [line(10 * day + n, time=f"2026-03-0{day}T0{n}:10:00Z") for n in (1, 2, 5)]
        blob(source / f"{day}.json", b"\n".join(at) + b"\n" + b"garbage\n")
    blob(source / "flows.json", batch(flow(1), flow(2)))
    blob(source / "metrics.json.gz", gzip.compress(as_line(metric(1))))
    return source


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of many small files and what is landed in it, and a copy of both."""
    home = tmp_path_factory.mktemp("kept")
    source, lake = days(home / "now" / "in"), home / "now" / "lake"
    for each in sorted(source.iterdir()):
        landed(each, lake)
    for number in range(3):
        blob(source / f"more-{number}.json", line(90 + number, time="2026-03-02T09:00:00Z") + b"\n")
        landed(source, lake)
    shutil.copytree(home / "now", home / "then")
    return home


@pytest.fixture
def filled(kept: Path) -> tuple[Path, Path]:
    """The source and the lake as they were made, where they were made: a lake names its blobs."""
    shutil.rmtree(kept / "now")
    shutil.copytree(kept / "then", kept / "now")
    return kept / "now" / "in", kept / "now" / "lake"


def aged(lake: Path, days: float) -> None:
    """Makes all files of a lake look as old as that."""
    then = datetime.now(UTC).timestamp() - days * 86_400
    for each in lake.rglob("*"):
        if each.is_file():
            os.utime(each, (then, then))


def parquet(lake: Path, name: str) -> set[str]:
    return {
        each.relative_to(lake).as_posix()
        for each in (lake / name).rglob("*.parquet*")
        if "_delta_log" not in each.parts
    }


def committed(lake: Path, name: str) -> set[str]:
    return {Path(each).relative_to(lake).as_posix() for each in Lake(lake).files(name)}


def test_status_tells_size_hours_and_gaps_of_each_resource(tmp_path: Path) -> None:
    blob(
        tmp_path / "in" / "a.json",
        b"".join(line(n, time=f"2026-03-10T{n:02}:30:00Z") + b"\n" for n in (1, 2, 5, 9)),
    )
    blob(tmp_path / "in" / "b.json", line(7, resourceId="/OTHER") + b"\n" + line(8)[:80])
    blob(tmp_path / "in" / "c.json", batch(flow(1)))
    landed(tmp_path / "in", tmp_path / "lake")
    states = {each.dataset: each for each in status(Lake(tmp_path / "lake"), DuckDB())}
    assert states.keys() == {"requests", "flows", "landings", "activity", "minutes"}
    of_requests = states["requests"]
    assert (of_requests.rows, of_requests.files) == (5, 1)
    assert of_requests.bytes > 1000
    gateway, other = sorted(of_requests.coverage, key=lambda each: -each.rows)
    assert gateway.resource_id != other.resource_id == "/other"
    assert (gateway.rows, other.rows, other.gaps) == (4, 1, ())
    day = datetime(2026, 3, 10)
    assert (gateway.first, gateway.last) == (day + timedelta(hours=1), day + timedelta(hours=9))
    assert gateway.gaps == (
        Hours(day + timedelta(hours=3), day + timedelta(hours=4)),
        Hours(day + timedelta(hours=6), day + timedelta(hours=8)),
    )
    (network,) = states["flows"].coverage
    assert network.resource_id == NETWORK.lower()
    assert states["landings"].coverage == ()


def test_status_is_told_to_people_with_some_of_the_gaps(tmp_path: Path) -> None:
    hours = range(0, 2 * GAPS_TOLD + 4, 2)
    text = b"".join(line(n, time=f"2026-03-10T{n:02}:30:00Z") + b"\n" for n in hours)
    blob(tmp_path / "in" / "a.json", text)
    landed(tmp_path / "in", tmp_path / "lake")
    said = "\n".join(told(status(Lake(tmp_path / "lake"), DuckDB())))
    assert f"requests: {len(hours)} rows in 1 file" in said
    assert "2026-03-10T00:00 to 2026-03-10T13:00 UTC" in said
    assert "no rows from 2026-03-10T01:00 to 2026-03-10T02:00, " in said
    assert "and 1 more (--json tells all)" in said


def test_an_empty_lake_has_no_status(tmp_path: Path) -> None:
    assert [*status(Lake(tmp_path / "lake"), DuckDB())] == []


def test_compacting_keeps_rows_and_marks(filled: tuple[Path, Path]) -> None:
    source, lake = filled
    held = content(lake)
    done = {each.dataset: each for each in compact(Lake(lake))}
    assert (done["requests"].before, done["requests"].after) == (6, 3)
    assert (done["landings"].before, done["landings"].after) == (8, 1)
    assert content(lake) == held
    # Marks and ledger: nothing is read again, and what grew is read from where it ended.
    assert landed(source, lake).skipped == len([*source.iterdir()])
    grew = source / "1.json"
    blob(grew, grew.read_bytes() + line(70, time="2026-03-01T09:00:00Z") + b"\n")
    landing = landed(source, lake)
    assert (landing.lines, landing.duplicates, landing.rows) == (1, 0, {"requests": 1})


def test_compacting_twice_changes_nothing(filled: tuple[Path, Path]) -> None:
    _, lake = filled
    list(compact(Lake(lake)))
    files = {name: Lake(lake).files(name) for name in datasets()}
    assert all(each.before == each.after for each in compact(Lake(lake)))
    assert {name: Lake(lake).files(name) for name in datasets()} == files


def test_a_copy_is_known_after_compaction(filled: tuple[Path, Path], tmp_path: Path) -> None:
    source, lake = filled
    list(compact(Lake(lake)))
    blob(tmp_path / "copy" / "x.json", (source / "2.json").read_bytes())
    landing = landed(tmp_path / "copy", lake)
    assert (landing.duplicates, landing.rows.total()) == (3, 0)


def test_vacuum_removes_what_was_merged_and_what_killed_runs_left_and_nothing_younger(
    filled: tuple[Path, Path],
) -> None:
    source, lake = filled
    list(compact(Lake(lake)))
    merged = parquet(lake, "requests") - committed(lake, "requests")
    assert len(merged) == 4  # of the day with one file, nothing was merged
    folder = lake / "requests" / "date=2026-03-01"
    orphan = f"part-{uuid4()}.zstd.parquet"
    left = [orphan, f"{orphan}#1", "part-0-x.parquet.part"]
    for name in left:
        blob(folder / name, b"x")
    aged(lake, days=9)
    young = [f"part-{uuid4()}.zstd.parquet", f"part-{uuid4()}.zstd.parquet#1"]
    for name in young:
        blob(folder / name, b"x")
    held = content(lake)
    # Delta tells the age of merged files by the moment of the merge, which was now.
    done = {each.dataset: each for each in vacuum(Lake(lake), WEEK, datetime.now(UTC))}
    assert merged < parquet(lake, "requests")
    assert done["requests"].removed == len(left)
    assert not [name for name in left if (folder / name).exists()]
    assert all((folder / name).exists() for name in young)
    list(vacuum(Lake(lake), timedelta(0), datetime.now(UTC) + timedelta(days=2)))
    assert parquet(lake, "requests") == committed(lake, "requests")
    assert content(lake) == held
    assert landed(source, lake).skipped == len([*source.iterdir()])


def test_vacuum_of_a_sound_lake_removes_nothing(filled: tuple[Path, Path]) -> None:
    _, lake = filled
    aged(lake, days=9)
    held = content(lake)
    assert {each.removed for each in vacuum(Lake(lake), WEEK, datetime.now(UTC))} == {0}
    assert content(lake) == held


def test_what_was_forgotten_is_gone_and_is_not_landed_again(filled: tuple[Path, Path]) -> None:
    source, lake = filled
    done = {each.dataset: each for each in forget(Lake(lake), date(2026, 3, 3))}
    assert done["requests"].rows == 9
    assert {"landings", "quarantine"} & done.keys() == set()
    assert ids(lake) == ["c31", "c32", "c35"]
    again = Lake(lake)
    assert len(again.files("landings")) == 8
    from pipeline.land import land

    assert land([str(source)], again).skipped == len([*source.iterdir()])
    assert ids(lake) == ["c31", "c32", "c35"]
    grew = source / "1.json"
    blob(grew, grew.read_bytes() + line(71, time="2026-03-04T09:00:00Z") + b"\n")
    land([str(source)], Lake(lake))
    assert ids(lake) == ["c31", "c32", "c35", "c71"]
    list(vacuum(Lake(lake), timedelta(0), datetime.now(UTC) + timedelta(days=2)))
    assert {Path(each).parent.name for each in parquet(lake, "requests")} == {
        "date=2026-03-03",
        "date=2026-03-04",
    }


def test_forgetting_twice_or_nothing_drops_no_row(filled: tuple[Path, Path]) -> None:
    _, lake = filled
    held = content(lake)
    assert {each.rows for each in forget(Lake(lake), date(2020, 1, 1))} == {0}
    assert content(lake) == held
    list(forget(Lake(lake), date(2026, 3, 3)))
    assert {each.rows for each in forget(Lake(lake), date(2026, 3, 3))} == {0}


def test_a_lake_on_azure_is_kept_like_one_in_a_folder(
    azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection_string)
    container = azurite.container()
    lake = f"az://{ACCOUNT}/{container.container_name}/lake"
    source = days(tmp_path / "in")
    for each in sorted(source.iterdir()):
        landed(each, lake)
    blob(source / "more.json", line(90, time="2026-03-02T09:00:00Z") + b"\n")
    landed(source, lake)
    held = events(lake)
    container.upload_blob("lake/requests/date=2026-03-01/part-0.parquet#1", b"x")
    done = {each.dataset: each for each in compact(Lake(lake))}
    assert (done["requests"].before, done["requests"].after) == (4, 3)
    later = datetime.now(UTC) + timedelta(days=2)
    removed = Counter(
        {each.dataset: each.removed for each in vacuum(Lake(lake), timedelta(0), later)}
    )
    assert removed["requests"] == 3
    names = {each.name for each in container.list_blobs("lake/requests/date=")}
    assert names == {each.split("/", 4)[4] for each in Lake(lake).files("requests")}
    assert events(lake) == held
    assert landed(source, lake).skipped == len([*source.iterdir()])
    states = {each.dataset: each for each in status(Lake(lake), DuckDB())}
    assert (states["requests"].rows, states["requests"].files) == (10, 3)
    forgotten = {each.dataset: each.rows for each in forget(Lake(lake), date(2026, 3, 3))}
    assert forgotten["requests"] == 7
    assert [row["correlation_id"] for row in requests(lake)] == ["c31", "c32", "c35"]
