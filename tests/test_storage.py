"""Blobs are found where they lie, and read to their end or up to the byte at which they break."""

import gzip
import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import PipelineError
from pipeline.storage import CHUNK_BYTES, Blob, BrokenBlobError, blobs
from tests.exports import blob

NOISE = random.Random(1)
LONG = b"".join(b"%d\n" % NOISE.randrange(10**12) for _ in range(3 * CHUNK_BYTES // 13))


def read(path: Path, from_byte: int = 0) -> tuple[bytes, str]:
    """All that can be read, and why it was not more."""
    content = b""
    try:
        for chunk in Blob(str(path), path.stat().st_size).chunks(from_byte):
            content += chunk
    except BrokenBlobError as error:
        return content, str(error)
    return content, ""


def names(source: str | Path) -> list[str]:
    return [Path(each.name).name for each in blobs(str(source))]


@pytest.mark.parametrize("from_byte", [0, 1, CHUNK_BYTES, len(LONG) - 1, len(LONG)])
def test_a_plain_blob_is_read_from_a_byte_on(from_byte: int, tmp_path: Path) -> None:
    assert read(blob(tmp_path / "a", LONG), from_byte) == (LONG[from_byte:], "")


def test_a_blob_is_read_up_to_the_size_that_was_listed(tmp_path: Path) -> None:
    path = blob(tmp_path / "a", LONG)
    (listed,) = blobs(str(path))
    blob(path, LONG + b"appended since")
    assert b"".join(listed.chunks()) == LONG


@pytest.mark.parametrize("level", [0, 1, 9])
def test_a_gzip_stream_is_unpacked_whatever_its_name(level: int, tmp_path: Path) -> None:
    assert read(blob(tmp_path / "a.json", gzip.compress(LONG, level))) == (LONG, "")


def test_a_byte_order_mark_is_left_out_at_the_start_only(tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    assert read(blob(tmp_path / "plain", mark + b"a" + mark)) == (b"a" + mark, "")
    assert read(blob(tmp_path / "packed", gzip.compress(mark + b"a"))) == (b"a", "")
    assert read(blob(tmp_path / "mark", mark)) == (b"", "")
    assert read(blob(tmp_path / "grown", b"a\n" + mark + b"b"), 2) == (mark + b"b", "")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([b"", b"words\n", LONG[:70_000], LONG]), max_size=3), st.data())
def test_a_cut_gzip_stream_gives_a_prefix_of_its_content_and_a_reason(
    tmp_path_factory: pytest.TempPathFactory, members: list[bytes], data: st.DataObject
) -> None:
    packed = b"".join(gzip.compress(member, 1, mtime=0) for member in [*members, b"the end\n"])
    # Between two members the stream is whole; elsewhere it is not.
    whole, ends = b"", {0}
    for member in [*members, b"the end\n"]:
        whole += gzip.compress(member, 1, mtime=0)
        ends.add(len(whole))
    cut = data.draw(st.integers(2, len(packed)))
    content, reason = read(blob(tmp_path_factory.mktemp("cut") / "a.gz", packed[:cut]))
    assert b"".join([*members, b"the end\n"]).startswith(content)
    assert (reason == "") == (cut in ends)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=40))
def test_damage_within_a_gzip_stream_is_an_error_for_that_blob_and_no_crash(
    tmp_path_factory: pytest.TempPathFactory, place: int, damage: bytes
) -> None:
    packed = bytearray(gzip.compress(LONG[:200_000], mtime=0))
    place = 10 + place % (len(packed) - 10 - len(damage))
    sound = bytes(packed[place : place + len(damage)]) == damage
    packed[place : place + len(damage)] = damage
    content, reason = read(blob(tmp_path_factory.mktemp("damage") / "a.gz", bytes(packed)))
    assert sound or reason or content == LONG[:200_000]


def test_a_blob_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(BrokenBlobError, match="No such file"):
        list(Blob(str(tmp_path / "gone"), 1).chunks())


def test_a_source_is_a_file_a_folder_or_a_glob(tmp_path: Path) -> None:
    for name in ("y=2026/a.json", "y=2026/deep/b.json.gz", "c.txt"):
        blob(tmp_path / name, b"x")
    assert names(tmp_path) == ["c.txt", "a.json", "b.json.gz"]
    assert names(tmp_path / "c.txt") == ["c.txt"]
    assert names(tmp_path / "y=*" / "*.json") == ["a.json"]
    assert names(tmp_path / "**" / "*.json*") == ["a.json", "b.json.gz"]


def test_a_name_with_the_signs_of_a_glob_is_taken_as_it_is_first(tmp_path: Path) -> None:
    blob(tmp_path / "a[1].json", b"x")
    blob(tmp_path / "a1.json", b"x")
    assert names(tmp_path / "a[1].json") == ["a[1].json"]


def test_a_file_named_in_two_ways_is_one_blob(tmp_path: Path) -> None:
    path = blob(tmp_path / "a" / "b.json", b"x")
    (tmp_path / "link.json").symlink_to(path)
    assert blobs(str(tmp_path)) == blobs(f"{tmp_path}/a/../a")


def test_settings_and_what_is_no_file_are_no_exports(tmp_path: Path) -> None:
    blob(tmp_path / "gateway-rca.toml", b"")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    assert names(tmp_path) == []
    assert names(tmp_path / "gateway-rca.toml") == []


@pytest.mark.parametrize("source", ["nowhere", "nowhere/*.json", "[", ""])
def test_a_source_that_does_not_exist_is_refused_with_the_cure(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if source:
        with pytest.raises(PipelineError, match="no such file or folder; name an export"):
            blobs(source)
    else:
        assert blobs(source) == []


def test_a_name_that_is_not_utf_8_is_escaped_and_cannot_be_read(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.json")).write_bytes(b"x")
    (found,) = blobs(str(tmp_path))
    assert found.name == f"{tmp_path}/\\xff.json"
    for read in (found.opened, lambda: found.stored(0, 1), lambda: list(found.chunks())):
        with pytest.raises(BrokenBlobError, match="not UTF-8; rename it"):
            read()
