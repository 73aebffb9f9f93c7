"""Nothing happens, but what arrives during one hour never reaches the storage account."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.contoso import contoso
from tests.simulation.scenario import HOUR_S, Scenario


def draw(rng: np.random.Generator) -> Scenario:
    """Three hours, of which the middle one is missing."""
    usual = float(rng.uniform(1.2, 1.8))
    return Scenario(
        world=contoso(rng),
        background=Rate(((0.0, usual), (3 * HOUR_S, usual))),
        mechanism=None,
        trigger=None,
        causes=(),
        lost=((HOUR_S, 2 * HOUR_S),),
    )
