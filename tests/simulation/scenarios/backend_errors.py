"""The catalogue answers most requests with 503, seen from a gateway in two regions."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.backend import ErrorAnswers
from tests.simulation.contoso import CATALOGUE, contoso
from tests.simulation.exchange import Cause
from tests.simulation.scenario import HOUR_S, MINUTE_S, Scenario


def draw(rng: np.random.Generator) -> Scenario:
    """An hour and a half; the catalogue is overloaded for ten to twenty minutes of it."""
    usual = float(rng.uniform(2.5, 3.5))
    begins = float(rng.uniform(42.0, 52.0)) * MINUTE_S
    ends = begins + float(rng.uniform(10.0, 20.0)) * MINUTE_S
    return Scenario(
        world=contoso(rng, ("West Europe", "West Europe", "North Europe")),
        background=Rate(((0.0, usual), (1.5 * HOUR_S, usual))),
        mechanism="backend_errors",
        trigger="none_found",
        causes=(Cause.BACKEND_ERROR,),
        faults=(ErrorAnswers(CATALOGUE, begins, ends, 503, float(rng.uniform(0.5, 0.95))),),
    )
