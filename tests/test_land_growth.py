"""A blob that grew, shrank or was rewritten since it was landed: what is new in it lands, once."""

import gzip
import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.datasets import datasets
from pipeline.lake import Lake
from pipeline.storage import Blob
from tests.drawn import BEHIND, EXAMPLES, Drawn, line_ends, pieces, thorough, told_by
from tests.exports import (
    as_line,
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
    metric,
    record,
    requests,
    rows,
)


@settings(thorough, max_examples=EXAMPLES // 2)
@given(
    st.lists(st.builds(Drawn, pieces, line_ends, st.booleans()), min_size=1, max_size=4),
    st.lists(st.floats(0, 1), min_size=1, max_size=2),
)
def test_blobs_landed_as_they_grow_equal_the_blobs_landed_whole(
    drawn: list[Drawn], cuts: list[float]
) -> None:
    texts = []
    for each in drawn:
        # What opens a blob says how it lies, so it stands there before anything is cut.
        sound = [piece for piece in each.pieces if not BEHIND.search(piece[1])]
        texts.append(Drawn([((), line(500)), *sound], each.end, each.ended).stored())
    first = len(line(500)) + 2
    with tempfile.TemporaryDirectory() as folder:
        source, whole, grown = (Path(folder) / name for name in ("in", "whole", "grown"))
        for share in [*sorted(cuts), 1]:
            for place, text in enumerate(texts):
                blob(source / str(place), text[: max(first, int(len(text) * share))])
            landed(source, grown)
        landed(source, whole)
        assert told_by(grown) == told_by(whole)
        assert content(grown)["quarantine"] == content(whole)["quarantine"]


def test_a_document_landed_as_it_grows_equals_the_document_landed_whole(tmp_path: Path) -> None:
    # Flow logs are block blobs: each minute's write puts a record before the closing brackets.
    records = [flow(each % 7, tuples=1 + each % 3) for each in range(12)] + [{"odd": 1}, flow(20)]
    for count in (1, 2, 2, 5, 13, 14):
        blob(tmp_path / "in" / "PT1H.json", batch(*records[:count]))
        landing = landed(tmp_path / "in", tmp_path / "lake")
    assert (landing.lines, landing.rows) == (2, {"flows": 2})
    landed(tmp_path / "in", tmp_path / "whole")
    assert content(tmp_path / "lake")["flows"] == content(tmp_path / "whole")["flows"]
    assert content(tmp_path / "lake")["quarantine"] == content(tmp_path / "whole")["quarantine"]
    ledger = rows(tmp_path / "lake", "landings")
    assert [(row["from_offset"], row["to_offset"], row["generation"]) for row in ledger] == [
        (0, 1, 0),
        (1, 2, 0),
        (2, 2, 0),
        (2, 5, 0),
        (5, 13, 0),
        (13, 14, 0),
    ]


def test_landing_twice_equals_landing_once(tmp_path: Path) -> None:
    text = lines(1, 2, 1) + b"garbage\n" + line(3, category="Other") + b"\n" + line(4)[:50]
    blob(tmp_path / "in" / "PT1H.json", text)
    blob(tmp_path / "in" / "packed.gz", gzip.compress(lines(5, 6)))
    blob(tmp_path / "in" / "flows.json", batch(flow(1), flow(2)))
    first = landed(tmp_path / "in", tmp_path / "lake")
    assert (first.lines, first.rows["requests"], first.duplicates) == (12, 4, 1)
    assert (first.set_aside, first.pending) == ({"Other": 1}, 1)
    held = content(tmp_path / "lake")
    files = {name: Lake(tmp_path / "lake").files(name) for name in datasets()}
    again = landed(tmp_path / "in", tmp_path / "lake")
    assert (again.read, again.skipped, again.lines) == (0, 3, 0)
    assert content(tmp_path / "lake") == held
    assert {name: Lake(tmp_path / "lake").files(name) for name in datasets()} == files


def test_a_folder_landed_in_two_halves_equals_the_folder_landed_whole(tmp_path: Path) -> None:
    for hour in range(4):
        text = lines(*range(10 * hour, 10 * hour + 10)) + b"garbage\n" + lines(9, 10 * hour)
        blob(tmp_path / "in" / f"h={hour}" / "PT1H.json", text)
    landed(tmp_path / "in", tmp_path / "whole")
    for half in ("h=[01]", "h=[23]"):
        landed(tmp_path / "in" / half, tmp_path / "halves")
    assert content(tmp_path / "halves") == content(tmp_path / "whole")


def test_a_blob_that_grew_is_read_from_where_it_ended(tmp_path: Path) -> None:
    start = lines(1, 2) + b"garbage\n"
    file = blob(tmp_path / "in" / "PT1H.json", start + line(3)[:80])
    first = landed(tmp_path / "in", tmp_path / "lake")
    assert first.pending == 1
    blob(file, start + lines(3, 4))
    second = landed(tmp_path / "in", tmp_path / "lake")
    assert (second.lines, second.rows["requests"], second.pending) == (2, 2, 0)
    found = [(row["correlation_id"], row["position"]) for row in requests(tmp_path / "lake")]
    assert found == [("c1", 1), ("c2", 2), ("c3", 4), ("c4", 5)]
    spans = [(row["from_offset"], row["to_offset"]) for row in rows(tmp_path / "lake", "landings")]
    assert spans == [(0, len(start)), (len(start), len(start + lines(3, 4)))]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b" \r\n"])
