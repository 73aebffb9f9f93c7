"""Orders answers nearly everything with 401: the gateway's secret was rotated away."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.backend import ErrorAnswers
from tests.simulation.contoso import ORDERS, contoso
from tests.simulation.exchange import Cause
from tests.simulation.scenario import MINUTE_S, Scenario


def draw(rng: np.random.Generator) -> Scenario:
    """Seventy minutes; the new secret arrives after ten to twenty."""
    usual = float(rng.uniform(2.0, 3.0))
    begins = float(rng.uniform(33.0, 42.0)) * MINUTE_S
    ends = begins + float(rng.uniform(10.0, 20.0)) * MINUTE_S
    return Scenario(
        world=contoso(rng),
        background=Rate(((0.0, usual), (70 * MINUTE_S, usual))),
        mechanism="authentication_failure",
        trigger="none_found",
        causes=(Cause.BACKEND_ERROR,),
        faults=(ErrorAnswers(ORDERS, begins, ends, 401, float(rng.uniform(0.9, 1.0))),),
    )
