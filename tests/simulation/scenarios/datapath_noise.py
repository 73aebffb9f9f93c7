"""The way out looks unavailable now and then in its metrics, and no caller notices."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.contoso import contoso
from tests.simulation.scenario import MINUTE_S, Scenario


def draw(rng: np.random.Generator) -> Scenario:
    """Seventy minutes with six dips of a minute each."""
    usual = float(rng.uniform(2.0, 3.0))
    dips = rng.uniform(5.0, 65.0, 6) * MINUTE_S
    return Scenario(
        world=contoso(rng),
        background=Rate(((0.0, usual), (70 * MINUTE_S, usual))),
        mechanism=None,
        trigger=None,
        causes=(),
        dips=tuple(dips.tolist()),
    )