def test_a_last_line_without_its_end_is_a_row_and_is_not_doubled_when_the_end_comes(
    end: bytes, tmp_path: Path
) -> None:
    file = blob(tmp_path / "in" / "PT1H.json", line(1) + end + line(2))
    first = landed(tmp_path / "in", tmp_path / "lake")
    assert (first.rows["requests"], first.pending) == (2, 0)
    blob(file, line(1) + end + line(2) + end + line(3) + end)
    landed(tmp_path / "in", tmp_path / "lake")
    found = [(row["correlation_id"], row["position"]) for row in requests(tmp_path / "lake")]
    assert found == [("c1", 1), ("c2", 2), ("c3", 3)]


def test_a_blob_that_grew_by_garbage_or_half_a_line_only_stops_nobody(tmp_path: Path) -> None:
    file = blob(tmp_path / "in" / "a.json", lines(1))
    half = blob(tmp_path / "in" / "b.json", lines(2))
    landed(tmp_path / "in", tmp_path / "lake")
    blob(file, lines(1) + b"garbage\n")
    blob(half, lines(2) + line(3)[:70])
    blob(tmp_path / "in" / "c.json", lines(4))
    landing = landed(tmp_path / "in", tmp_path / "lake")
    assert (landing.quarantined.total(), landing.pending, landing.rows["requests"]) == (1, 1, 1)
    assert ids(tmp_path / "lake") == ["c1", "c2", "c4"]


def rewritten(tmp_path: Path, before: bytes, after: bytes, name: str = "a.json") -> None:
    """Lands a blob and then what stands there instead; both come to what they are side by side."""
    file = blob(tmp_path / "in" / name, before)
    landed(file, tmp_path / "lake")
    blob(file, after)
    landed(file, tmp_path / "lake")
    blob(tmp_path / "in" / f"{name}.before", before)
    landed(tmp_path / "in", tmp_path / "both")
    assert events(tmp_path / "lake") == events(tmp_path / "both")
    # It is known now: nothing is read a third time.
    assert landed(file, tmp_path / "lake").skipped == 1


