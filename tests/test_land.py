"""Landing loses no line and doubles none, whatever the bytes and however a run ends."""

import gzip
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.lake import Lake
from pipeline.land import land
from tests.exports import TABLES, blob, content, ids, landed, line, lines, record, requests, rows

# What can stand where a line should, and the kind under which it is quarantined.
REFUSED: dict[str, tuple[bytes, str]] = {
    "words": (b"garbage", "not JSON"),
    "half a line": (line(5)[:90], "not JSON"),
    "NUL bytes": (b"\0" * 64, "not JSON"),
    "a NUL in a text": (line(5).replace(b"GET", b"G\0T"), "not JSON"),
    "invalid UTF-8": (line(5).replace(b"GET", b"\xff\xfe"), "not UTF-8"),
    "invalid UTF-8 alone": (b"\xff\xfe\xfd", "not JSON"),
    "a lone surrogate": (line(5).replace(b"GET", b"\\ud800"), "not JSON"),
    "deep nesting": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "too deep"),
    "deep lists": (b"[" * 100_000, "too deep"),
    "NaN": (line(5).replace(b"170", b"NaN"), "not JSON"),
    "-Infinity": (line(5).replace(b"170", b"-Infinity"), "not JSON"),
    "1e400": (line(5).replace(b"170", b"1e400"), "wrong type"),
    "a huge whole number": (line(5).replace(b"170", b"9" * 400), "wrong type"),
    "a number past 64 bits": (line(5).replace(b"170", b"9" * 20), "wrong type"),
    "a JSON array": (b"[" + line(5) + b"," + line(6) + b"]", "wrong type"),
    "a number": (b"42", "wrong type"),
    "null": (b"null", "wrong type"),
    "two records": (line(5) + line(6), "not JSON"),
    "two records parted by CR": (line(5) + b"\r" + line(6), "not JSON"),
    "a comment behind it": (line(5) + b" // note", "not JSON"),
    "properties as text": (json.dumps({**record(5), "properties": "x"}).encode(), "wrong type"),
    "no number": (line(5, durationMs=""), "wrong type"),
    "no time": (line(5, time=None), "wrong value"),
    "no timestamp": (line(5, time="yesterday"), "wrong value"),
    "the year 1": (line(5, time="0001-01-01T00:00:00Z"), "wrong value"),
    "endless time": (line(5, time="infinity"), "wrong value"),
    "no resource": (line(5, resourceId=None), "wrong value"),
    "no category": (line(5, category=None), "wrong value"),
}
TAKEN: dict[str, bytes] = {
    "CR before LF": line(5) + b"\r",
    "blanks around it": b" \t" + line(5) + b"  ",
    "the line separator U+2028 in a text": line(5, location="West\u2028Europe"),
    "an escaped NUL in a text": line(5).replace(b"GET", b"G\\u0000T"),
    "duplicate keys": line(5)[:-1] + b',"durationMs":170}',
    "numbers as text": line(5, durationMs="170"),
    "text as a number": line(5, location=7),
    "fields nobody knows": line(5, Sku="Premium", truncated=[{"x": None}]),
    "three mebibytes": line(5, note="x" * (3 << 20)),
}
BEHIND = re.compile(rb"}\s*[^\s,\]}]")
BETWEEN = (b"", b"   ", b"\r", b"\t \r")


