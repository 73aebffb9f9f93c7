"""What becomes of each line and record of an export: a row, or a refusal that says why."""

import gzip
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given

from tests.drawn import ODD, Drawn, drawn_blobs, thorough, told_by
from tests.exports import (
    as_line,
    batch,
    blob,
    change,
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
from tests.odd_lines import REFUSED, TAKEN


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
        b"[]",
        b'{"records":[]}',
        b"[1,2]",
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


@pytest.mark.parametrize("cut", [0, 40])
def test_of_an_array_that_ends_early_what_came_before_lands(cut: int, tmp_path: Path) -> None:
    text = b"[" + line(1) + b"," + line(2)
    blob(tmp_path / "in" / "a.json", text[:-cut] if cut else text)
    landed(tmp_path / "in", tmp_path / "lake")
    assert ids(tmp_path / "lake") == (["c1"] if cut else ["c1", "c2"])
    (refused,) = rows(tmp_path / "lake", "quarantine")
    assert (refused["position"], refused["reason"]) == (2 if cut else 3, "the document ends early")


@pytest.mark.parametrize(
    "text",
    [
        b"[" + line(5) + b"," + line(6) + b"]",
        batch(record(5), record(6)),
        line(5) + b"\r" + line(6),
    ],
)
def test_records_that_stand_on_one_line_alone_are_a_document(text: bytes, tmp_path: Path) -> None:
    blob(tmp_path / "in" / "a.json", text + b"\n")
    landed(tmp_path / "in", tmp_path / "lake")
    assert [row["position"] for row in requests(tmp_path / "lake")] == [1, 2]


@pytest.mark.parametrize(
    "text", [b"[" + line(5) + b"," + line(6) + b"]", batch(record(5), record(6))]
)
def test_a_batch_among_lines_lands_record_by_record(text: bytes, tmp_path: Path) -> None:
    blob(tmp_path / "in" / "a.json", line(1) + b"\n" + text + b"\n" + line(2) + b"\n")
    landed(tmp_path / "in", tmp_path / "lake")
    found = [
        (row["correlation_id"], row["position"], row["item"]) for row in requests(tmp_path / "lake")
    ]
    assert found == [("c1", 1, 1), ("c5", 2, 1), ("c6", 2, 2), ("c2", 3, 1)]


def test_a_bad_record_of_a_batch_is_quarantined_by_its_place_and_itself(tmp_path: Path) -> None:
    bad = record(6, durationMs="soon")
    text = batch(record(5), bad, record(7))
    blob(tmp_path / "in" / "a.json", line(1) + b"\n" + text + b"\n")
    landed(tmp_path / "in", tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c1", "c5", "c7"]
    (refused,) = rows(tmp_path / "lake", "quarantine")
    assert (refused["position"], refused["item"], refused["kind"]) == (2, 2, "wrong type")
    assert json.loads(refused["raw"]) == bad


def test_an_empty_batch_among_lines_is_set_aside(tmp_path: Path) -> None:
    blob(tmp_path / "in" / "a.json", lines(1) + b"[]\n" + batch() + b"\n")
    assert landed(tmp_path / "in", tmp_path / "lake").set_aside == {"an empty batch": 2}


def test_one_blob_may_fill_several_datasets(tmp_path: Path) -> None:
    mixed = as_line(metric(1)) + batch(change(1), flow(1), record(2)) + b"\n"
    file = blob(tmp_path / "in" / "a.json", lines(1) + mixed + b"garbage\n")
    landing = landed(file, tmp_path / "lake")
    assert landing.rows == {"requests": 2, "metrics": 1, "changes": 1, "flows": 2}
    assert (landing.read, landing.lines) == (1, 7)
    places = {
        name: [(row["position"], row["item"]) for row in rows(tmp_path / "lake", name)]
        for name in landing.rows
    }
    # Items are counted through a line: the flow log's two tuples stand between.
    assert places == {
        "requests": [(1, 1), (3, 4)],
        "metrics": [(2, 1)],
        "changes": [(3, 1)],
        "flows": [(3, 2), (3, 3)],
    }
    ledger = rows(tmp_path / "lake", "landings")
    assert {row["format"] for row in ledger} == {
        "apim_gateway_logs",
        "platform_metrics",
        "activity_log",
        "vnet_flow_logs",
    }
    assert landed(file, tmp_path / "lake").skipped == 1


def test_a_format_of_which_all_is_refused_is_in_the_ledger_too(tmp_path: Path) -> None:
    wrong = as_line({**metric(1), "total": "much"})
    file = blob(tmp_path / "in" / "a.json", lines(1) + wrong)
    landing = landed(file, tmp_path / "lake")
    assert (landing.lines, landing.rows, landing.quarantined) == (
        2,
        {"requests": 1},
        {"wrong type": 1},
    )
    ledger = {row["format"]: row["quarantined"] for row in rows(tmp_path / "lake", "landings")}
    assert ledger == {"apim_gateway_logs": 0, "platform_metrics": 1}


def test_a_folder_of_mixed_logs_lands_each_in_its_dataset(tmp_path: Path) -> None:
    blob(tmp_path / "in" / "requests.json", lines(1, 2))
    blob(tmp_path / "in" / "metrics.json", as_line(metric(1)) + as_line(metric(2)))
    blob(tmp_path / "in" / "flows.json", batch(flow(1), flow(2, tuples=3)))
    blob(tmp_path / "in" / "changes.json.gz", gzip.compress(batch(change(1), change(1))))
    blob(tmp_path / "in" / "notes.txt", b"words")
    landing = landed(tmp_path / "in", tmp_path / "lake")
    assert landing.rows == {"requests": 2, "metrics": 2, "flows": 5, "changes": 1}
    assert (landing.duplicates, len(landing.unclaimed)) == (1, 1)


@thorough
@given(drawn_blobs)
def test_any_bytes_become_rows_or_are_accounted_for(drawn: list[Drawn]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for place, each in enumerate(drawn):
            blob(Path(folder) / "in" / str(place), each.stored())
        landing = landed(Path(folder) / "in", Path(folder) / "lake")
        left = {int(Path(each).name) for each in landing.unclaimed}
        assert not [place for place in left if drawn[place].tells_in_its_head()]
        taken = [each for place, each in enumerate(drawn) if place not in left]
        wanted = Counter(key for each in taken for key in each.told())
        found = told_by(Path(folder) / "lake")
        assert set(found.values()) <= {1}
        assert found.keys() - ODD == wanted.keys()
        assert landing.read + len(landing.unclaimed) == len(drawn)
        assert landing.complete


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