NEWER: dict[str, tuple[bytes, bytes]] = {
    "a document with another first record": (batch(flow(1), flow(2)), batch(flow(3), flow(2))),
    "a document with fewer records": (batch(flow(1), flow(2), flow(3)), batch(flow(1))),
    "a document with none left that was": (batch(flow(1)), batch(flow(2))),
    "a document spelled otherwise": (
        json.dumps([record(1), record(2)]).encode(),
        json.dumps([record(1), record(2), record(3)], indent=2).encode(),
    ),
    "an array of other logs": (batch(flow(1)), batch(change(1))),
    "lines that shrank": (lines(1, 2, 3), lines(1)),
    "lines that shrank and then grew": (lines(1, 2), lines(3)),
    "lines rewritten in the same length": (lines(1, 2), lines(3, 4)),
    "lines rewritten and longer": (lines(1, 2), lines(3, 4, 5)),
    "lines put before": (lines(2, 3), lines(1, 2, 3)),
    "a document where lines were": (lines(1, 2), batch(record(2), record(3))),
    "lines where a document was": (batch(record(1), record(2)), lines(2, 3)),
    "other logs where lines were": (lines(1, 2), as_line(metric(1)) + as_line(metric(2))),
    "a gzip stream where lines were": (lines(1, 2), gzip.compress(lines(1, 2, 3))),
    "lines where a gzip stream was": (gzip.compress(lines(1, 2)), lines(1, 2, 3)),
    "a gzip stream replaced": (gzip.compress(lines(1, 2)), gzip.compress(lines(3, 4, 5))),
    "a gzip stream that grew": (gzip.compress(lines(1, 2)), gzip.compress(lines(1, 2, 3))),
    "a shorter gzip stream": (gzip.compress(lines(1, 2, 3)), gzip.compress(lines(2))),
    "a gzip stream of a document": (
        gzip.compress(lines(1)),
        gzip.compress(batch(record(1), flow(1))),
    ),
    "a byte order mark put before": (lines(1, 2), b"\xef\xbb\xbf" + lines(1, 2, 3)),
}


@pytest.mark.parametrize("name", NEWER)
def test_of_a_blob_that_changed_what_is_new_lands_and_nothing_twice(
    name: str, tmp_path: Path
) -> None:
    rewritten(tmp_path, *NEWER[name])


def test_one_record_alone_that_gets_company_is_a_line_that_grew(tmp_path: Path) -> None:
    file = blob(tmp_path / "in" / "a.json", line(1))
    landed(file, tmp_path / "lake")
    blob(file, lines(1, 2))
    landing = landed(file, tmp_path / "lake")
    assert (landing.lines, landing.duplicates) == (1, 0)
    assert ids(tmp_path / "lake") == ["c1", "c2"]


def test_a_batch_alone_on_its_line_that_gets_company_lands_once(tmp_path: Path) -> None:
    # One line of records is a document; with a second line the blob is read line by line.
    rewritten(
        tmp_path,
        batch(record(1), record(2)) + b"\n",
        batch(record(1), record(2)) + b"\n" + batch(record(3)) + b"\n",
    )


def test_what_changed_again_and_again_is_another_generation_each_time(tmp_path: Path) -> None:
    for number in range(4):
        blob(tmp_path / "in" / "a.json", batch(flow(number), flow(number + 1)))
        landed(tmp_path / "in", tmp_path / "lake")
    assert [row["generation"] for row in rows(tmp_path / "lake", "landings")] == [0, 1, 2, 3]
    assert len(rows(tmp_path / "lake", "flows")) == 10


def test_a_blob_touched_but_not_changed_is_looked_at_and_lands_nothing(tmp_path: Path) -> None:
    blob(tmp_path / "in" / "a.json", lines(1, 2))
    blob(tmp_path / "in" / "b.json.gz", gzip.compress(lines(3)))
    blob(tmp_path / "in" / "c.json", batch(flow(1)))
    landed(tmp_path / "in", tmp_path / "lake")
    held = content(tmp_path / "lake")
    for file in (tmp_path / "in").iterdir():
        os.utime(file, (1, 1))
    again = landed(tmp_path / "in", tmp_path / "lake")
    assert (again.read, again.skipped, again.lines) == (3, 0, 0)
    assert content(tmp_path / "lake") == held
    assert landed(tmp_path / "in", tmp_path / "lake").skipped == 3


