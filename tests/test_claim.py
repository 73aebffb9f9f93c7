"""A blob is claimed by what it begins with, whatever its name; else it is told why not."""

import gzip
import json
from pathlib import Path

import pytest

from pipeline.claim import Claim, claimed, format_of, kind_of
from pipeline.envelope import Unreadable
from pipeline.storage import BrokenBlobError, blob_at
from tests.exports import as_line, batch, blob, change, flow, line, lines, metric, record

MARK = b"\xef\xbb\xbf"
REQUESTS = "apim_gateway_logs"
CLAIMS: dict[str, tuple[bytes, Claim]] = {
    "lines": (lines(1, 2), Claim(REQUESTS, True, None, False, 0)),
    "one line alone": (line(1), Claim(REQUESTS, True, None, False, 0)),
    "lines behind a mark": (MARK + lines(1), Claim(REQUESTS, True, None, False, 3)),
    "packed lines": (gzip.compress(MARK + lines(1)), Claim(REQUESTS, True, None, True, 0)),
    "lines behind garbage": (b"garbage\n" + lines(1), Claim(REQUESTS, True, None, False, 0)),
    "lines of other spelling": (
        line(1, durationMs="-") + b"\n",
        Claim(REQUESTS, False, None, False, 0),
    ),
    "lines of two formats": (
        lines(1) + as_line(metric(1)),
        Claim(REQUESTS, False, None, False, 0),
    ),
    "a batch": (batch(record(1)), Claim(REQUESTS, False, "json_document", False, 0)),
    "batches, a line each": (
        batch(change(1)) + b"\n" + batch(change(2)) + b"\n",
        Claim("activity_log", False, None, False, 0),
    ),
    "a flow log": (batch(flow(1)), Claim("vnet_flow_logs", False, "json_document", False, 0)),
    "a document over lines": (
        json.dumps([record(1)], indent=1).encode(),
        Claim(REQUESTS, False, "json_document", False, 0),
    ),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_blob_is_claimed_with_the_way_its_records_lie(name: str, tmp_path: Path) -> None:
    content, claim = CLAIMS[name]
    assert claimed(blob_at(str(blob(tmp_path / "any.name", content)))) == claim


@pytest.mark.parametrize("content", [b"words", b"{}", b"[]", b"{}\n{}\n", b"\0" * 90, b'{"a":1}'])
def test_what_nobody_knows_is_claimed_by_nobody(content: bytes, tmp_path: Path) -> None:
    assert claimed(blob_at(str(blob(tmp_path / "a", content)))) is None


def test_a_beginning_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    found = claimed(blob_at(str(blob(tmp_path / "a", b"[1,2]"))))
    assert isinstance(found, Unreadable)
    assert found.reason == "not an object"
    with pytest.raises(BrokenBlobError, match="cannot be unpacked"):
        claimed(blob_at(str(blob(tmp_path / "b", b"\x1f\x8b\x07rest"))))


def test_the_likely_format_is_asked_first_and_odd_records_are_nobodys() -> None:
    said = {key.lower(): value for key, value in record(1).items()}
    assert format_of(said) == format_of(said, "platform_metrics") == REQUESTS
    assert format_of({"category": ["GatewayLogs"], "properties": 7}) is None
    assert kind_of({"category": "", "operationname": "x"}) == "x"
    assert kind_of({"category": 7}) is None
