"""The port history is counted once from each row, however runs end, and outlives the rows."""

from datetime import date
from pathlib import Path

import pytest

from pipeline import land as landing
from pipeline.lake import Lake
from pipeline.roll_up import keep_up, lag, rebuild
from pipeline.upkeep import compact, forget
from tests.azurite import ACCOUNT, Azurite
from tests.exports import (
    assert_sound,
    blob,
    counts,
    landed,
    line,
    lines,
    minutes,
    minutes_recounted,
    recounted,
)


class StoppedError(Exception):
    """What stands for the end of a run in the tests below."""


def of_days(*days: int) -> bytes:
    """Two requests of each day of March."""
    return b"".join(
        line(10 * day + hour, time=f"2026-03-{day:02}T{hour:02}:10:00Z") + b"\n"
        for day in days
        for hour in (1, 23)
    )


def uncounted(source: Path, lake: Path) -> None:
    """A run that ends when the rows are there, and are not counted yet."""

    def stopped(_: Lake) -> None:
        raise StoppedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landing, "keep_up", stopped)
        with pytest.raises(StoppedError):
            landed(source, lake)


def test_a_run_counts_the_calls_of_what_it_landed(tmp_path: Path) -> None:
    landed(blob(tmp_path / "in" / "a.json", lines(1, 2, 3)), tmp_path / "lake")
    found = counts(tmp_path / "lake")
    assert found.total() == 6
    assert {(kind[0], kind[5], kind[6], kind[8]) for kind in found} == {
        ("started", "stock.contoso.example", 443, "other"),
        ("ended", "stock.contoso.example", 443, "other"),
    }
    assert found == recounted(tmp_path / "lake")


def test_what_is_landed_again_or_told_twice_is_not_counted_again(tmp_path: Path) -> None:
    source = tmp_path / "in"
    blob(source / "a.json", lines(1, 2, 1))
    landed(source, tmp_path / "lake")
    landed(source, tmp_path / "lake")
    blob(source / "a.json", lines(1, 2, 1, 4))
    blob(source / "b.json", lines(2, 3))
    landed(source, tmp_path / "lake")
    assert counts(tmp_path / "lake").total() == 8
    assert_sound(tmp_path / "lake")


@pytest.mark.parametrize("gone", [False, True])
def test_what_a_stopped_run_did_not_count_the_next_one_does(gone: bool, tmp_path: Path) -> None:
    """Though the blob may be gone by then: rows are counted, not blobs."""
    source = tmp_path / "in"
    first = blob(source / "a.json", lines(1, 2))
    uncounted(source, tmp_path / "lake")
    assert counts(tmp_path / "lake").total() == 0
    if gone:
        first.unlink()
    blob(source / "b.json", lines(3))
    landed(source, tmp_path / "lake")
    assert counts(tmp_path / "lake").total() == 6
    assert_sound(tmp_path / "lake")


def test_a_run_that_has_nothing_to_land_counts_what_was_left(tmp_path: Path) -> None:
    source = blob(tmp_path / "in" / "a.json", lines(1, 2))
    uncounted(source, tmp_path / "lake")
    landed(source, tmp_path / "lake")
    assert counts(tmp_path / "lake").total() == 4


def test_two_that_count_the_same_rows_count_them_once(tmp_path: Path) -> None:
    uncounted(blob(tmp_path / "in" / "a.json", lines(1, 2)), tmp_path / "lake")
    one, other = Lake(tmp_path / "lake"), Lake(tmp_path / "lake")
    assert lag(one) == lag(other) > 0
    keep_up(one)
    keep_up(other)
    assert lag(one) == lag(other) == 0
    assert counts(tmp_path / "lake").total() == 4


def test_one_that_is_overtaken_while_it_counts_looks_again(tmp_path: Path) -> None:
    uncounted(blob(tmp_path / "in" / "a.json", lines(1, 2)), tmp_path / "lake")
    told_apart = Lake.told_apart
    turns = []

    def overtaken(home: Lake, name: str, spans: object) -> object:
        found = told_apart(home, name, spans)  # type: ignore[arg-type]
        turns.append(name)
        if turns.count("activity") == 1:
            keep_up(Lake(tmp_path / "lake"))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lake, "told_apart", overtaken)
        keep_up(Lake(tmp_path / "lake"))
    assert turns.count("activity") > 1
    assert counts(tmp_path / "lake").total() == 4