def test_a_blob_with_an_unfinished_last_line_is_not_opened_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob(tmp_path / "in" / "a.json", lines(1) + line(2)[:50])
    blob(tmp_path / "in" / "b.json.gz", gzip.compress(lines(3) + line(4)[:50]))
    landed(tmp_path / "in", tmp_path / "lake")

    def opened(*_: object) -> bytes:
        raise AssertionError("a blob was opened")

    monkeypatch.setattr(Blob, "stored", opened)
    monkeypatch.setattr(Blob, "chunks", opened)
    assert landed(tmp_path / "in", tmp_path / "lake").skipped == 2


def test_late_rows_go_where_their_time_says(tmp_path: Path) -> None:
    file = blob(tmp_path / "in" / "a.json", lines(1))
    landed(file, tmp_path / "lake")
    days = [f"2026-03-{day:02}" for day in (8, 9, 11)]
    late = [line(each, time=f"{day}T23:59:59.9999999Z") for each, day in enumerate(days, 2)]
    blob(file, lines(1) + b"".join(each + b"\n" for each in late))
    landed(file, tmp_path / "lake")
    found = {row["correlation_id"]: str(row["date"]) for row in requests(tmp_path / "lake")}
    assert found == {"c1": "2026-03-10", "c2": days[0], "c3": days[1], "c4": days[2]}
    folders = {each.name for each in (tmp_path / "lake" / "requests").glob("date=*")}
    assert folders == {f"date={day}" for day in [*days, "2026-03-10"]}


def test_a_blob_that_became_unknown_is_named_and_its_rows_stay(tmp_path: Path) -> None:
    file = blob(tmp_path / "in" / "a.json", lines(1, 2))
    landed(file, tmp_path / "lake")
    blob(file, b"words, nothing else\n")
    assert list(landed(file, tmp_path / "lake").unclaimed) == [str(file)]
    blob(file, b"")
    assert landed(file, tmp_path / "lake").unclaimed == {str(file): "is empty"}
    assert ids(tmp_path / "lake") == ["c1", "c2"]
    blob(file, lines(1, 2, 3))
    landed(file, tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c1", "c2", "c3"]


def test_a_blob_larger_than_a_batch_lands_in_parts_with_its_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MOST_BATCH_BYTES", "LEAST_BATCH_BYTES"):
        monkeypatch.setattr(f"pipeline.land.{name}", 1500)
    monkeypatch.setattr("pipeline.storage.FILE_CHUNK_BYTES", 512)
    numbers = range(1, 40)
    said = (
        b"".join(line(each) + (b"\r\n" if each % 7 else b"\n\n") for each in numbers)
        + b"garbage\n"
        + line(40)[:30]
    )
    file = blob(tmp_path / "in" / "a.json", b"\xef\xbb\xbf" + said)
    landing = landed(file, tmp_path / "lake")
    assert (landing.seen, landing.read, landing.pending) == (1, 1, 1)
    assert ids(tmp_path / "lake") == sorted(f"c{each}" for each in numbers)
    ledger = rows(tmp_path / "lake", "landings")
    assert len(ledger) > 5
    assert [row["from_offset"] for row in ledger[1:]] == [row["to_offset"] for row in ledger[:-1]]
    physical = said.split(b"\n")
    for row in rows(tmp_path / "lake", "requests"):
        assert row["correlation_id"].encode() in physical[row["position"] - 1]
    (refused,) = rows(tmp_path / "lake", "quarantine")
    assert physical[refused["position"] - 1] == b"garbage"
    blob(file, file.read_bytes() + line(40)[30:] + b"\n")
    landed(file, tmp_path / "lake")
    assert f"c{40}" in ids(tmp_path / "lake")
    monkeypatch.undo()
    landed(file, tmp_path / "one-go")
    assert requests(tmp_path / "lake") == requests(tmp_path / "one-go")
