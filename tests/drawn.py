"""Blobs drawn at random: good lines of several logs, bad ones, and the ways in which they lie."""

import gzip
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from pipeline.envelope import HEAD_BYTES
from tests.exports import as_line, batch, change, flow, line, metric, record, rows
from tests.odd_lines import REFUSED

Key = tuple[str, str]
Piece = tuple[tuple[Key, ...], bytes]
# A record with more behind it on its line is complete for whom saw but the record.
BEHIND = re.compile(rb"[}\]]\s*[^\s,\]}]")
BETWEEN = (b"", b"   ", b"\r", b"\t \r")
MARK = b"\xef\xbb\xbf"


def _request(number: int) -> Piece:
    return (("requests", f"c{number}"),), line(number)


def _metric(number: int) -> Piece:
    return (("metrics", f"{number}"),), as_line(metric(number)).strip()


def _flow(number: int) -> Piece:
    return (("flows", f"{number}"),), as_line(flow(number, tuples=1)).strip()


def _batch(numbers: list[int]) -> Piece:
    """A change, a request and a flow for each."""
    told = [(record(each), change(each), flow(each, tuples=1)) for each in numbers]
    keys = [
        (name, f"{letter}{each}")
        for each in numbers
        for name, letter in (("requests", "c"), ("changes", "change"), ("flows", ""))
    ]
    return tuple(keys), batch(*(each for records in told for each in records))


# What bad lines are made of, records 5 and 6, can stand in a blob by itself, and then is good.
ODD = {("requests", "c5"), ("requests", "c6")}
numbers = st.integers(10, 400)
good = st.one_of(
    numbers.map(_request),
    numbers.map(_request),
    numbers.map(_metric),
    numbers.map(_flow),
    st.lists(numbers, min_size=1, max_size=3).map(_batch),
)
bad = st.one_of(
    st.sampled_from([text for text, _ in REFUSED.values()]),
    st.sampled_from(BETWEEN),
    st.binary(max_size=80),
).map(lambda text: ((), text))
pieces = st.lists(st.one_of(good, bad), max_size=12)
line_ends = st.sampled_from([b"\n", b"\r\n"])


@dataclass(frozen=True, slots=True)
class Drawn:
    """A blob: its pieces, a line's end between two, and perhaps one behind the last."""

    pieces: list[Piece]
    end: bytes
    ended: bool
    marked: bool = False
    packed: bool = False

    def told(self) -> list[Key]:
        """Dataset and name of each event in it."""
        return [key for keys, _ in self.pieces for key in keys]

    def tells_in_its_head(self) -> bool:
        """Whether something good stands where is looked for what a blob is."""
        end = len(MARK) * self.marked
        for keys, text in self.pieces:
            end += len(text) + len(self.end)
            if keys and end <= HEAD_BYTES:
                return True
        return False

    def content(self) -> bytes:
        """Its content."""
        mark = MARK if self.marked else b""
        return mark + self.end.join(text for _, text in self.pieces) + self.end * self.ended

    def stored(self) -> bytes:
        """What lies in storage."""
        return gzip.compress(self.content()) if self.packed else self.content()


drawn_blobs = st.lists(
    st.builds(Drawn, pieces, line_ends, st.booleans(), st.booleans(), st.booleans()),
    min_size=1,
    max_size=8,
)
# Few and the same ones each time, or as many new ones as asked for: `make fuzz`.
ASKED = os.environ.get("EXAMPLES")
EXAMPLES = int(ASKED or 8)
thorough = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not ASKED,
    suppress_health_check=[HealthCheck.too_slow],
)


def told_by(lake: Path) -> Counter[Key]:
    """How often a lake tells each event of drawn blobs."""
    found: Counter[Key] = Counter()
    found.update(("requests", row["correlation_id"]) for row in rows(lake, "requests"))
    found.update(("changes", row["correlation_id"]) for row in rows(lake, "changes"))
    found.update(("metrics", f"{row['maximum']:g}") for row in rows(lake, "metrics"))
    found.update(("flows", f"{_minute(row['time'])}") for row in rows(lake, "flows"))
    return found


def _minute(moment: object) -> int:
    from tests.exports import MORNING

    return int((moment - MORNING).total_seconds() // 60)  # type: ignore[operator]
