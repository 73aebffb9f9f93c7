"""Somebody tests the catalogue under load; it speaks HTTP/2 and takes it well."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.contoso import CATALOGUE, contoso, with_multiplexing
from tests.simulation.scenario import MINUTE_S, Scenario
from tests.simulation.traffic import Surge


def draw(rng: np.random.Generator) -> Scenario:
    """An hour; the test lasts for fifteen minutes."""
    usual = float(rng.uniform(1.5, 2.0))
    top = float(rng.uniform(9.0, 13.0))
    begins = float(rng.uniform(24.0, 30.0)) * MINUTE_S
    ends = begins + 15.0 * MINUTE_S
    return Scenario(
        world=with_multiplexing(contoso(rng), CATALOGUE),
        background=Rate(((0.0, usual), (60 * MINUTE_S, usual))),
        mechanism=None,
        trigger=None,
        causes=(),
        surges=(
            Surge("monitoring", ("search", "get-product"), Rate(((begins, top), (ends, top)))),
        ),
    )
