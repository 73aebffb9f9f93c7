"""What failures have in common: the few attribute values that tell them from the rest.

The task is known as multi-dimensional localisation; Adtributor (Bhagwan and others, NSDI 2014),
Squeeze (Li and others, ISSRE 2019) and RiskLoc (Kalander, 2022) pose it alike: cells of attribute
values, each with what was seen and what was expected, and the smallest set of combinations that
explains the difference. Here a combination of one to three values is judged by how much of the
failures beyond the expected it holds (coverage), times how far the failure rate drops outside of it
(contrast: one less the rate outside over the rate inside). The best is taken, what it holds is left
out, and so on, until nothing that is left stands out. A further attribute must earn its place.
"""

from dataclasses import dataclass
from itertools import combinations

import polars as pl

MOST_ATTRIBUTES = 3
COST_OF_AN_ATTRIBUTE = 0.02
# Of all failures, a combination must hold this much; what is left is not looked into further.
LEAST_COVERAGE = 0.1
NEARLY_ALL = 0.9
# And requests outside must fail this much less often: by the factor 1 - 0.5.
LEAST_CONTRAST = 0.5
# Failures beyond what the rate outside leads to expect, in standard deviations of counting: so
# far above, for the best of very many combinations is looked at.
LEAST_SPREADS = 5.0
REST = "\N{NULL}"


@dataclass(frozen=True, slots=True)
class Common:
    """A combination of attribute values: what it holds, and how well it explains failures.

    ``same`` are other values, one attribute each, of exactly the same requests: the data cannot
    tell which of them it is.
    """

    attributes: dict[str, str]
    requests: float
    failures: float
    share_of_failures: float
    share_of_requests: float
    rate_inside: float
    rate_outside: float
    same: dict[str, str]


def common(cells: pl.DataFrame, dimensions: list[str], most: int = 5) -> list[Common]:
    """The smallest set of combinations that explains the failures, the one with most of them first.

    ``cells`` holds one row a combination of all ``dimensions``, with ``requests``, ``failures`` and
    maybe ``expected`` (failures as usual). A null is a value of its own, an empty text stands for
    any other and is none. Of values that hold the
    same requests, that of the dimension named first stands. Empty if the cause lies outside these
    dimensions.
    """
    if "expected" not in cells.columns:
        cells = cells.with_columns(expected=pl.lit(0.0))
    requests, failures, expected = _sums(cells, "requests", "failures", "expected")
    beyond = max(0.0, failures - expected)
    left = _collapsed(cells, dimensions, LEAST_COVERAGE * beyond)
    found: list[Common] = []
    while beyond and len(found) < most:
        best = _best(left, dimensions, beyond, LEAST_COVERAGE)
        if best is None:
            break
        best |= _narrowed(left, dimensions, best)
        held = pl.all_horizontal(pl.col(name) == value for name, value in best.items())
        inside, left = left.filter(held), left.filter(~held)
        own_requests, own_failures = _sums(inside, "requests", "failures")
        other_requests, other_failures = _sums(left, "requests", "failures")
        found.append(
            Common(
                attributes=best,
                requests=own_requests,
                failures=own_failures,
                share_of_failures=own_failures / failures,
                share_of_requests=own_requests / requests,
                rate_inside=own_failures / own_requests,
                rate_outside=other_failures / other_requests if other_requests else 0.0,
                same=_same(inside, left, [name for name in dimensions if name not in best]),
            )
        )
        if other_failures - _sums(left, "expected")[0] < LEAST_COVERAGE * beyond:
            break
    return found


def _collapsed(cells: pl.DataFrame, dimensions: list[str], least: float) -> pl.DataFrame:
    """The cells with values that hold too few failures put together, so that few cells are left."""
    texts = cells.with_columns(pl.col(dimensions).cast(pl.String).fill_null("none"))
    for name in dimensions:
        held = texts.group_by(name).agg((pl.col("failures") - pl.col("expected")).sum())
        frequent = held.filter(pl.col("failures") >= least)[name].implode()
        texts = texts.with_columns(
            pl.when(pl.col(name).is_in(frequent), pl.col(name) != "")
            .then(pl.col(name))
            .otherwise(pl.lit(REST))
        )
    return texts.group_by(dimensions).agg(pl.col("requests", "failures", "expected").sum())


def _sums(cells: pl.DataFrame, *names: str) -> tuple[float, ...]:
    return tuple(float(cells[name].sum() or 0) for name in names)


def _narrowed(cells: pl.DataFrame, dimensions: list[str], best: dict[str, str]) -> dict[str, str]:
    """Further attributes without which a combination holds many requests that do not fail."""
    others = [name for name in dimensions if name not in best]
    inside = cells.filter(pl.all_horizontal(pl.col(name) == value for name, value in best.items()))
    failures, expected = _sums(inside, "failures", "expected")
    most = MOST_ATTRIBUTES - len(best)
    return _best(inside, others, failures - expected, NEARLY_ALL, most) or {}


def _best(
    cells: pl.DataFrame,
    dimensions: list[str],
    beyond: float,
    least: float,
    most: int = MOST_ATTRIBUTES,
) -> dict[str, str] | None:
    """The combination that explains most of these failures, and at least so much of them."""
    requests, failures = _sums(cells, "requests", "failures")
    best: tuple[float, dict[str, str]] | None = None
    for size in range(1, most + 1):
        for subset in combinations(dimensions, size):
            judged = _judged(cells, list(subset), requests, failures, beyond, least)
            if judged.is_empty():
                continue
            first = judged.row(0, named=True)
            score = round(first["score"] - COST_OF_AN_ATTRIBUTE * size, 9)
            if best is None or score > best[0]:
                best = score, {name: first[name] for name in subset}
    return best and best[1]


def _judged(
    cells: pl.DataFrame,
    subset: list[str],
    requests: float,
    failures: float,
    beyond: float,
    least: float,
) -> pl.DataFrame:
    """The combinations of these attributes that will do, the best first."""
    named = cells.filter(pl.all_horizontal(pl.col(name) != REST for name in subset))
    grouped = named.group_by(subset).agg(pl.col("requests", "failures", "expected").sum())
    # Half a failure is added outside: a handful of requests without one prove no contrast.
    outside = (failures - pl.col("failures") + 0.5) / (requests - pl.col("requests") + 0.5)
    by_chance = pl.col("requests") * outside
    return (
        grouped.with_columns(
            coverage=(pl.col("failures") - pl.col("expected")) / beyond,
            contrast=1 - by_chance / pl.col("failures"),
            spreads=(pl.col("failures") - by_chance) / (by_chance + 1).sqrt(),
        )
        .filter(
            pl.col("coverage") >= least,
            pl.col("contrast") >= LEAST_CONTRAST,
            pl.col("spreads") >= LEAST_SPREADS,
            pl.col("requests") < requests,
        )
        .with_columns(score=pl.col("coverage") * pl.col("contrast"))
        .sort("score", *subset, descending=[True, *[False] * len(subset)])
    )


def _same(inside: pl.DataFrame, outside: pl.DataFrame, dimensions: list[str]) -> dict[str, str]:
    """Values of other attributes that all of the requests have, and no others."""
    found = {}
    for name in dimensions:
        values = inside[name].unique().to_list()
        if len(values) == 1 and values[0] != REST and values[0] not in outside[name]:
            found[name] = values[0]
    return found
