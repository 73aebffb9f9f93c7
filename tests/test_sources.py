"""Each format lands its cases: tests/sources/<name>.toml, a blob in, rows and refusals out."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.datasets import datasets
from pipeline.lake import Lake
from pipeline.land import land
from pipeline.landed import Landing
from pipeline.sources import sources
from tests import tables

CASES = Path(__file__).parent / "sources"


SAMPLES = Path(__file__).parents[1] / "data" / "samples" / "real"
KEYS = {
    *("about", "begins", "newline", "lines", "document", "sample"),
    *("rows", "count", "duplicates", "refused", "set_aside"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A blob, and what becomes of it: each record's items are rows, told before, refused or aside.

    ``rows`` is a table of them; where it would be too long, ``count`` tells their number.
    """

    source: str
    about: str
    blob: bytes
    rows: str
    count: int | None
    duplicates: int
    refused: str
    set_aside: dict[str, int]

    def __str__(self) -> str:
        return f"{self.source}: {self.about}"


def cases(name: str) -> list[Case]:
    """The cases of a format."""
    said = tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"))
    return [
        Case(
            name,
            case["about"],
            _blob(case),
            case.get("rows", ""),
            case.get("count"),
            case.get("duplicates", 0),
            case.get("refused", ""),
            case.get("set_aside", {}),
        )
        for case in said["case"]
    ]


def _blob(case: dict[str, Any]) -> bytes:
    """``lines`` with ``begins`` before the first and ``newline`` after each; or a whole blob."""
    if "sample" in case:
        return Path(SAMPLES, case["sample"]).read_bytes()
    if "document" in case:
        return str(case["document"]).encode()
    newline: str = case.get("newline", "\n")
    lines = [line + newline for line in str(case["lines"]).strip().splitlines()]
    return (str(case.get("begins", "")) + "".join(lines)).encode()


def landed(blobs: list[bytes], folder: Path) -> tuple[Landing, Lake]:
    for hour, blob in enumerate(blobs):
        export = folder / "export" / f"h={hour:02}" / "m=00"
        export.mkdir(parents=True)
        (export / "PT1H.json").write_bytes(blob)
    lake = Lake(folder / "lake")
    return land([str(folder / "export")], lake), lake


def table(lake: Lake, name: str, columns: list[str]) -> tables.Rows:
    """Rows of a dataset as they stand in the lake, in the order of the lines."""
    files = lake.files(name)
    if not files:
        return []
    frame = pl.read_parquet(files, hive_partitioning=True).sort("blob", "position", "item")
    zoned = pl.selectors.datetime(time_zone="*")
    return frame.with_columns(zoned.dt.replace_time_zone(None)).select(columns).rows(named=True)


def expected(text: str, name: str) -> tables.Rows:
    return tables.rows(text, {each.name: each.type for each in datasets()[name].columns})


ALL = [case for name in sources() for case in cases(name)]


@pytest.mark.parametrize("case", ALL, ids=str)
def test_each_record_becomes_rows_or_is_refused_or_set_aside(case: Case, tmp_path: Path) -> None:
    landing, lake = landed([case.blob], tmp_path)
    assert (landing.unclaimed, landing.unreadable) == ({}, {})
    dataset = sources()[case.source].dataset
    for name, text in ((dataset, case.rows), ("quarantine", case.refused)):
        if name == dataset and case.count is not None and not text:
            continue
        columns = tables.header(text) or ["position", "item", "blob"]
        told = table(lake, name, columns)
        assert told == expected(text, name), tables.shown(columns, told)
    if case.count is not None:
        assert landing.rows == ({dataset: case.count} if case.count else {})
    assert landing.duplicates == case.duplicates
    assert dict(landing.set_aside) == case.set_aside
    assert landing.lines == (
        landing.rows.total()
        + landing.duplicates
        + landing.quarantined.total()
        + landing.set_aside.total()
        + landing.pending
    )


def test_a_byte_order_mark_costs_no_line_wherever_a_blob_comes_in_turn(tmp_path: Path) -> None:
    (case,) = (case for case in cases("apim_gateway_logs") if "before the first" in case.about)
    blobs = [case.blob.replace(b"10:00:00", b"10:00:0%d" % number) for number in range(3)]
    landing, lake = landed(blobs, tmp_path)
    assert landing.quarantined.total() == 0
    assert [row["time"] for row in table(lake, "requests", ["time"])] == [
        tables.moment(f"10:00:0{number}") for number in range(3)
    ]


def test_landing_what_was_landed_changes_nothing(tmp_path: Path) -> None:
    case = next(case for case in cases("apim_gateway_logs") if case.refused and case.rows)
    _, lake = landed([case.blob], tmp_path)
    before = {name: lake.files(name) for name in datasets()}
    again = land([str(tmp_path / "export")], Lake(tmp_path / "lake"))
    assert (again.lines, again.skipped) == (0, 1)
    assert {name: Lake(tmp_path / "lake").files(name) for name in datasets()} == before


@pytest.mark.parametrize("name", sources())
def test_a_format_has_cases_of_both_ends_of_the_story(name: str) -> None:
    assert any(case.rows for case in cases(name))
    assert any(case.refused for case in cases(name))


@pytest.mark.parametrize("name", sources())
def test_a_case_file_says_nothing_that_is_not_read(name: str) -> None:
    said = tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"))
    assert {key for case in said["case"] for key in case} <= KEYS
    assert set(said) == {"case"}


def test_no_case_file_is_left_without_a_format() -> None:
    assert {file.stem for file in CASES.glob("*.toml")} == set(sources())
