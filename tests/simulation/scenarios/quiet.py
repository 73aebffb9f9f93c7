"""Nothing happens but everyday noise: callers' mistakes, scanners, a rare error, a rare abort."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.contoso import contoso
from tests.simulation.scenario import HOUR_S, Scenario


def draw(rng: np.random.Generator) -> Scenario:
    """Ninety minutes of steady traffic."""
    usual = float(rng.uniform(2.5, 3.5))
    return Scenario(
        world=contoso(rng),
        background=Rate(((0.0, usual), (1.5 * HOUR_S, usual))),
        mechanism=None,
        trigger=None,
        causes=(),
    )
