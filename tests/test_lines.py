"""Lines are gathered with their places, and what is left over is told apart."""

import gzip
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.lines import (
    KEPT_BYTES,
    LONGEST_LINE_BYTES,
    Ending,
    Gathered,
    Stretch,
    gather,
    shortened,
    sift,
)
from pipeline.storage import Blob
from tests.exports import blob


class Told(msgspec.Struct, omit_defaults=True):
    """A record with a field of each kind."""

    text: str | None = None
    number: float | None = None
    flag: bool | None = None
    texts: list[str] | None = None


def stretch(path: Path, from_byte: int = 0, first_position: int = 1) -> Stretch:
    return Stretch(Blob(str(path), path.stat().st_size), from_byte, first_position)


def told(gathered: Gathered) -> list[tuple[str, int, bytes]]:
    return [(Path(name).name, place, text) for name, place, text in gathered.lines()]


def gathered_alone(path: Path, from_byte: int = 0, first: int = 1) -> tuple[Gathered, Ending]:
    gathered, (ending,) = gather([stretch(path, from_byte, first)], path.with_suffix(".lines"))
    return gathered, ending


def test_lines_of_several_blobs_keep_their_places(tmp_path: Path) -> None:
    texts = {"a": b"1\n2\n", "b": b"", "c": b"half", "d": b"\n4\n", "e": b"5\n"}
    stretches = [stretch(blob(tmp_path / name, text)) for name, text in texts.items()]
    gathered, endings = gather(stretches, tmp_path / "lines")
    assert told(gathered) == [
        ("a", 1, b"1\n"),
        ("a", 2, b"2\n"),
        ("d", 1, b"\n"),
        ("d", 2, b"4\n"),
        ("e", 1, b"5\n"),
    ]
    assert [(each.next_position, each.pending) for each in endings] == [
        (3, 0),
        (1, 0),
        (1, 1),
        (3, 0),
        (2, 0),
    ]
    assert len({first for first, _, _ in gathered.runs[:-1]}) == len(gathered.runs) - 1


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=30), max_size=8), st.booleans())
def test_every_byte_of_a_blob_is_in_a_line_or_left_over(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], packed: bool
) -> None:
    text = b"\n".join(parts).removeprefix(b"\xef\xbb\xbf")
    text = text if packed or not text.startswith(b"\x1f\x8b") else b""
    path = blob(tmp_path_factory.mktemp("b") / "a", gzip.compress(text) if packed else text)
    gathered, ending = gathered_alone(path)
    content = b"".join(line for _, _, line in gathered.lines())
    ended = text[: text.rfind(b"\n") + 1]
    rest = text[len(ended) :]
    assert content in {ended, text + b"\n"}
    assert ending.next_position == 1 + gathered.count + len(ending.refusals)
    if packed or content != ended:
        assert ending.to_byte == path.stat().st_size
    else:
        assert (ending.to_byte, ending.pending) == (len(ended), 1 if rest.strip() else 0)
    assert [each.raw for each in ending.refusals] == ([rest] if packed and rest.strip() else [])


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"  \n"])
def test_a_record_taken_before_its_line_ended_is_not_read_again(end: bytes, tmp_path: Path) -> None:
    start, whole = b'{"a":1}', b'{"a":1}' + end + b'{"b":2}' + end
    path = blob(tmp_path / "a", start)
    gathered, ending = gathered_alone(path)
    assert told(gathered) == [("a", 1, start + b"\n")]
    assert (ending.to_byte, ending.next_position, ending.pending) == (len(start), 2, 0)
    for length in range(len(start), len(start + end)):
        blob(path, whole[:length])
        gathered, ending = gathered_alone(path, len(start), 2)
        assert (told(gathered), ending.next_position, ending.pending) == ([], 2, 0)
    blob(path, whole)
    gathered, ending = gathered_alone(path, len(start), 2)
    assert told(gathered) == [("a", 2, b'{"b":2}' + end)]


