"""A blob's content is cut into complete lines, whatever its chunks are."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.lines import LONGEST_LINE_BYTES, LineEnd, Lines, Rest, TooLong, is_record, pieces
from pipeline.storage import BrokenBlobError
from pipeline.stretch import KEPT_BYTES

any_text = st.lists(st.sampled_from([b"\n", b"\r", b" ", b"{}", b"x", b"long"]), max_size=20).map(
    b"".join
)


def chunked(text: bytes, size: int) -> Iterator[bytes]:
    return (text[each : each + size] for each in range(0, len(text), size))


@settings(deadline=None, derandomize=True)
@given(any_text, st.integers(1, 12))
def test_chunks_of_any_size_give_the_same_lines(text: bytes, size: int) -> None:
    *found, rest = pieces(chunked(text, size))
    assert all(isinstance(each, Lines) for each in found)
    content = [each.chunk[each.start : each.end] for each in found if isinstance(each, Lines)]
    assert all(each.endswith(b"\n") for each in content)
    assert isinstance(rest, Rest)
    assert b"".join(content) + rest.raw == text
    assert sum(each.count for each in found if isinstance(each, Lines)) == text.count(b"\n")
    assert (rest.raw_bytes, rest.error) == (len(rest.raw), None)


@settings(deadline=None, derandomize=True)
@given(st.sampled_from([b"", b" ", b"\r", b" \t"]), any_text, st.integers(1, 12))
def test_the_end_of_a_line_that_was_read_is_no_line(gap: bytes, text: bytes, size: int) -> None:
    # The byte before a stretch is the last one of the record that was read.
    whole = b"}" + gap + b"\n" + text
    first, *found, rest = pieces(chunked(whole, size), begins_line=False)
    assert isinstance(first, LineEnd)
    assert first.raw == gap + b"\n"
    content = b"".join(e.chunk[e.start : e.end] for e in found if isinstance(e, Lines))
    assert isinstance(rest, Rest)
    assert content + rest.raw == text


def test_a_stretch_that_begins_behind_a_line_loses_nothing() -> None:
    first, lines, rest = pieces(iter([b"\n{}\n"]), begins_line=False)
    assert first == LineEnd(b"")
    assert isinstance(lines, Lines)
    assert lines.chunk[lines.start : lines.end] == b"{}\n"
    assert isinstance(rest, Rest)
    assert rest.raw == b""


def test_a_line_too_long_is_told_in_part_and_held_in_little_memory() -> None:
    parts = [b"x" * (1 << 20)] * (3 * LONGEST_LINE_BYTES >> 20)
    long, lines, _ = pieces(iter([*parts, b"\n{}\n"]))
    assert isinstance(long, TooLong)
    assert long.raw_bytes == 3 * LONGEST_LINE_BYTES + 1
    assert KEPT_BYTES < len(long.raw) <= LONGEST_LINE_BYTES + (1 << 20) + 1
    assert isinstance(lines, Lines)
    assert lines.count == 1


def test_what_breaks_is_told_behind_what_could_be_read() -> None:
    def broken() -> Iterator[bytes]:
        yield b"{}\n{}"
        raise BrokenBlobError("gone")

    lines, rest = pieces(broken())
    assert isinstance(lines, Lines)
    assert isinstance(rest, Rest)
    assert (lines.count, rest.raw, str(rest.error), rest.whole) == (1, b"{}", "gone", False)


@pytest.mark.parametrize(
    ("text", "record"),
    [
        (b"{}", True),
        (b' {"a":1}\r', True),
        (b"[]", False),
        (b"1", False),
        (b"", False),
        (b"{", False),
        (b"{}{}", False),
        (b'{"a":"\xff"}', False),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, False),
    ],
)
def test_a_record_is_one_json_object(text: bytes, record: bool) -> None:
    assert is_record(text) is record
