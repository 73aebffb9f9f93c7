"""Blobs become batches: lines and records with their places, and how each stretch ended."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.feed import Batch, cut, digest, feed
from pipeline.lines import LONGEST_LINE_BYTES
from pipeline.storage import Blob, BrokenBlobError, blob_at
from pipeline.stretch import KEPT_BYTES, Ending, Gathered, Reading, shortened
from tests.exports import batch as document
from tests.exports import blob, flow, line, lines

PLENTY = 64 << 20
FORMAT = "apim_gateway_logs"


def unchanged(_: Reading) -> list[Reading]:
    raise AssertionError("nothing was rewritten")


def fed(readings: list[Reading], folder: Path, batch_bytes: int = PLENTY) -> list[Batch]:
    folder.mkdir(exist_ok=True)
    return list(feed(readings, folder, batch_bytes, unchanged))


def reading(path: Path, from_offset: int = 0, first_position: int = 1) -> Reading:
    packed = path.read_bytes().startswith(b"\x1f\x8b")
    at = {"from_offset": from_offset, "first_position": first_position}
    return Reading(blob_at(str(path)), FORMAT, packed=packed, **at)  # type: ignore[arg-type]


def told(gathered: Gathered) -> list[tuple[str, int, bytes]]:
    return [(Path(name).name, place, text) for name, place, text in gathered.lines()]


def alone(path: Path, from_offset: int = 0, first: int = 1) -> tuple[Gathered, Ending]:
    (batch,) = fed([reading(path, from_offset, first)], path.parent / "batches")
    (ending,) = batch.endings
    return batch.gathered, ending


def test_lines_of_several_blobs_keep_their_places(tmp_path: Path) -> None:
    texts = {"a": b"1\n2\n", "b": b"", "c": b"half", "d": b"\n4\n", "e": b"5\n"}
    readings = [reading(blob(tmp_path / name, text)) for name, text in texts.items()]
    (batch,) = fed(readings, tmp_path / "batches")
    assert told(batch.gathered) == [
        ("a", 1, b"1\n"),
        ("a", 2, b"2\n"),
        ("d", 1, b"\n"),
        ("d", 2, b"4\n"),
        ("e", 1, b"5\n"),
    ]
    ended = [(each.next_position, each.pending) for each in batch.endings]
    assert ended == [(3, 0), (1, 0), (1, 1), (3, 0), (2, 0)]
    runs = batch.gathered.runs
    assert len({first for first, _, _ in runs[:-1]}) == len(runs) - 1
    places = [row for row in batch.gathered.places().to_pylist() if row["blob"].endswith("d")]
    assert [(row["position"], row["item"]) for row in places] == [(1, 1), (2, 1)]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=30), max_size=8), st.booleans())
def test_every_byte_of_a_blob_is_in_a_line_or_left_over(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], packed: bool
) -> None:
    text = b"\n".join(parts).removeprefix(b"\xef\xbb\xbf")
    text = text if packed or not text.startswith(b"\x1f\x8b") else b""
    path = blob(tmp_path_factory.mktemp("b") / "a", gzip.compress(text) if packed else text)
    gathered, ending = alone(path)
    content = b"".join(each for _, _, each in gathered.lines())
    ended = text[: text.rfind(b"\n") + 1]
    rest = text[len(ended) :]
    assert content in {ended, text + b"\n"}
    assert ending.next_position == 1 + gathered.count + len(ending.refusals)
    if content != ended:
        assert ending.to_offset == len(text)
    elif not packed:
        assert (ending.to_offset, ending.pending) == (len(ended), 1 if rest.strip() else 0)
    assert [each.raw for each in ending.refusals] == (
        [rest] if packed and rest.strip() and content == ended else []
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.integers(1, 900))
def test_batches_of_any_size_hold_the_same_lines_at_the_same_places(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], batch_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("b")
    files = [
        blob(folder / f"{n:02}", b"".join(b"%d\n" % each for each in range(count)))
        for n, count in enumerate(counts)
    ]
    whole = [
        each for b in fed(list(map(reading, files)), folder / "w") for each in told(b.gathered)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.storage.FILE_CHUNK_BYTES", 64)
        parts = fed(list(map(reading, files)), folder / "p", batch_bytes)
    assert [each for batch in parts for each in told(batch.gathered)] == whole
    for file in files:
        endings = [e for batch in parts for e in batch.endings if e.blob == str(file)]
        assert [each.from_offset for each in endings[1:]] == [
            each.to_offset for each in endings[:-1]
        ]
        assert endings[-1].to_offset == file.stat().st_size
        assert [each.etag is None for each in endings] == [True] * (len(endings) - 1) + [False]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"  \n"])
def test_a_record_taken_before_its_line_ended_is_not_read_again(end: bytes, tmp_path: Path) -> None:
    start, whole = b'{"a":1}', b'{"a":1}' + end + b'{"b":2}' + end
    path = blob(tmp_path / "a", start)
    gathered, ending = alone(path)
    assert told(gathered) == [("a", 1, start + b"\n")]
    assert (ending.to_offset, ending.next_position, ending.pending) == (len(start), 2, 0)
    for length in range(len(start), len(start + end)):
        blob(path, whole[:length])
        gathered, ending = alone(path, len(start), 2)
        assert (told(gathered), ending.next_position, ending.pending) == ([], 2, 0)
    blob(path, whole)
    gathered, ending = alone(path, len(start), 2)
    assert told(gathered) == [("a", 2, b'{"b":2}' + end)]


@pytest.mark.parametrize("rest", [b'{"a":1', b"[1]", b"1", b'{"a":1}{', b"\xff", b"{" * 5000])
def test_an_unfinished_last_line_waits_in_a_plain_blob_and_is_refused_in_a_packed_one(
    rest: bytes, tmp_path: Path
) -> None:
    _, plain = alone(blob(tmp_path / "a", b"{}\n" + rest))
    assert (plain.pending, plain.to_offset, plain.refusals) == (1, 3, [])
    assert plain.etag
    _, packed = alone(blob(tmp_path / "b", gzip.compress(b"{}\n" + rest)))
    (refused,) = packed.refusals
    assert (packed.pending, refused.kind, refused.position) == (0, "unfinished", 2)
    assert (refused.raw, refused.raw_bytes) == (rest, len(rest))


@pytest.mark.parametrize("over", [1, 3 << 20])
def test_lines_past_the_longest_are_refused_with_their_whole_length(
    over: int, tmp_path: Path
) -> None:
    long = b"x" * (LONGEST_LINE_BYTES + (1 << 20) + over)
    text = b"\n".join([b"{}", long, b"{}", long, long, b"{}", long])
    gathered, ending = alone(blob(tmp_path / "a", text))
    assert [(place, each) for _, place, each in told(gathered)] == [
        (1, b"{}\n"),
        (3, b"{}\n"),
        (6, b"{}\n"),
    ]
    assert [(each.position, each.raw_bytes) for each in ending.refusals] == [
        (2, len(long) + 1),
        (4, len(long) + 1),
        (5, len(long) + 1),
    ]
    assert all(len(each.raw) <= KEPT_BYTES for each in ending.refusals)
    assert (ending.pending, ending.to_offset) == (1, len(text) - len(long))


def test_of_a_broken_blob_the_last_whole_record_is_a_line_or_kept_and_the_rest_is_refused(
    tmp_path: Path,
) -> None:
    for text, count, raw in [(b'{}\n{"a":1}\n', 2, b""), (b'{}\n{"a":', 1, b'{"a":')]:
        gathered, ending = alone(blob(tmp_path / "a", gzip.compress(text)[:-3]))
        (refused,) = ending.refusals
        assert gathered.count == count
        assert (refused.kind, refused.position, refused.raw) == ("broken blob", count + 1, raw)
        assert ending.next_position == count + 2


def test_a_blob_that_is_away_for_now_is_told_and_read_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = blob(tmp_path / "a", lines(1, 2))
    other = blob(tmp_path / "b", lines(3))
    chunks = Blob.chunks

    def broken(each: Blob, from_byte: int = 0) -> Iterator[bytes]:
        if each.name.endswith("a"):
            yield lines(1) + line(2)[:9]
            raise BrokenBlobError("the network is away")
        yield from chunks(each, from_byte)

    monkeypatch.setattr(Blob, "chunks", broken)
    (batch,) = fed([reading(file), reading(other)], tmp_path / "batches")
    assert batch.unreachable == {str(file): "the network is away"}
    ended = {Path(each.blob).name: (each.to_offset, each.etag) for each in batch.endings}
    assert ended["a"] == (len(lines(1)), None)
    assert ended["b"] == (len(lines(3)), blob_at(str(other)).etag)
    assert not [each for ending in batch.endings for each in ending.refusals]


def in_document(path: Path, **known: object) -> Reading:
    return Reading(blob_at(str(path)), "vnet_flow_logs", False, "json_document", **known)  # type: ignore[arg-type]


def test_a_document_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = blob(tmp_path / "a", document(flow(1), flow(2)))
    (first,) = fed([in_document(path)], tmp_path / "batches")
    (ending,) = first.endings
    assert (ending.to_offset, ending.next_position, first.gathered.count) == (2, 3, 2)
    blob(path, document(flow(1), flow(2), flow(3)))
    known = {"from_offset": 2, "first_position": 3, "known": ending.known.encode()}
    (second,) = fed([in_document(path, **known)], tmp_path / "batches")
    assert [place for _, place, _ in told(second.gathered)] == [3]


@pytest.mark.parametrize("alone", [False, True])
def test_a_document_that_is_not_what_was_read_is_read_as_told(alone: bool, tmp_path: Path) -> None:
    path = blob(tmp_path / "a", document(flow(1), flow(2)))
    other = blob(tmp_path / "b", document(flow(5)))
    (first,) = fed([in_document(path)], tmp_path / "batches")
    known = {"from_offset": 2, "first_position": 3, "known": first.endings[0].known.encode()}
    blob(path, document(flow(4), flow(2)))
    readings = [in_document(path, **known)]
    if not alone:
        readings.insert(0, in_document(other))
    asked = []

    def changed(each: Reading) -> list[Reading]:
        asked.append(each)
        return [in_document(path, generation=1)]

    batches = list(feed(readings, tmp_path / "batches", PLENTY, changed))
    assert asked == readings[-1:]
    (again,) = [each for b in batches for each in b.endings if each.blob == str(path)]
    assert (again.reading.generation, again.from_offset, again.to_offset) == (1, 0, 2)
    assert sum(each.gathered.count for each in batches) == (2 if alone else 3)


def test_a_batch_holds_one_format_in_one_spelling(tmp_path: Path) -> None:
    path = blob(tmp_path / "a", lines(1))
    plain = reading(path)
    odd = Reading(plain.blob, FORMAT, plain=False)
    other = Reading(plain.blob, "platform_metrics")
    batches = fed([plain, odd, other], tmp_path / "batches")
    assert [(each.format, each.plain) for each in batches] == [
        (FORMAT, True),
        (FORMAT, False),
        ("platform_metrics", True),
    ]


@given(st.binary(max_size=40), st.integers(1, 9), st.integers(0, 45), st.integers(0, 45))
def test_what_lies_between_two_offsets_is_cut_out_of_any_chunks(
    text: bytes, size: int, low: int, high: int
) -> None:
    chunks = [text[each : each + size] for each in range(0, len(text), size)]
    assert b"".join(cut(iter(chunks), 0, low, max(low, high))) == text[low : max(low, high)]
    assert b"".join(cut(iter(chunks), 0, low, None)) == text[low:]


def test_contents_are_told_apart_by_their_end() -> None:
    assert digest(b"x" * 9000 + b"a") == digest(b"y" * 9000 + b"x" * 4095 + b"a")
    assert digest(b"a") != digest(b"b")


def test_what_is_kept_of_a_long_line_ends_between_words() -> None:
    short = b"x" * KEPT_BYTES
    assert shortened(short) == short
    assert shortened(short + b"y") == short
    words = b"word " * KEPT_BYTES
    assert shortened(words) == words[: KEPT_BYTES // 5 * 5]
    assert shortened(b"x" * (KEPT_BYTES - 3) + b'"secret') == b"x" * (KEPT_BYTES - 3) + b'"'
