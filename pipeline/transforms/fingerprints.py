"""Fingerprints: what the lengths of failing requests look like, each mode by the name it has.

Lengths are known to the whole second, from the start of the request to its last error. A length is
of one mode at the most; the names are tried in the order of ``_named``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from pipeline.transforms.ways import CONNECT_FAULTS
from pipeline.wording import share

# A smaller part of the failures is no mode.
LEAST_SHARE = 0.1
# A mode stands out from the second before it; what spills into the next one is its own.
STANDS_OUT = 2.0
# With fewer failures a shape is chance.
ENOUGH = 10

AT_ONCE = "at_once"
CONNECT = "connect_timeout"
RETRANSMISSION = "syn_retransmission"
SILENCE = "long_silence"
MULTIPLES = "service_time_multiples"
CONFIGURED = "configured_timeout"

# Seen at managed (21.0 s) and self-hosted gateways (20.0 s); the total of Windows' SYN retries.
CONNECT_SECONDS = (20, 21)
# A first wait of 1 s that doubles with each SYN: what has passed when the next one is sent.
SYN_SECONDS = (1, 3, 7, 15, 31, 63)
# Seen at 230.2 and 240.2 s: what a front end of Azure's, or an idle timer of 4 min, cuts.
SILENT_SECONDS = range(230, 241)
# Lengths that people write into settings.
ROUND = 5
# Of a service time shorter than this, whole seconds show no multiples.
LEAST_SERVICE_S = 2.0
MOST_MULTIPLE = 8


@dataclass(frozen=True, slots=True)
class Mode:
    """A mode of the lengths: its ``seconds``, first and last, and its share of the failures."""

    kind: str
    seconds: tuple[int, int]
    failures: float
    share: float
    says: str


def modes(failing_durations: pl.DataFrame, service_ms: float | None) -> list[Mode]:
    """The modes that have a name, the largest first.

    ``service_ms`` is how long successful calls took meanwhile, if that is known.
    """
    total = float(failing_durations["failures"].sum())
    if total < ENOUGH:
        return []
    connecting = pl.col("fault").is_in(CONNECT_FAULTS)
    # A wait for an answer can be as long as a connect by chance or by its setting.
    may_connect = connecting | pl.col("fault").is_null() | (pl.col("fault") == "other")
    every = _by_second(failing_durations)
    candidates = _by_second(failing_durations.filter(may_connect))
    found: list[Mode] = []
    taken: set[int] = set()
    for kind, seconds, counts in _named(every, candidates, total, service_ms):
        own = [each for each in seconds if each not in taken]
        failures = sum(counts.get(each, 0.0) for each in own)
        if failures < LEAST_SHARE * total:
            continue
        taken |= set(own)
        found.append(_mode(kind, own, failures, failures / total, service_ms))
    return sorted(found, key=lambda each: (-each.share, each.seconds))


def _named(
    every: Mapping[int, float],
    candidates: Mapping[int, float],
    total: float,
    service_ms: float | None,
) -> Iterator[tuple[str, list[int], Mapping[int, float]]]:
    """Seconds that may be a mode, by name."""
    yield AT_ONCE, [0], every
    yield CONNECT, list(CONNECT_SECONDS), candidates
    yield SILENCE, list(SILENT_SECONDS), every
    waits = [each for each in SYN_SECONDS if _stands_out(candidates, each, total)]
    yield RETRANSMISSION, waits, candidates
    multiples = _multiples(every, total, service_ms)
    if len(multiples) > 1:
        yield MULTIPLES, multiples, every
    for second in sorted(every):
        if second >= ROUND and second % ROUND == 0 and _stands_out(every, second, total):
            yield CONFIGURED, [second], every


def _multiples(every: Mapping[int, float], total: float, service_ms: float | None) -> list[int]:
    """Seconds that stand out at twice the service time, three times and so on."""
    if service_ms is None or service_ms < 1000 * LEAST_SERVICE_S:
        return []
    near = [round(times * service_ms / 1000) for times in range(2, MOST_MULTIPLE + 1)]
    return [each for each in near if _stands_out(every, each, total)]


def _stands_out(counts: Mapping[int, float], second: int, total: float) -> bool:
    here = counts.get(second, 0.0)
    return here >= LEAST_SHARE * total and here >= STANDS_OUT * counts.get(second - 1, 0.0)


def _by_second(frame: pl.DataFrame) -> dict[int, float]:
    return dict(frame.group_by("second").agg(pl.col("failures").sum()).iter_rows())


def _mode(
    kind: str, seconds: list[int], failures: float, of_all: float, service_ms: float | None
) -> Mode:
    first, final = min(seconds), max(seconds)
    listed = ", ".join(str(each) for each in seconds)
    words = {
        AT_ONCE: "within a second: nothing was waited for",
        CONNECT: "after 20 to 22 s, as connects do that nobody answers",
        SILENCE: "after 230 to 241 s, as calls do that are cut after long silence",
        RETRANSMISSION: f"in second {listed}, when a SYN that nobody answered is sent again",
        MULTIPLES: f"in second {listed}, multiples of the {(service_ms or 0) / 1000:.1f} s that a "
        "call took",
        CONFIGURED: f"in second {listed}, as a time-out set to so many does",
    }
    return Mode(
        kind, (first, final), failures, of_all, f"{share(of_all)} of failures ended {words[kind]}."
    )
