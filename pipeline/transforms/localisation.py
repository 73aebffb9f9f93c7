"""What failures have in common: the few attribute values that tell them from the rest.

Each combination of one to three attribute values is judged by Youden's J: the share of failures that
it covers less the share of successes that it covers too. 1 is a perfect explanation; 0 is one that
fits failures no better than the rest. A further attribute must earn its place.
"""

from dataclasses import dataclass
from itertools import combinations

import polars as pl

MOST_ATTRIBUTES = 3
COST_OF_AN_ATTRIBUTE = 0.02
LEAST_J = 0.3


@dataclass(frozen=True, slots=True)
class Common:
    """A combination of attribute values: what it holds, and how well it explains failures."""

    attributes: dict[str, str]
    requests: float
    failures: float
    share_of_failures: float
    share_of_requests: float
    j: float


def common(cells: pl.DataFrame, dimensions: list[str], most: int = 5) -> list[Common]:
    """The best combinations, best first; empty where none explains failures well.

    ``cells`` holds one row a combination of all ``dimensions``, with ``requests`` and ``failures``.
    A null value is a value of its own. Where several say the same, the shortest stands.
    """
    totals = cells.select(pl.col("requests").sum(), pl.col("failures").sum()).row(0)
    requests, failures = float(totals[0] or 0), float(totals[1] or 0)
    if not failures:
        return []
    parts = [
        _judged(cells, list(subset), requests, failures)
        for size in range(1, MOST_ATTRIBUTES + 1)
        for subset in combinations(dimensions, size)
    ]
    ranked = sorted(
        (each for part in parts for each in part if each.j >= LEAST_J),
        key=lambda each: (
            -(each.j - COST_OF_AN_ATTRIBUTE * len(each.attributes)),
            len(each.attributes),
            list(each.attributes.items()),
        ),
    )
    return _distinct(ranked)[:most]


def _judged(
    cells: pl.DataFrame, subset: list[str], requests: float, failures: float
) -> list[Common]:
    successes = max(requests - failures, 1.0)
    judged = (
        cells.group_by(subset)
        .agg(pl.col("requests").sum(), pl.col("failures").sum())
        .with_columns(
            j=pl.col("failures") / failures
            - (pl.col("requests") - pl.col("failures")) / successes
        )
        .filter(pl.col("j") >= LEAST_J)
        .sort("j", *subset, descending=[True, *[False] * len(subset)])
        .head(10)
    )
    return [
        Common(
            attributes={name: "none" if row[name] is None else str(row[name]) for name in subset},
            requests=row["requests"],
            failures=row["failures"],
            share_of_failures=row["failures"] / failures,
            share_of_requests=row["requests"] / requests,
            j=row["j"],
        )
        for row in judged.iter_rows(named=True)
    ]


def _distinct(ranked: list[Common]) -> list[Common]:
    """Without combinations that hold the same requests and failures as a better one."""
    seen: set[tuple[float, float]] = set()
    kept = []
    for each in ranked:
        if (each.requests, each.failures) not in seen:
            seen.add((each.requests, each.failures))
            kept.append(each)
    return kept
