"""When a level changed: the one step that fits a series best, with the span in which it may lie.

The step is found by least squares. The span holds every place whose fit is not significantly
worse: a likelihood ratio at 95 %, where neighbouring values that resemble each other count as fewer
(by the residuals' lag-one autocorrelation). A place is no smooth parameter, so the ratio is not
chi-square: its distribution is (1 - exp(-x / 2))², which reaches 0.95 at 7.35 (Hansen 2000).
"""

from dataclasses import dataclass

import numpy as np

from pipeline.transforms.grid import Series

CHI_SQUARE_95 = 3.84
PLACE_95 = 7.35
LEAST_SIDE = 5


@dataclass(frozen=True, slots=True)
class Step:
    """``at`` is the index of the first value of the new level, between ``low`` and ``high``.

    ``rise`` is new level less old; ``significant`` whether a step fits better than none does.
    """

    at: int
    low: int
    high: int
    rise: float
    significant: bool


def step(values: Series) -> Step | None:
    """The best single step in a series; null where it is too short for one."""
    count = len(values)
    if count < 2 * LEAST_SIDE:
        return None
    places = np.arange(LEAST_SIDE, count - LEAST_SIDE + 1)
    costs = np.array([_cost(values[:place]) + _cost(values[place:]) for place in places])
    best = int(places[np.argmin(costs)])
    levels = np.where(np.arange(count) < best, values[:best].mean(), values[best:].mean())
    residuals = values - levels
    variance = max(float(residuals @ residuals) / count, 1e-12)
    effective = _independence(residuals)
    allowed = places[(costs - costs.min()) * effective / variance <= PLACE_95]
    gain = (_cost(values) - costs.min()) * effective / variance
    return Step(
        at=best,
        low=int(allowed.min()),
        high=int(allowed.max()),
        rise=float(values[best:].mean() - values[:best].mean()),
        # The place was searched for: Bonferroni over the places tried, roughly 2 ln(n) more.
        significant=bool(gain > CHI_SQUARE_95 + 2 * np.log(len(places))),
    )


def _cost(values: Series) -> float:
    centred = values - values.mean()
    return float(centred @ centred)


def _independence(residuals: Series) -> float:
    """Share of the values that count as independent, from lag-one autocorrelation."""
    power = float(residuals @ residuals)
    if power <= 0:
        return 1.0
    rho = float(residuals[1:] @ residuals[:-1]) / power
    rho = min(max(rho, 0.0), 0.95)
    return (1 - rho) / (1 + rho)