def test_files_merged_before_they_were_counted_are_counted_once(tmp_path: Path) -> None:
    source = tmp_path / "in"
    for number in (1, 2, 3):
        blob(source / f"{number}.json", lines(number))
        landed(source, tmp_path / "lake")
    blob(source / "4.json", lines(4))
    uncounted(source, tmp_path / "lake")
    list(compact(Lake(tmp_path / "lake")))
    landed(blob(source / "5.json", lines(5)), tmp_path / "lake")
    assert counts(tmp_path / "lake").total() == 10
    assert_sound(tmp_path / "lake")


def test_the_port_history_outlives_the_rows(tmp_path: Path) -> None:
    landed(blob(tmp_path / "in" / "a.json", of_days(1, 2, 3)), tmp_path / "lake")
    before = counts(tmp_path / "lake")
    done = {each.dataset: each.rows for each in forget(Lake(tmp_path / "lake"), date(2026, 3, 3))}
    assert done["requests"] == 4
    assert "activity" not in done
    assert counts(tmp_path / "lake") == before


def test_requests_by_minute_outlive_the_rows_and_their_callers_do_not(tmp_path: Path) -> None:
    landed(blob(tmp_path / "in" / "a.json", of_days(1, 2, 3)), tmp_path / "lake")
    before = minutes(tmp_path / "lake")
    assert before == minutes_recounted(tmp_path / "lake")
    list(forget(Lake(tmp_path / "lake"), date(2026, 3, 3)))
    after = minutes(tmp_path / "lake")
    assert after.total() == before.total()
    named = {(kind[1], kind[-1]) for kind in after}
    assert named == {
        (date(2026, 3, 1), None),
        (date(2026, 3, 2), None),
        (date(2026, 3, 3), "198.51.100.22"),
    }
    landing.land([str(blob(tmp_path / "in" / "b.json", of_days(4)))], Lake(tmp_path / "lake"))
    assert minutes(tmp_path / "lake").total() > before.total()


def test_the_port_history_goes_with_the_rows_if_it_is_to(tmp_path: Path) -> None:
    landed(blob(tmp_path / "in" / "a.json", of_days(1, 2, 3)), tmp_path / "lake")
    list(forget(Lake(tmp_path / "lake"), date(2026, 3, 3), port_history=True))
    assert counts(tmp_path / "lake") == recounted(tmp_path / "lake")


def test_counting_again_keeps_what_was_counted_of_days_forgotten(tmp_path: Path) -> None:
    landed(blob(tmp_path / "in" / "a.json", of_days(1, 2, 3)), tmp_path / "lake")
    before = counts(tmp_path / "lake")
    list(forget(Lake(tmp_path / "lake"), date(2026, 3, 2)))
    for _ in range(2):
        assert rebuild(Lake(tmp_path / "lake")) == 2
        assert counts(tmp_path / "lake") == before
    landing.land([str(blob(tmp_path / "in" / "b.json", of_days(4)))], Lake(tmp_path / "lake"))
    assert counts(tmp_path / "lake").total() == before.total() + 4


def test_where_the_log_was_cleaned_up_since_all_is_counted_again(tmp_path: Path) -> None:
    source = tmp_path / "in"
    for number in (1, 2):
        blob(source / f"{number}.json", lines(number))
        landed(source, tmp_path / "lake")
    blob(source / "3.json", lines(3))
    uncounted(source, tmp_path / "lake")
    lake = Lake(tmp_path / "lake")
    table = lake.table("requests")
    assert table
    table.create_checkpoint()
    for log in (tmp_path / "lake" / "requests" / "_delta_log").glob("0*.json"):
        log.unlink()
    keep_up(Lake(tmp_path / "lake"))
    assert counts(tmp_path / "lake").total() == 6


def test_a_lake_without_requests_has_nothing_to_count(tmp_path: Path) -> None:
    keep_up(Lake(tmp_path / "lake"))
    assert not (tmp_path / "lake" / "activity").exists()


def test_a_lake_on_azure_counts_as_well(
    tmp_path: Path, azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection_string)
    lake = f"az://{ACCOUNT}/{azurite.container().container_name}/lake"
    landed(blob(tmp_path / "in" / "a.json", of_days(1, 2)), lake)
    landed(blob(tmp_path / "in" / "b.json", of_days(3)), lake)
    assert counts(lake).total() == 12
