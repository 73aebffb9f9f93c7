"""What failures have in common: the few attribute values that tell them from the rest.

A combination of one to three attribute values is judged by how many of the failures it holds
(coverage), times how far the failure rate drops outside of it (contrast: one less the rate outside
over the rate inside). 1 is a perfect explanation; 0 one that fits no better than the rest. What
holds all traffic explains nothing. A further attribute must earn its place.
"""

from dataclasses import dataclass
from itertools import combinations

import polars as pl

MOST_ATTRIBUTES = 3
COST_OF_AN_ATTRIBUTE = 0.02
LEAST_SCORE = 0.4
MOST_PER_SUBSET = 5


@dataclass(frozen=True, slots=True)
class Common:
    """A combination of attribute values: what it holds, and how well it explains failures."""

    attributes: dict[str, str]
    requests: float
    failures: float
    share_of_failures: float
    share_of_requests: float
    rate_inside: float
    rate_outside: float
    score: float


def common(cells: pl.DataFrame, dimensions: list[str], most: int = 5) -> list[Common]:
    """The best combinations, best first; empty where none explains failures well.

    ``cells`` holds one row a combination of all ``dimensions``, with ``requests`` and ``failures``.
    A null value is a value of its own. Where several hold the same requests, the shortest stands.
    """
    totals = cells.select(pl.col("requests").sum(), pl.col("failures").sum()).row(0)
    requests, failures = float(totals[0] or 0), float(totals[1] or 0)
    if not failures:
        return []
    judged = [
        each
        for size in range(1, MOST_ATTRIBUTES + 1)
        for subset in combinations(dimensions, size)
        for each in _judged(cells, list(subset), requests, failures)
    ]
    ranked = sorted(
        judged,
        key=lambda each: (
            -round(each.score - COST_OF_AN_ATTRIBUTE * len(each.attributes), 9),
            list(each.attributes.items()),
        ),
    )
    return _distinct(ranked)[:most]


def _judged(
    cells: pl.DataFrame, subset: list[str], requests: float, failures: float
) -> list[Common]:
    grouped = cells.group_by(subset).agg(pl.col("requests").sum(), pl.col("failures").sum())
    # Half a failure is added outside: a handful of requests without one prove no contrast.
    outside = (failures - pl.col("failures") + 0.5) / (requests - pl.col("requests") + 0.5)
    inside = pl.col("failures") / pl.col("requests")
    judged = (
        grouped.with_columns(outside=outside, inside=inside)
        .with_columns(
            score=pl.col("failures")
            / failures
            * (1 - pl.col("outside") / pl.col("inside")).clip(0, 1)
        )
        .filter((pl.col("score") >= LEAST_SCORE) & (pl.col("requests") < requests))
        .sort("score", *subset, descending=[True, *[False] * len(subset)])
        .head(MOST_PER_SUBSET)
    )
    return [
        Common(
            attributes={name: "none" if row[name] is None else str(row[name]) for name in subset},
            requests=row["requests"],
            failures=row["failures"],
            share_of_failures=row["failures"] / failures,
            share_of_requests=row["requests"] / requests,
            rate_inside=row["inside"],
            rate_outside=(failures - row["failures"]) / (requests - row["requests"]),
            score=row["score"],
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