@pytest.mark.parametrize("name", REFUSED)
def test_a_line_that_cannot_be_a_row_is_quarantined_where_it_stood(
    name: str, tmp_path: Path
) -> None:
    text, kind = REFUSED[name]
    blob(tmp_path / "in" / "PT1H.json", line(1) + b"\n" + text + b"\n" + line(2) + b"\n")
    landing = landed(tmp_path / "in", tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c1", "c2"]
    (refused,) = rows(tmp_path / "lake", "quarantine")
    assert (refused["position"], refused["kind"]) == (2, kind)
    assert refused["reason"]
    assert refused["raw_bytes"] in {len(text), len(text) + 1}
    assert landing.complete


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize("company", ["alone", "beside garbage"])
def test_an_odd_line_is_a_row_whatever_stands_beside_it(
    name: str, company: str, tmp_path: Path
) -> None:
    garbage = b"garbage\n" if company == "beside garbage" else b""
    blob(tmp_path / "in" / "PT1H.json", line(1) + b"\n" + TAKEN[name] + b"\n" + garbage)
    landed(tmp_path / "in", tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c1", "c5"]
    row = requests(tmp_path / "lake")[1]
    assert (row["position"], row["total_ms"]) == (2, 170)


@pytest.mark.parametrize("mebibytes", [5, 9])
def test_a_line_too_long_for_a_record_is_quarantined_in_part_and_the_next_lands(
    mebibytes: int, tmp_path: Path
) -> None:
    long = line(5, note="x" * (mebibytes << 20))
    blob(tmp_path / "in" / "PT1H.json", b"\n".join([line(1), long, line(2), b""]))
    landed(tmp_path / "in", tmp_path / "lake")
    assert [row["position"] for row in requests(tmp_path / "lake")] == [1, 3]
    (refused,) = rows(tmp_path / "lake", "quarantine")
    assert (refused["position"], refused["kind"]) == (2, "too long")
    assert refused["raw_bytes"] == len(long) + 1
    assert long.decode().startswith(refused["raw"])
    assert 0 < len(refused["raw"]) <= 32 << 10


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n\n",
        b"\xff\xfe\x00",
        b"\r".join([line(1), line(2), b""]),
        b"[" + line(1) + b"," + line(2),
        b'{"records":{"no": "array"}}',
        (line(1) + b"\n").decode().encode("utf-16"),
        b"time,status\n2026-03-10,200\n",
    ],
)
def test_a_file_of_no_known_format_is_named_and_left(text: bytes, tmp_path: Path) -> None:
    file = blob(tmp_path / "in" / "notes.txt", text)
    landing = landed(tmp_path / "in", tmp_path / "lake")
    assert list(landing.unclaimed) == [str(file)]
    assert landing.lines == 0


