"""What people do without the product, on the same gateway logs.

*The query that everybody uses*: BackendConnectionFailure counted per five minutes against the
volume, and where it spikes, SNAT is to blame.

*Ranked z-scores*: failures of each destination counted per minute; where the median and the median
absolute deviation of the day leave one far behind, that destination is to blame. It names no cause.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from tests.accuracy.answer import Answer
from tests.accuracy.label import Label

FIVE_MINUTES = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)
# A spike, as an eye sees it on the chart: enough of them, and many times the usual share.
LEAST_A_SPIKE = 10
TIMES_USUAL = 3.0
LEAST_SHARE = 0.01
Z = 6.0
MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True)
class Row:
    """What both look at of a record."""

    time: datetime
    reason: str | None
    status: int
    destination: str | None


def rows(lines: Iterable[bytes]) -> list[Row]:
    """The records that can be read, each once, by time."""
    found = []
    for line in dict.fromkeys(lines):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        told = record["properties"]
        error = told.get("lastError", {})
        time = datetime.fromisoformat(record["time"][:26] + "+00:00")
        found.append(Row(time, error.get("reason"), told["responseCode"], _destination(told)))
    return sorted(found, key=lambda row: row.time)


def _destination(told: dict[str, Any]) -> str | None:
    """The host called; where only the error's text tells of it, its last word."""
    if "backendUrl" in told:
        return urlsplit(str(told["backendUrl"])).hostname
    last: str = told.get("lastError", {}).get("message", "").rpartition(" ")[2]
    ip, _, port = last.partition(":")
    return last if port.isdigit() and ip.count(".") == 3 else None


def five_minute_query(records: list[Row], true: Label) -> Answer:
    """What the query per five minutes says."""
    volume: Counter[datetime] = Counter()
    failed: Counter[datetime] = Counter()
    for row in records:
        bin_ = _floor(row.time, FIVE_MINUTES)
        volume[bin_] += 1
        failed[bin_] += row.reason == "BackendConnectionFailure"
    shares = {bin_: failed[bin_] / volume[bin_] for bin_ in volume}
    usual = median(shares.values())
    spikes = [
        bin_
        for bin_ in sorted(volume)
        if failed[bin_] >= LEAST_A_SPIKE and shares[bin_] > max(TIMES_USUAL * usual, LEAST_SHARE)
    ]
    return _answer(
        list(_stretches(spikes, FIVE_MINUTES)),
        true,
        mechanism="snat_port_exhaustion",
        status="confirmed",
        snat="confirmed",
        ranked=(("snat_port_exhaustion", 1.0),),
    )


def ranked_z_scores(records: list[Row], true: Label) -> Answer:
    """What the ranking says: the destination that stands out most, and when it does."""
    minutes = sorted({_floor(row.time, MINUTE) for row in records})
    failures: dict[str, Counter[datetime]] = defaultdict(Counter)
    for row in records:
        if row.destination and row.status >= 500:
            failures[row.destination][_floor(row.time, MINUTE)] += 1
    worst, far, highest = None, list[datetime](), Z
    for destination, counts in sorted(failures.items()):
        series = [counts[minute] for minute in minutes]
        usual = median(series)
        spread = max(MAD_TO_SIGMA * median(abs(each - usual) for each in series), 1.0)
        scores = {m: (counts[m] - usual) / spread for m in minutes}
        if max(scores.values()) > highest:
            worst, highest = destination, max(scores.values())
            far = [minute for minute in minutes if scores[minute] > Z / 2]
    named = worst if worst and ":" not in worst else None
    return _answer(
        list(_stretches(far, MINUTE)),
        true,
        mechanism="none named",
        status="undecided",
        host=named,
        address=None if named else worst,
    )


def _answer(spans: list[tuple[datetime, datetime]], true: Label, **said: Any) -> Answer:
    """The answer, where a span that it speaks of is that of the true incident."""
    there = [
        (start, end)
        for start, end in spans
        if true.start and true.end and start < true.end and end > true.start
    ]
    invented = len(spans) - len(there)
    if not there:
        return Answer(None, invented=invented)
    start, end = max(there, key=lambda span: span[1] - span[0])
    return Answer(start=start, end=end, invented=invented, pieces=len(there), **said)


def _stretches(bins: Iterable[datetime], width: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Bins that lie less than ten minutes apart, as one."""
    begun = last = None
    for bin_ in bins:
        if begun is not None and last is not None and bin_ - last >= 2 * FIVE_MINUTES:
            yield begun, last
            begun = None
        begun, last = begun or bin_, bin_ + width
    if begun is not None and last is not None:
        yield begun, last


def _floor(time: datetime, width: timedelta) -> datetime:
    midnight = time.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (time - midnight) // width * width
