"""Lines as they should not be: some are refused all the same, some are rows."""

import json

from tests.exports import line, record

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
    "a number": (b"42", "wrong shape"),
    "null": (b"null", "wrong shape"),
    "two records": (line(5) + line(6), "not JSON"),
    "two records parted by CR": (line(5) + b"\r" + line(6), "not JSON"),
    "a comment behind it": (line(5) + b" // note", "not JSON"),
    "properties as text": (json.dumps({**record(5), "properties": "x"}).encode(), "wrong shape"),
    "no number": (line(5, durationMs="soon"), "wrong type"),
    "no time": (line(5, time=None), "wrong value"),
    "no timestamp": (line(5, time="yesterday"), "wrong value"),
    "the year 1": (line(5, time="0001-01-01T00:00:00Z"), "wrong value"),
    "endless time": (line(5, time="infinity"), "wrong value"),
    "no resource": (line(5, resourceId=None), "wrong value"),
    "no category": (line(5, category=None), "wrong shape"),
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