@pytest.mark.parametrize("packed", [False, True])
def test_a_byte_order_mark_does_not_cost_the_first_line(packed: bool, tmp_path: Path) -> None:
    text = b"\xef\xbb\xbf" + line(1) + b"\n"
    blob(tmp_path / "in" / "PT1H.json", gzip.compress(text) if packed else text)
    landed(tmp_path / "in", tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c1"]


good = st.integers(0, 400).map(lambda number: (number, line(number)))
bad = st.one_of(
    st.sampled_from([text for text, _ in REFUSED.values()]),
    st.sampled_from(BETWEEN),
    st.binary(max_size=80),
).map(lambda text: (None, text))
pieces = st.lists(st.one_of(good, bad), max_size=12)
line_ends = st.sampled_from([b"\n", b"\r\n"])
blobs = st.tuples(pieces, line_ends, st.booleans(), st.booleans(), st.booleans())
thorough = settings(
    max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@thorough
@given(st.lists(blobs, min_size=1, max_size=8))
def test_any_bytes_become_rows_or_are_accounted_for(
    drawn: list[tuple[list[tuple[int | None, bytes]], bytes, bool, bool, bool]],
) -> None:
    wanted: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        for place, (told, end, ended, marked, packed) in enumerate(drawn):
            wanted |= {f"c{number}" for number, _ in told if number is not None}
            text = b"\xef\xbb\xbf" * marked + end.join(each for _, each in told) + end * ended
            file = Path(folder) / "in" / str(place)
            blob(file, gzip.compress(text) if packed else text)
        landing = landed(Path(folder) / "in", Path(folder) / "lake")
        assert ids(Path(folder) / "lake") == sorted(wanted)
        assert landing.read + len(landing.unclaimed) == len(drawn)
        assert landing.complete


@settings(thorough, max_examples=8)
@given(
    st.lists(st.tuples(pieces, line_ends, st.booleans()), min_size=1, max_size=4),
    st.lists(st.floats(0, 1), min_size=1, max_size=2),
)
def test_blobs_landed_as_they_grow_equal_the_blobs_landed_whole(
    drawn: list[tuple[list[tuple[int | None, bytes]], bytes, bool]], cuts: list[float]
) -> None:
    texts = [
        # A record with more behind it on its line is complete for whom saw but the record.
        end.join([line(500), *(each for _, each in told if not BEHIND.search(each))]) + end * ended
        for told, end, ended in drawn
    ]
    with tempfile.TemporaryDirectory() as folder:
        source, whole, grown = (Path(folder) / name for name in ("in", "whole", "grown"))
        for share in [*sorted(cuts), 1]:
            for place, text in enumerate(texts):
                blob(source / str(place), text[: int(len(text) * share)])
            landed(source, grown)
        landed(source, whole)
        assert ids(grown) == ids(whole)
        assert content(grown)["quarantine"] == content(whole)["quarantine"]


def test_landing_twice_equals_landing_once(tmp_path: Path) -> None:
    text = lines(1, 2, 1) + b"garbage\n" + line(3, category="Other") + b"\n" + line(4)[:50]
    file = blob(tmp_path / "in" / "PT1H.json", text)
    blob(tmp_path / "in" / "packed.gz", gzip.compress(lines(5, 6)))
    first = landed(tmp_path / "in", tmp_path / "lake")
    assert (first.lines, first.rows["requests"], first.duplicates) == (8, 4, 1)
    assert (first.set_aside, first.pending) == ({"Other": 1}, 1)
    held = content(tmp_path / "lake")
    again = landed(tmp_path / "in", tmp_path / "lake")
    assert (again.rows.total(), again.duplicates, again.quarantined.total()) == (0, 0, 0)
    assert again.skipped == 1
    assert content(tmp_path / "lake") == held
    blob(file, text[:-50])
    assert not landed(tmp_path / "in", tmp_path / "lake").unreadable


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
    spans = [(row["from_byte"], row["to_byte"]) for row in rows(tmp_path / "lake", "landings")]
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


def test_a_blob_that_shrank_is_named_and_left_as_it_was(tmp_path: Path) -> None:
    file = blob(tmp_path / "in" / "PT1H.json", lines(1, 2))
    landed(tmp_path / "in", tmp_path / "lake")
    blob(file, lines(1))
    landing = landed(tmp_path / "in", tmp_path / "lake")
    assert not landing.complete
    assert "shrank" in landing.unreadable[str(file)]
    assert ids(tmp_path / "lake") == ["c1", "c2"]


def test_copies_count_once_and_the_earliest_place_stays(tmp_path: Path) -> None:
    blob(tmp_path / "in" / "a.json", lines(1, 2, 1))
    blob(tmp_path / "in" / "b.json", lines(2, 3))
    first = landed(tmp_path / "in", tmp_path / "lake")
    assert first.duplicates == 2
    blob(tmp_path / "in" / "0.json", lines(3, 1, 4))
    second = landed(tmp_path / "in", tmp_path / "lake")
    assert (second.duplicates, second.rows["requests"]) == (2, 1)
    found = {
        row["correlation_id"]: (Path(row["blob"]).name, row["position"])
        for row in requests(tmp_path / "lake")
    }
    assert found == {
        "c1": ("a.json", 1),
        "c2": ("a.json", 2),
        "c3": ("b.json", 2),
        "c4": ("0.json", 3),
    }


@pytest.mark.parametrize(
    "change",
    [
        {"time": "2026-03-10T08:00:01.2750876Z"},
        {"time": "2026-03-10T08:00:01.275086Z"},
        {"resourceId": "/SUBSCRIPTIONS/OTHER"},
        {"correlationId": "other"},
        {"correlationId": None},
        {"durationMs": 171},
        {"durationMs": None},
        {"properties": {"responseCode": 500}},
        {"properties": {"backendTime": 166}},
        {"properties": {"method": "PUT"}},
        {"properties": {"url": "https://api.contoso.example/other"}},
    ],
)
@pytest.mark.parametrize("runs", [1, 2])
def test_records_that_differ_in_what_tells_them_apart_both_stay(
    change: dict[str, object], runs: int, tmp_path: Path
) -> None:
    # Seven digits are cut to six: the first change is none, and so the record is a copy.
    copies = change.get("time") == "2026-03-10T08:00:01.2750876Z"
    blob(tmp_path / "in" / "a.json", lines(1))
    if runs == 2:
        landed(tmp_path / "in", tmp_path / "lake")
    blob(tmp_path / "in" / "b.json", line(1, **change) + b"\n")
    landed(tmp_path / "in", tmp_path / "lake")
    assert len(requests(tmp_path / "lake")) == (1 if copies else 2)


def test_a_late_row_lands_in_the_day_of_its_own_time(tmp_path: Path) -> None:
    late = line(1, time="2026-03-09T23:59:59.9999999Z") + b"\n"
    blob(tmp_path / "in" / "y=2026" / "m=03" / "d=10" / "h=00" / "PT1H.json", lines(2) + late)
    landed(tmp_path / "in", tmp_path / "lake")
    assert [str(row["date"]) for row in requests(tmp_path / "lake")] == [
        "2026-03-10",
        "2026-03-09",
    ]
    assert list((tmp_path / "lake" / "requests" / "date=2026-03-09").glob("*.parquet"))


MANY = [line(number, location=f"{number * 7919:x}" * 4) for number in range(400)]
TEXT = b"".join(each + b"\n" for each in MANY)
PACKED = gzip.compress(TEXT, mtime=0)


def test_a_gzip_stream_of_several_members_is_read_to_its_end(tmp_path: Path) -> None:
    cut = len(TEXT) // 2 + 11
    members = gzip.compress(TEXT[:cut]) + gzip.compress(b"") + gzip.compress(TEXT[cut:])
    blob(tmp_path / "in" / "PT1H.json.gz", members)
    landing = landed(tmp_path / "in", tmp_path / "lake")
    assert (landing.rows["requests"], landing.complete) == (400, True)


def test_a_file_named_gz_that_is_none_is_read_as_it_is(tmp_path: Path) -> None:
    blob(tmp_path / "in" / "PT1H.json.gz", lines(1, 2))
    landing = landed(tmp_path / "in", tmp_path / "lake")
    assert (ids(tmp_path / "lake"), landing.complete) == (["c1", "c2"], True)


@pytest.mark.parametrize("lost", [1, 8, 9, 40, len(PACKED) // 2, len(PACKED) * 3 // 4])
def test_of_a_truncated_gzip_stream_all_that_can_be_read_lands(lost: int, tmp_path: Path) -> None:
    blob(tmp_path / "in" / "PT1H.json.gz", PACKED[:-lost])
    landing = landed(tmp_path / "in", tmp_path / "lake")
    (refused,) = rows(tmp_path / "lake", "quarantine")
    found = requests(tmp_path / "lake")
    assert [row["position"] for row in found] == list(range(1, len(found) + 1))
    assert refused["kind"] == "broken blob"
    assert "end" in refused["reason"]
    assert refused["position"] == len(found) + 1
    assert len(found) > 0.8 * 400 * (1 - lost / len(PACKED)) - 40
    assert MANY[len(found) :][:1] == [] or MANY[len(found)].decode().startswith(refused["raw"])
    assert not landing.complete


@pytest.mark.parametrize("place", ["header", "middle", "checksum", "length", "behind"])
def test_a_corrupt_gzip_stream_lands_up_to_the_break_and_says_so(
    place: str, tmp_path: Path
) -> None:
    broken = bytearray(PACKED)
    match place:
        case "header":
            broken[2] = 7
        case "middle":
            broken[len(PACKED) // 2 : len(PACKED) // 2 + 60] = b"\xff\x00\x55" * 20
        case "checksum":
            broken[-6] ^= 1
        case "length":
            broken[-2] ^= 1
        case "behind":
            broken += b"no gzip member"
    file = blob(tmp_path / "in" / "PT1H.json.gz", bytes(broken))
    blob(tmp_path / "in" / "sound.json", lines(1000))
    landing = landed(tmp_path / "in", tmp_path / "lake")
    assert not landing.complete
    found = ids(tmp_path / "lake")
    assert "c1000" in found
    if place == "header":
        assert landing.unreadable.keys() == {str(file)}
    elif place == "middle":
        assert {f"c{number}" for number in range(100)} < set(found)
    else:
        assert len(found) == 401


def test_a_gzip_stream_that_breaks_before_its_first_line_ends_is_named_as_broken(
    tmp_path: Path,
) -> None:
    broken = blob(tmp_path / "in" / "PT1H.json.gz", gzip.compress(line(1))[:-60])
    landing = landed(tmp_path / "in", tmp_path / "lake")
    assert landing.unreadable.keys() == {str(broken)}
    assert not landing.complete


def test_zeros_behind_a_gzip_stream_are_padding(tmp_path: Path) -> None:
    blob(tmp_path / "in" / "PT1H.json.gz", PACKED + b"\0" * 512)
    assert landed(tmp_path / "in", tmp_path / "lake").complete


def as_document(*numbers: int) -> list[object]:
    return [json.loads(each) for each in lines(*numbers).splitlines()]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    "said",
    [
        json.dumps(as_document(1, 2)),
        json.dumps(as_document(1, 2), indent=2),
        json.dumps({"records": as_document(1, 2)}),
        "\ufeff" + json.dumps({"records": as_document(1, 2)}, indent=4).replace("\n", "\r\n"),
    ],
)
def test_a_blob_that_is_one_document_lands_record_by_record(
    said: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    blob(tmp_path / "in" / "a.json", pack(said.encode()))
    landing = landed(tmp_path / "in", tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c1", "c2"]
    assert sorted(row["position"] for row in rows(tmp_path / "lake", "requests")) == [1, 2]
    assert landing.complete
    assert landed(tmp_path / "in", tmp_path / "lake").skipped == 1


def test_a_single_record_on_many_lines_lands(tmp_path: Path) -> None:
    (record,) = as_document(7)
    blob(tmp_path / "in" / "a.json", json.dumps(record, indent=2).encode())
    landed(tmp_path / "in", tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c7"]


def test_a_bad_record_of_a_document_is_quarantined_by_its_place(tmp_path: Path) -> None:
    good, other = as_document(1, 2)
    bad = {**as_document(3)[0], "durationMs": "soon"}  # type: ignore[dict-item]
    blob(tmp_path / "in" / "a.json", json.dumps([good, bad, other], indent=1).encode())
    landed(tmp_path / "in", tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c1", "c2"]
    (refused,) = rows(tmp_path / "lake", "quarantine")
    assert (refused["position"], refused["kind"]) == (2, "wrong type")


def test_a_document_that_changed_is_named_and_left(tmp_path: Path) -> None:
    file = blob(tmp_path / "in" / "a.json", json.dumps(as_document(1)).encode())
    landed(file, tmp_path / "lake")
    blob(file, json.dumps(as_document(1, 2)).encode())
    landing = landed(file, tmp_path / "lake")
    assert "save it under another name" in landing.unreadable[str(file)]
    assert ids(tmp_path / "lake") == ["c1"]


def test_a_blob_larger_than_a_group_lands_in_parts_with_its_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.land.GROUP_BYTES", 1500)
    monkeypatch.setattr("pipeline.storage.CHUNK_BYTES", 512)
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
    ledger = sorted(rows(tmp_path / "lake", "landings"), key=lambda row: row["from_byte"])
    assert len(ledger) > 5
    assert [row["from_byte"] for row in ledger[1:]] == [row["to_byte"] for row in ledger[:-1]]
    physical = said.split(b"\n")
    for row in rows(tmp_path / "lake", "requests"):
        assert row["correlation_id"].encode() in physical[row["position"] - 1]
    (refused,) = rows(tmp_path / "lake", "quarantine")
    assert physical[refused["position"] - 1] == b"garbage"
    blob(file, file.read_bytes() + line(40)[30:] + b"\n")
    landed(file, tmp_path / "lake")
    assert f"c{40}" in ids(tmp_path / "lake")
    assert content(tmp_path / "lake")["requests"] == content_of_one_go(file, tmp_path)


def content_of_one_go(file: Path, folder: Path) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.land.GROUP_BYTES", 64 << 20)
        landed(file, folder / "one-go")
    return content(folder / "one-go")["requests"]


class StoppedError(Exception):
    """What stands for the end of a run in the tests below."""


def stopped(source: Path, lake: Path, before: str) -> None:
    """A run that ends when it comes to one table of the lake."""
    append = Lake.append

    def stopping(home: Lake, name: str, *told: Any) -> Any:
        if name == before:
            raise StoppedError
        return append(home, name, *told)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lake, "append", stopping)
        with pytest.raises(StoppedError):
            land([str(source)], Lake(lake))


def export(folder: Path) -> Path:
    """Blobs with copies within and across, garbage, other kinds, and an unfinished last line."""
    other = line(90, category="Other") + b"\n"
    blob(folder / "a.json", lines(1, 2, 1) + b"garbage\n" + lines(3))
    blob(folder / "b.json.gz", gzip.compress(lines(2, 4, 5) + other))
    blob(folder / "c.json", lines(6, 3) + b"more garbage\n" + line(7)[:60])
    return folder


@pytest.mark.parametrize("before", TABLES)
def test_a_run_that_stopped_between_two_tables_heals_at_the_next(
    before: str, tmp_path: Path
) -> None:
    source = export(tmp_path / "in")
    landed(source, tmp_path / "undisturbed")
    stopped(source, tmp_path / "lake", before)
    landed(source, tmp_path / "lake")
    assert content(tmp_path / "lake") == content(tmp_path / "undisturbed")


@pytest.mark.parametrize("before", TABLES)
@pytest.mark.parametrize("earlier", [False, True])
def test_a_stopped_run_heals_though_its_blobs_grew_since(
    before: str, earlier: bool, tmp_path: Path
) -> None:
    source = export(tmp_path / "in")
    if earlier:
        landed(source, tmp_path / "lake")
        blob(source / "a.json", (source / "a.json").read_bytes() + lines(20) + b"refuse\n")
    stopped(source, tmp_path / "lake", before)
    blob(source / "a.json", (source / "a.json").read_bytes() + lines(8, 2) + b"litter\n")
    blob(source / "c.json", (source / "c.json").read_bytes()[:-60] + lines(7, 9))
    blob(source / "d.json", lines(8, 10))
    landed(source, tmp_path / "lake")
    landed(source, tmp_path / "lake")
    landed(source, tmp_path / "undisturbed")
    assert ids(tmp_path / "lake") == ids(tmp_path / "undisturbed")
    assert rows(tmp_path / "lake", "quarantine") == rows(tmp_path / "undisturbed", "quarantine")


@dataclass(slots=True)
class Overtaken(Lake):
    """A lake in which something else happens just before the first commit of this run."""

    first: Callable[[], object] | None = None

    def append(self, name: str, *told: Any) -> Any:
        first, self.first = self.first, None
        if first:
            first()
        return Lake.append(self, name, *told)


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


def test_healing_and_what_the_blob_grew_by_take_one_run(tmp_path: Path) -> None:
    file = blob(tmp_path / "in" / "a.json", lines(1, 2))
    stopped(file, tmp_path / "lake", before="landings")
    blob(file, lines(1, 2, 3) + line(4)[:50])
    landing = landed(file, tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c1", "c2", "c3"]
    assert (landing.seen, landing.read, landing.lines, landing.pending) == (1, 1, 4, 1)
    positions = {
        row["correlation_id"]: row["position"] for row in rows(tmp_path / "lake", "requests")
    }
    assert positions == {"c1": 1, "c2": 2, "c3": 3}


# A group a blob: as many commits as there are blobs, to be stopped at or to collide in.
LAND_BLOB_BY_BLOB = """
import sys
import pipeline.land
from pipeline.cli import main
pipeline.land.GROUP_BYTES = 1
sys.argv[0] = "gateway-rca"
main()
"""


def landing_process(source: Path, lake: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", LAND_BLOB_BY_BLOB, "land", str(source), "--lake", str(lake)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def commits(lake: Path) -> int:
    return len(list(lake.glob("*/_delta_log/*.json")))


@pytest.fixture(scope="module")
def hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight hours of logs, with copies across them and garbage."""
    folder = tmp_path_factory.mktemp("hours")
    for hour in range(8):
        text = lines(*range(40 * hour, 40 * hour + 45)) + b"garbage\n"
        blob(folder / f"h={hour}" / "PT1H.json", text)
    return folder


@pytest.fixture(scope="module")
def undisturbed(hours: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("undisturbed") / "lake"
    landed(hours, lake)
    return lake


@pytest.mark.parametrize("seen", [0, 1, 2, 3, 5, 9, 14, 20])
def test_a_run_that_was_killed_heals_at_the_next(
    seen: int, hours: Path, undisturbed: Path, tmp_path: Path
) -> None:
    process = landing_process(hours, tmp_path / "lake")
    while process.poll() is None and commits(tmp_path / "lake") < seen:
        time.sleep(0.0005)
    process.kill()
    process.communicate()
    assert process.returncode in {-9, 0}  # it may end before it is killed
    landed(hours, tmp_path / "lake")
    assert content(tmp_path / "lake") == content(undisturbed)


@pytest.mark.parametrize("attempt", range(3))
def test_two_runs_at_once_lose_nothing_and_double_nothing(
    attempt: int, hours: Path, undisturbed: Path, tmp_path: Path
) -> None:
    processes = [landing_process(hours, tmp_path / "lake") for _ in range(2)]
    said = [process.communicate(timeout=60)[1] for process in processes]
    assert said == ["", ""]
    assert [process.returncode for process in processes] == [0, 0]
    assert content(tmp_path / "lake") == content(undisturbed)
    landed(hours, tmp_path / "lake")
