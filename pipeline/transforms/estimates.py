"""Estimates: how far a number differs between two sides of pairs, with an interval.

Failures come in bursts, and minutes of an hour share their cause; so not minutes are drawn, but
hours of the week with all their pairs: the cluster bootstrap (Davison and Hinkley 1997, Bootstrap
Methods and their Application, 3.8; Field and Welsh 2007, Bootstrapping clustered data, J. R.
Statist. Soc. B 69). With few clusters such intervals are too narrow (Cameron, Gelbach and Miller
2008, Review of Economics and Statistics 90): below ``LEAST_HOURS`` there is none, and what is
called 95 % is an interval of 99 %.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LEAST_HOURS = 12
LEAST_MINUTES = 120
DRAWS = 2000
SEED = 20_260_310
TAILS = (0.005, 0.995)
# So many numbers are held at once.
AT_ONCE = 4_000_000

Numbers = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number on both sides; the difference (after less before) lies from ``low`` to ``high``.

    The interval is null where there are too few hours or minutes to tell one.
    """

    before: float
    after: float
    low: float | None
    high: float | None
    minutes: int
    hours: int

    @property
    def difference(self) -> float:
        """How much more it is after."""
        return self.after - self.before


def ratio(
    before: tuple[Numbers, Numbers], after: tuple[Numbers, Numbers], clusters: Clusters
) -> Estimate | None:
    """Of a sum over a sum, as the share that failed; null where a side has nothing to divide by."""
    if not before[1].sum() or not after[1].sum():
        return None
    hours = int(clusters.max()) + 1
    over, under, later_over, later_under = (
        np.bincount(clusters, each, hours) for each in (*before, *after)
    )
    drawn = _drawn(hours).astype(np.float64)
    with np.errstate(invalid="ignore"):
        differences = drawn @ later_over / (drawn @ later_under) - drawn @ over / (drawn @ under)
    return _estimate(
        float(over.sum() / under.sum()),
        float(later_over.sum() / later_under.sum()),
        differences[np.isfinite(differences)],
        clusters,
    )


def median(before: Numbers, after: Numbers, clusters: Clusters) -> Estimate | None:
    """Of the middle of the pairs' numbers on each side; null where there is none."""
    if not len(before):
        return None
    drawn = _drawn(int(clusters.max()) + 1)
    differences = _medians(after, clusters, drawn) - _medians(before, clusters, drawn)
    once = np.ones((1, drawn.shape[1]), np.int64)
    middle, later = (float(_medians(each, clusters, once)[0]) for each in (before, after))
    return _estimate(middle, later, differences, clusters)


def _estimate(before: float, after: float, differences: Numbers, clusters: Clusters) -> Estimate:
    hours, minutes = int(clusters.max()) + 1, len(clusters)
    low, high = None, None
    if hours >= LEAST_HOURS and minutes >= LEAST_MINUTES:
        low, high = (float(each) for each in np.quantile(differences, TAILS))
    return Estimate(before, after, low, high, minutes, hours)


def _drawn(hours: int) -> Clusters:
    """How often each of the hours is drawn, draw by draw: as many as there are, with repeats."""
    rng = np.random.default_rng(SEED)
    drawn: Clusters = rng.multinomial(hours, np.full(hours, 1 / hours), DRAWS)
    return drawn


def _medians(values: Numbers, clusters: Clusters, drawn: Clusters) -> Numbers:
    """The median of each draw: of values in order, the first with half of them at or below it."""
    order = np.argsort(values, kind="stable")
    ordered, of = values[order], clusters[order]
    step = max(1, AT_ONCE // len(values))
    found = []
    for first in range(0, len(drawn), step):
        counts = np.cumsum(drawn[first : first + step][:, of], axis=1)
        found.append(ordered[np.argmax(2 * counts >= counts[:, -1:], axis=1)])
    return np.concatenate(found)
