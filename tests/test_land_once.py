"""However runs end, and whatever others do meanwhile: each record is in the lake once."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.lake import Lake
from pipeline.land import land
from tests import kills
from tests.exports import (
    as_line,
    assert_sound,
    batch,
    blob,
    change,
    content,
    events,
    flow,
    ids,
    landed,
    line,
    lines,
    record,
    requests,
    rows,
)
from tests.kills import Place, assert_same, export, grown

STEPS = (
    *("changes", "flows", "metrics", "requests", "quarantine", "landings"),
    *("activity", "minutes"),
)


class StoppedError(Exception):
    """What stands for the end of a run in the tests below."""


def stopped(source: Path, lake: Path, before: str) -> None:
    """A run that ends when it comes to one table of the lake."""
    append, commit = Lake.append, Lake.commit

    def stopping(function: Callable[..., Any]) -> Callable[..., Any]:
        def done(home: Lake, name: str, *told: Any) -> Any:
            if name == before:
                raise StoppedError
            return function(home, name, *told)

        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lake, "append", stopping(append))
        patch.setattr(Lake, "commit", stopping(commit))
        with pytest.raises(StoppedError):
            land([str(source)], Lake(lake))


@dataclass(frozen=True, slots=True)
class Calm:
    """An export, and lakes that took it in undisturbed."""

    source: Path
    begun: Path
    whole: Path
    grown: Path

    def exported(self) -> Path:
        """The export as it was before it grew."""
        shutil.rmtree(self.source)
        return export(self.source)

    def longer(self) -> None:
        """The export grows, and gets another blob."""
        grown(self.source)
        blob(self.source / "d.json", lines(8, 10))


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    """One for all tests of stopped runs: lakes name the blobs, so the export stays where it is."""
    home = tmp_path_factory.mktemp("calm")
    made = Calm(*(home / name for name in ("in", "begun", "whole", "grown")))
    first = export(made.source) / "a.json"
    whole = first.read_bytes()
    blob(first, whole[: len(whole) // 2])
    blob(made.source / "flows.json", batch(flow(1)))
    blob(made.source / "metrics.json", (made.source / "metrics.json").read_bytes()[:600])
    landed(made.source, made.begun)
    landed(made.exported(), made.whole)
    made.longer()
    landed(made.source, made.grown)
    return made


@pytest.mark.parametrize("before", STEPS)
def test_a_run_that_stopped_between_two_tables_heals_at_the_next(
    before: str, calm: Calm, tmp_path: Path
) -> None:
    source = calm.exported()
    stopped(source, tmp_path / "lake", before)
    landed(source, tmp_path / "lake")
    assert content(tmp_path / "lake") == content(calm.whole)


@pytest.mark.parametrize("before", STEPS)
@pytest.mark.parametrize("earlier", [False, True])
def test_a_stopped_run_heals_though_its_blobs_grew_since(
    before: str, earlier: bool, calm: Calm, tmp_path: Path
) -> None:
    if earlier:
        shutil.copytree(calm.begun, tmp_path / "lake")
    stopped(calm.exported(), tmp_path / "lake", before)
    calm.longer()
    landed(calm.source, tmp_path / "lake")
    landed(calm.source, tmp_path / "lake")
    assert_same(tmp_path / "lake", calm.grown)


def test_healing_and_what_the_blob_grew_by_take_one_run(tmp_path: Path) -> None:
    file = blob(tmp_path / "in" / "a.json", lines(1, 2))
    stopped(file, tmp_path / "lake", before="landings")
    blob(file, lines(1, 2, 3) + line(4)[:50])
    landing = landed(file, tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c1", "c2", "c3"]
    assert (landing.seen, landing.read, landing.lines, landing.pending) == (1, 1, 4, 1)
    positions = {row["correlation_id"]: row["position"] for row in requests(tmp_path / "lake")}
    assert positions == {"c1": 1, "c2": 2, "c3": 3}


def test_healing_a_document_and_what_it_grew_by_take_one_run(tmp_path: Path) -> None:
    file = blob(tmp_path / "in" / "a.json", batch(flow(1), flow(2)))
    stopped(file, tmp_path / "lake", before="landings")
    blob(file, batch(flow(1), flow(2), flow(3)))
    landing = landed(file, tmp_path / "lake")
    found = {(row["position"], row["item"]) for row in rows(tmp_path / "lake", "flows")}
    assert found == {(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)}
    assert (landing.read, landing.lines, landing.duplicates) == (1, 6, 0)


def test_a_rewritten_blob_whose_run_was_stopped_heals(tmp_path: Path) -> None:
    file = blob(tmp_path / "in" / "a.json", batch(record(1), record(2)))
    landed(file, tmp_path / "lake")
    blob(file, batch(record(3), record(2)))
    stopped(file, tmp_path / "lake", before="landings")
    land([str(file)], Lake(tmp_path / "lake"))
    assert ids(tmp_path / "lake") == ["c1", "c2", "c3"]
    assert land([str(file)], Lake(tmp_path / "lake")).skipped == 1


@dataclass(slots=True)
class Overtaken(Lake):
    """A lake in which something else happens just before the first commit of this run."""

    first: Callable[[], object] | None = None

    def _happens(self) -> None:
        first, self.first = self.first, None
        if first:
            first()

    def told_apart(self, *told: Any) -> Any:
        self._happens()
        return Lake.told_apart(self, *told)


@pytest.mark.parametrize("before", ["quarantine", "landings"])
def test_a_blob_rewritten_after_its_run_was_stopped_loses_nothing(
    before: str, tmp_path: Path
) -> None:
    file = blob(tmp_path / "in" / "a.json", lines(1, 2) + b"garbage\n")
    stopped(file, tmp_path / "lake", before)
    blob(file, lines(2, 3) + b"rubbish\n" + lines(4))
    # What the stopped run put there, the ledger does not tell: its lines are not there any more.
    land([str(file)], Lake(tmp_path / "lake"))
    assert ids(tmp_path / "lake") == ["c1", "c2", "c3", "c4"]
    assert land([str(file)], Lake(tmp_path / "lake")).skipped == 1


def test_a_document_rewritten_after_its_run_was_stopped_loses_nothing(tmp_path: Path) -> None:
    file = blob(tmp_path / "in" / "a.json", b"[" + line(1) + b"," + line(2) + b"]")
    stopped(file, tmp_path / "lake", "landings")
    blob(file, b"[" + line(2) + b"," + line(3) + b"," + line(4) + b"]")
    land([str(file)], Lake(tmp_path / "lake"))
    assert ids(tmp_path / "lake") == ["c1", "c2", "c3", "c4"]


def test_a_run_overtaken_by_one_that_saw_less_of_a_blob_doubles_nothing(tmp_path: Path) -> None:
    file = blob(tmp_path / "in" / "a.json", lines(1, 2, 3) + b"garbage\n" + lines(4))

    def shorter() -> None:
        whole = file.read_bytes()
        blob(file, lines(1, 2))
        landed(file, tmp_path / "lake")
        blob(file, whole)

    land([str(file)], Overtaken(tmp_path / "lake", first=shorter))
    landed(file, tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c1", "c2", "c3", "c4"]


def test_a_run_overtaken_by_one_that_saw_more_of_a_blob_doubles_nothing(tmp_path: Path) -> None:
    file = blob(tmp_path / "in" / "a.json", lines(1, 2))

    def longer() -> None:
        blob(file, lines(1, 2, 3) + b"garbage\n" + lines(4))
        landed(file, tmp_path / "lake")

    land([str(file)], Overtaken(tmp_path / "lake", first=longer))
    landed(file, tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c1", "c2", "c3", "c4"]


@pytest.mark.parametrize("document", [False, True])
def test_a_run_overtaken_in_a_blob_of_many_batches_leaves_no_gap(
    document: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The other run saw less, and so cut the blob elsewhere: what this one reads behind that place
    # must not move the mark over what neither has landed.
    monkeypatch.setattr("pipeline.storage.FILE_CHUNK_BYTES", 512)
    for name in ("MOST_BATCH_BYTES", "LEAST_BATCH_BYTES"):
        monkeypatch.setattr(f"pipeline.land.{name}", 1500)
    numbers = range(40)
    whole = batch(*map(record, numbers)) if document else lines(*numbers)
    fewer = batch(*map(record, numbers[:2])) if document else lines(*numbers[:2])
    file = blob(tmp_path / "in" / "a.json", whole)

    def shorter() -> None:
        blob(file, fewer)
        landed(file, tmp_path / "lake")
        blob(file, whole)

    land([str(file)], Overtaken(tmp_path / "lake", first=shorter))
    assert_sound(tmp_path / "lake")
    landed(file, tmp_path / "lake")
    assert ids(tmp_path / "lake") == sorted(f"c{each}" for each in numbers)


def test_a_run_overtaken_in_one_table_leaves_that_blob_out_of_the_others_too(
    tmp_path: Path,
) -> None:
    whole = as_line(change(1)) + as_line(change(2)) + as_line(flow(1)) + lines(1)
    file = blob(tmp_path / "in" / "a.json", whole)
    blob(tmp_path / "in" / "b.json", as_line(change(3)) + as_line(flow(3)))

    def shorter() -> None:
        blob(file, as_line(change(1)))
        landed(file, tmp_path / "lake")
        blob(file, whole)

    land([str(tmp_path / "in")], Overtaken(tmp_path / "lake", first=shorter))
    assert_sound(tmp_path / "lake")
    landed(tmp_path / "in", tmp_path / "lake")
    landed(tmp_path / "in", tmp_path / "undisturbed")
    assert events(tmp_path / "lake") == events(tmp_path / "undisturbed")


def test_a_run_overtaken_by_one_with_other_blobs_of_the_same_events_doubles_none(
    tmp_path: Path,
) -> None:
    mine = blob(tmp_path / "mine" / "a.json", lines(1, 2, 3) + batch(flow(1), flow(2)) + b"\n")
    theirs = blob(tmp_path / "theirs" / "b.json", lines(2, 4, 3) + batch(flow(2)) + b"\n")
    land(
        [str(mine)],
        Overtaken(tmp_path / "lake", first=lambda: landed(theirs, tmp_path / "lake")),
    )
    assert_sound(tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c1", "c2", "c3", "c4"]
    assert len(rows(tmp_path / "lake", "flows")) == 4


def test_a_file_that_was_never_committed_holds_no_rows(tmp_path: Path) -> None:
    source = export(tmp_path / "in")
    stopped(source, tmp_path / "lake", before="requests")
    orphans = [*(tmp_path / "lake" / "requests").rglob("*.parquet")]
    assert orphans
    assert requests(tmp_path / "lake") == []
    landed(source, tmp_path / "lake")
    assert not {*map(str, orphans)} & {*Lake(tmp_path / "lake").files("requests")}
    assert_sound(tmp_path / "lake")


# --- real processes -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ground:
    """A place with an export, and what came of it undisturbed: lake, points on the way, time."""

    place: Place
    source: str
    wanted: str
    points: int
    took_s: float

    @classmethod
    def of(cls, place: Place) -> "Ground":
        source = place.source()
        return cls(place, source, *kills.undisturbed(source))


@pytest.fixture(scope="module")
def here() -> Iterator[Ground]:
    with kills.at("local") as place:
        yield Ground.of(place)


@pytest.fixture(scope="module")
def there(azurite: Any) -> Iterator[Ground]:
    with kills.at("azurite", azurite) as place:
        yield Ground.of(place)


# Where each costs most of ten seconds on Azure, `make kills` does it there, and many times.
@pytest.fixture(params=["here", "there"])
def ground(request: pytest.FixtureRequest) -> Ground:
    found: Ground = request.getfixturevalue(request.param)
    return found


def test_runs_killed_at_one_point_after_the_other_lose_and_double_nothing(ground: Ground) -> None:
    assert ground.points > 100
    place, source, wanted = ground.place, ground.source, ground.wanted
    assert kills.killed_at_every_point_in_turn(place, source, wanted, step=7) > 7


def test_a_run_killed_from_outside_heals_at_the_next(here: Ground) -> None:
    for share in (0.4, 0.8):
        after_s = here.took_s * share
        kills.killed_sometime(here.place, here.source, here.wanted, after_s)


def test_two_runs_at_once_lose_nothing_and_double_nothing(ground: Ground) -> None:
    place, source, wanted = ground.place, ground.source, ground.wanted
    kills.two_at_once(place, source, wanted)
    kills.two_at_once(place, source, wanted, killed_after_s=ground.took_s / 2)


def test_two_runs_at_once_whose_blobs_share_records_double_none(here: Ground) -> None:
    kills.two_that_share_records(here.place)


def test_what_a_killed_run_was_about_may_grow_before_the_next(here: Ground) -> None:
    kills.killed_then_grown(here.place, point=40)
