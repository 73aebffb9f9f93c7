"""Departures: minutes in which more requests end in one way than usual.

The usual rate is the median over minutes, its spread the median absolute deviation (MAD, scaled by
1.4826 to a standard deviation), so that a short incident does not raise the bar; where the rate
steps from one level to another for good, the lower level is the usual one. A minute is bad where
there are more than twice as many as the usual rate leads to expect, and six spreads more, the
counting noise of the minute's own traffic included. Where a minute holds too little traffic to
tell, longer stretches are judged in the same way.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.transforms.change_point import step
from pipeline.transforms.grid import Series

SPREADS = 6.0
# Beside a bad minute, this much is enough to belong to its run.
SPREADS_BESIDE = 3.0
MAD_TO_SIGMA = 1.4826
# A rate of failures above this is never taken as usual: data may hold nothing but the incident.
HIGHEST_USUAL_RATE = 0.05
LEAST_RISE = 2.0
LEAST_FAILURES_A_MINUTE = 3
# Minutes that are judged together, where one by one they hold too little to tell.
LONGER_STRETCHES = (5, 15, 60)
# A level is usual where it lasted for this many minutes; steps are looked for among so many blocks.
LEAST_CALM_MINUTES = 10
MOST_BLOCKS = 600

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Departure:
    """Where one kind of outcome departs from its usual rate, minute by minute.

    ``raised`` are the bad minutes and those that are not bad by themselves, but do beside one.
    """

    bad: Mask
    raised: Mask
    counts: Series
    usual: float
    spread: float


def weight(requests: Series, sampled: Series) -> float:
    """Requests that one record stands for: what chance gives and takes at once."""
    weighted = sampled > 0
    if not weighted.any():
        return 1.0
    return max(1.0, float(np.min(requests[weighted] / sampled[weighted])))


def departure(
    requests: Series, counts: Series, a_record: float, highest: float | None
) -> Departure:
    """Minutes in which an outcome departs from its usual rate; ``highest`` bounds what is usual."""
    calm = _calm(requests, counts)
    usual, spread = _usual(requests[calm], counts[calm], highest)
    bad = _above(requests, counts, usual, spread, a_record)
    for width in LONGER_STRETCHES:
        if width > len(requests):
            break
        left_requests, left = np.where(bad, 0, requests), np.where(bad, 0, counts)
        # The median of minutes is zero where failures are rare; over many minutes their mean tells.
        mean = float(np.sum(left[calm])) / max(float(np.sum(left_requests[calm])), 1)
        rate = max(usual, mean if highest is None else min(mean, highest))
        above = _above(_rolled(left_requests, width), _rolled(left, width), rate, spread, a_record)
        bad = bad | (_rolled_back(above, width) & (left > rate * requests))
    raised = bad | _above(requests, counts, usual, spread, a_record, SPREADS_BESIDE)
    return Departure(bad, raised, counts, usual, spread)


def _rolled(values: Series, width: int) -> Series:
    """Sums over as many neighbours, each with those that follow it."""
    return np.convolve(values, np.ones(width), mode="valid")


def _rolled_back(stretches: Mask, width: int) -> Mask:
    """Minutes that lie in one of the stretches."""
    result: Mask = np.convolve(stretches, np.ones(width), mode="full") > 0.5
    return result


def _calm(requests: Series, counts: Series) -> Mask:
    """Minutes that tell what is usual: those with requests, on the lower side of a lasting step."""
    busy: Mask = requests > 0
    places = np.flatnonzero(busy)
    rates = counts[busy] / requests[busy]
    width = max(1, -(-len(rates) // MOST_BLOCKS))
    blocks = np.array([rates[at : at + width].mean() for at in range(0, len(rates), width)])
    found = step(blocks)
    if found is None or not found.significant:
        return busy
    at = found.at * width
    lower = places[:at] if found.rise > 0 else places[at:]
    if len(lower) < LEAST_CALM_MINUTES:
        return busy
    calm = np.zeros_like(busy)
    calm[lower] = True
    return calm


def _usual(requests: Series, counts: Series, highest: float | None) -> tuple[float, float]:
    """Median and scaled MAD of the rate in minutes that had requests, within what can be usual."""
    if not len(requests):
        return 0.0, 0.0
    rates = counts / requests
    usual = float(np.median(rates))
    spread = MAD_TO_SIGMA * float(np.median(np.abs(rates - usual)))
    if highest is None:
        return usual, spread
    if usual > LEAST_RISE * highest:
        return highest, 0.0  # it is the incident that was measured, its spread too
    return min(usual, highest), min(spread, highest)


def _above(
    requests: Series,
    counts: Series,
    usual: float,
    spread: float,
    a_record: float,
    spreads: float = SPREADS,
) -> Mask:
    expected = usual * requests
    # Counting noise of the traffic itself (Poisson), at least one failure's worth.
    noise = a_record * np.sqrt(np.maximum(expected / a_record, 1.0))
    allowed = expected + spreads * np.maximum(spread * requests, noise)
    enough = np.maximum(LEAST_FAILURES_A_MINUTE * a_record, np.minimum(allowed, 0.5 * requests))
    result: Mask = (counts >= enough) & (counts > LEAST_RISE * expected)
    return result