@pytest.mark.parametrize("rest", [b'{"a":1', b"[1]", b"1", b'{"a":1}{', b"\xff", b"{" * 5000])
def test_an_unfinished_last_line_waits_in_a_plain_blob_and_is_refused_in_a_packed_one(
    rest: bytes, tmp_path: Path
) -> None:
    _, plain = gathered_alone(blob(tmp_path / "a", b"{}\n" + rest))
    assert (plain.pending, plain.to_byte, plain.refusals) == (1, 3, [])
    _, packed = gathered_alone(blob(tmp_path / "b", gzip.compress(b"{}\n" + rest)))
    (refused,) = packed.refusals
    assert (packed.pending, refused.kind, refused.position) == (0, "unfinished", 2)
    assert (refused.raw, refused.raw_bytes) == (rest, len(rest))


@pytest.mark.parametrize("over", [1, 3 << 20])
def test_lines_past_the_longest_are_refused_with_their_whole_length(
    over: int, tmp_path: Path
) -> None:
    long = b"x" * (LONGEST_LINE_BYTES + (1 << 20) + over)
    text = b"\n".join([b"{}", long, b"{}", long, long, b"{}", long])
    gathered, ending = gathered_alone(blob(tmp_path / "a", text))
    assert [(place, line) for _, place, line in told(gathered)] == [
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
    assert (ending.pending, ending.to_byte) == (1, len(text) - len(long))


def test_of_a_broken_blob_the_last_whole_record_is_a_line_and_the_rest_is_refused(
    tmp_path: Path,
) -> None:
    for text, count, raw in [(b'{}\n{"a":1}', 2, b""), (b'{}\n{"a":', 1, b'{"a":')]:
        gathered, ending = gathered_alone(blob(tmp_path / "a", gzip.compress(text)[:-3]))
        (refused,) = ending.refusals
        assert gathered.count == count
        assert (refused.kind, refused.position, refused.raw) == ("broken blob", count + 1, raw)
        assert ending.next_position == count + 2


def test_what_is_kept_of_a_long_line_ends_between_words() -> None:
    short = b"x" * KEPT_BYTES
    assert shortened(short) == short
    assert shortened(short + b"y") == short
    words = b"word " * KEPT_BYTES
    assert shortened(words) == words[: KEPT_BYTES // 5 * 5]
    assert shortened(b"x" * (KEPT_BYTES - 3) + b'"secret') == b"x" * (KEPT_BYTES - 3) + b'"'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b'{"text":"a","unknown":[{}]}', {"text": "a"}),
        (b'{"text":7,"texts":[1,true]}', {"text": "7", "texts": ["1", "true"]}),
        (b'{"text":2.5,"number":"2.5"}', {"text": "2.5", "number": 2.5}),
        (b'{"text":true,"flag":"true"}', {"text": "true", "flag": True}),
        (b'{"text":null}', {}),
    ],
)
def test_a_record_that_can_be_read_is_rewritten_in_the_formats_terms(
    text: bytes, wanted: dict[str, object], tmp_path: Path
) -> None:
    gathered, _ = gathered_alone(blob(tmp_path / "a", text + b"\n"))
    decoder = msgspec.json.Decoder(Told, strict=False)
    kept, refusals, _ = sift(gathered, decoder.decode, tmp_path / "sifted")
    assert refusals == []
    assert [json.loads(line) for _, _, line in kept.lines()] == [wanted]


def test_sifting_tells_good_lines_bad_lines_and_empty_lines_apart(tmp_path: Path) -> None:
    text = b'{"text":"a"}\n\n  \nbad\n{"text":"b"}\n{"text":{}}\n{"text":"c"}\n{"text":"d"}\n'
    gathered, _ = gathered_alone(blob(tmp_path / "a", text))
    decoder = msgspec.json.Decoder(Told, strict=False)
    kept, refusals, empty = sift(gathered, decoder.decode, tmp_path / "sifted")
    assert [place for _, place, _ in kept.lines()] == [1, 5, 7, 8]
    assert [(each.position, each.kind) for each in refusals] == [(4, "not JSON"), (6, "wrong type")]
    assert list(empty.values()) == [2]
