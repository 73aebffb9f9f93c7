"""A self-hosted gateway's standard output as text: ``[Info] <time> [GatewayLogs], key: value, …``.

An entry goes on over the lines behind it, for errors are JSON over several lines. Texts stand in
quotes or, from older gateways, bare up to the next key. Of entries with other tags only the tag is
told. What two writers wrote into each other is no entry.
"""

import json
import re
from collections.abc import Iterator

import msgspec

from pipeline.dialect import Record
from pipeline.envelope import Envelope, Unreadable
from pipeline.storage import Blob

ENTRY = re.compile(r"^\[\w+\] \d{4}-\d\d-\d\d[T ][\d:.]+\S* \[([\w.-]+)\]", re.MULTILINE)
TAG = "GatewayLogs"
KEY = re.compile(r"\s*,?\s*([A-Za-z]\w*): ?")
# A bare value ends before the next key, or with its line.
BARE_END = re.compile(r", (?=[A-Za-z]\w*: )|\n|$")
LONGEST_ENTRY = 1 << 20
JSON = json.JSONDecoder()


def _records(blob: Blob) -> Iterator[Record | Unreadable]:
    for entry in _entries(blob.chunks()):
        if begins := ENTRY.match(entry):
            if begins[1] == TAG:
                yield from _request(entry, begins.end())
            else:
                yield {"category": begins[1]}
        else:
            yield Unreadable("not an entry", "no time and tag stand before it", entry.encode())


def _request(entry: str, start: int) -> Iterator[Record | Unreadable]:
    """The entry as the gateway's JSON would tell it, and what stands behind it unreadable."""
    if len(entry) > LONGEST_ENTRY:
        limit = f"{LONGEST_ENTRY >> 20} MiB"
        yield Unreadable("too long", f"the entry is longer than {limit}", entry.encode())
        return
    record: dict[str, object] = {}
    name, place = "the tag", start
    try:
        while key := KEY.match(entry, place):
            name = key[1]
            value, place = _value(entry, key.end())
            record.setdefault(name, value)
        # Half a character, or what is nested too deeply, cannot be told on.
        msgspec.json.encode(record)
    except (ValueError, RecursionError) as error:
        yield Unreadable("not an entry", f"cannot be read behind {name}: {error}", entry.encode())
        return
    rest = entry[place:].strip(" ,\n")
    if not record and not rest:
        yield Unreadable("not an entry", "nothing stands behind the tag", entry.encode())
        return
    if rest and (not record or "\n" not in entry[place : entry.index(rest, place)]):
        yield Unreadable("not an entry", f"no key stands before {rest[:40]!r}", entry.encode())
        return
    yield {"category": TAG, **record}
    if rest:
        yield Unreadable("not an entry", "no time and tag stand before it", rest.encode())


def _value(entry: str, place: int) -> tuple[object, int]:
    """A value and the place behind it."""
    if entry[place : place + 1] in ("{", "[", '"'):
        return JSON.raw_decode(entry, place)
    end = BARE_END.search(entry, place)
    stop = end.start() if end else len(entry)
    return entry[place:stop] or None, stop


def _entries(chunks: Iterator[bytes]) -> Iterator[str]:
    """Entries with the lines that belong to them; of one too long, as much as shows it."""
    held: list[str] = []
    size = 0
    for line in _lines(chunks):
        if held and ENTRY.match(line):
            yield "\n".join(held)
            held, size = [], 0
        if (line.strip() or held) and size <= LONGEST_ENTRY:
            held.append(line)
            size += len(line) + 1
    if held:
        yield "\n".join(held)


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace").rstrip("\r") for line in lines)
        if len(rest) > 2 * LONGEST_ENTRY:
            rest = rest[: LONGEST_ENTRY + 1]
    if rest:
        yield rest.decode(errors="replace").rstrip("\r")


gateway_text = Envelope(
    about="the text that a self-hosted gateway writes to its standard output",
    opens=lambda head: bool(ENTRY.search(head.decode(errors="replace"))),
    records=_records,
)
