"""The orders process dies: requests in flight are reset, new connections refused at once."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.backend import Refusal
from tests.simulation.contoso import ORDERS, contoso
from tests.simulation.exchange import Cause
from tests.simulation.scenario import HOUR_S, MINUTE_S, Scenario


def draw(rng: np.random.Generator) -> Scenario:
    """An hour and a half; orders is down for eight to fifteen minutes of it."""
    usual = float(rng.uniform(2.5, 3.5))
    begins = float(rng.uniform(45.0, 55.0)) * MINUTE_S
    return Scenario(
        world=contoso(rng),
        background=Rate(((0.0, usual), (1.5 * HOUR_S, usual))),
        mechanism="backend_unreachable",
        trigger="none_found",
        causes=(Cause.REFUSED, Cause.RESET),
        faults=(Refusal(ORDERS, begins, begins + float(rng.uniform(8.0, 15.0)) * MINUTE_S),),
    )
