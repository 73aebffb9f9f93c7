"""What of the blobs is new is planned by what the ledger and the marks say of them."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import claim
from pipeline.engines.duckdb import DuckDB
from pipeline.lake import Lake
from pipeline.plan import Plan, Planner
from pipeline.storage import blobs
from tests.exports import batch, blob, flow, landed, lines


def planned(source: Path, lake: Path) -> Plan:
    return Planner(Lake(lake), DuckDB(threads=1)).plan(blobs(str(source)))


def test_new_blobs_are_read_from_their_start_those_of_a_format_together(tmp_path: Path) -> None:
    blob(tmp_path / "in" / "a.json", batch(flow(1)))
    blob(tmp_path / "in" / "b.json", lines(1))
    blob(tmp_path / "in" / "c.json.gz", gzip.compress(lines(2)))
    blob(tmp_path / "in" / "d.txt", b"words")
    blob(tmp_path / "in" / "e.json", b"")
    plan = planned(tmp_path / "in", tmp_path / "lake")
    found = [(Path(each.blob.name).name, each.packed, each.from_offset) for each in plan.readings]
    assert found == [("b.json", False, 0), ("c.json.gz", True, 0), ("a.json", False, 0)]
    assert {Path(name).name: why for name, why in plan.unclaimed.items()} == {
        "d.txt": "no format claims it",
        "e.json": "is empty",
    }


def test_a_blob_that_grew_is_read_from_there_and_one_that_did_not_is_skipped(
    tmp_path: Path,
) -> None:
    grew = blob(tmp_path / "in" / "a.json", lines(1, 2))
    same = blob(tmp_path / "in" / "b.json", lines(3))
    landed(tmp_path / "in", tmp_path / "lake")
    blob(grew, lines(1, 2, 3))
    plan = planned(tmp_path / "in", tmp_path / "lake")
    (reading,) = plan.readings
    assert (reading.from_offset, reading.first_position) == (len(lines(1, 2)), 3)
    assert not reading.again
    assert plan.skipped == {str(same): "requests"}


def test_a_blob_that_was_rewritten_is_read_again_as_another_generation(tmp_path: Path) -> None:
    file = blob(tmp_path / "in" / "a.json", lines(1, 2))
    landed(file, tmp_path / "lake")
    blob(file, lines(4, 5, 6))
    (reading,) = planned(file, tmp_path / "lake").readings
    assert (reading.generation, reading.from_offset, reading.again) == (1, 0, True)


def test_formats_are_made_ready_before_threads_share_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # msgspec ends the process (a segmentation fault) where two threads get to know a type at once.
    blob(tmp_path / "in" / "a.json", lines(1))
    told: list[str] = []
    for function in (claim.ready, claim.claimed):

        def noting(*words: Any, function: Callable[..., Any] = function) -> Any:
            told.append(function.__name__)
            return function(*words)

        monkeypatch.setattr(f"pipeline.plan.{function.__name__}", noting)
    planned(tmp_path / "in", tmp_path / "lake")
    assert told == ["ready", "claimed"]
