"""What a landing did, in words."""

from collections.abc import Iterator, Mapping

from pipeline.claim import known_formats
from pipeline.landed import Landing
from pipeline.wording import of

MOST_NAMED = 5


def told(landing: Landing) -> str:
    """What a landing did, in one line."""
    rows = ", ".join(f"{count:,} {name}" for name, count in sorted(landing.rows.items()))
    parts = [
        f"{of(landing.seen, 'blob')} seen, {landing.read:,} read, {landing.skipped:,} unchanged"
        + (f", {left:,} left out" if (left := len(landing.unclaimed)) else ""),
        f"{of(landing.lines, 'line')} = {rows or '0 rows'}"
        f" + {landing.duplicates:,} duplicates + {landing.quarantined.total():,} quarantined"
        f" + {landing.set_aside.total():,} set aside + {landing.pending:,} pending",
    ]
    return "; ".join(parts)


def told_by_dataset(landing: Landing) -> Iterator[str]:
    """What a landing did for each dataset: blobs, what became of the lines, and why of which."""
    for name, did in sorted(landing.datasets.items()):
        yield (
            f"{name}: {of(did.read, 'blob')} read, {did.skipped:,} unchanged; "
            f"{of(did.lines, 'line')} = {of(did.rows, 'row')} + {did.duplicates:,} duplicates"
            f" + {did.quarantined.total():,} quarantined + {did.set_aside.total():,} set aside"
            f" + {did.pending:,} pending"
        )
        for kind, count in sorted(did.quarantined.items()):
            yield f"  quarantined: {count:,} {kind}"
        for kind, count in sorted(did.set_aside.items()):
            yield f"  set aside: {count:,} of kind {kind}"


def problems(landing: Landing) -> list[str]:
    """What of the exports could not be read to its end; of blobs alike in why, the first stands."""
    alike: dict[str, list[str]] = {}
    for blob, why in sorted(landing.unreadable.items()):
        alike.setdefault(why, []).append(blob)
    found = [f"{_first(first, others)}: {why}" for why, (first, *others) in alike.items()]
    if landing.broken:
        first, *others = sorted(landing.broken)
        found.append(
            f"{of(1 + len(others), 'blob')} could not be read to the end: {_first(first, others)}; "
            "what came before was landed, see 'gateway-rca lake quarantine' for where"
        )
    return found


def _first(first: str, others: list[str]) -> str:
    return f"{first} (and {len(others):,} more)" if others else first


def left_out(unclaimed: Mapping[str, str]) -> Iterator[str]:
    """The files that are no exports, a few of them if they are many, and what was looked for."""
    for blob, why in list(unclaimed.items())[:MOST_NAMED]:
        yield f"left out: {blob}: {why}"
    if len(unclaimed) > MOST_NAMED:
        yield f"left out: {len(unclaimed) - MOST_NAMED:,} more files of no known format"
    if unclaimed:
        yield f"looked for: {known_formats()}"
