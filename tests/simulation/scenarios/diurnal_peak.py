"""Traffic grows to several times its low and falls again, and nothing goes wrong."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.contoso import contoso
from tests.simulation.scenario import MINUTE_S, Scenario


def draw(rng: np.random.Generator) -> Scenario:
    """Two hours, with the peak in the middle."""
    low = float(rng.uniform(0.6, 1.0))
    peak = low * float(rng.uniform(4.0, 6.0))
    shape = np.sin(np.linspace(0.0, np.pi, 25)) ** 2
    return Scenario(
        world=contoso(rng),
        background=Rate(
            tuple(
                (5.0 * MINUTE_S * step, low + (peak - low) * float(height))
                for step, height in enumerate(shape)
            )
        ),
        mechanism=None,
        trigger=None,
        causes=(),
    )
