"""At low port demand, all new connections to orders vanish from one minute to the next."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.backend import BlackHole
from tests.simulation.contoso import ORDERS, contoso
from tests.simulation.exchange import Cause
from tests.simulation.scenario import HOUR_S, MINUTE_S, Scenario


def draw(rng: np.random.Generator) -> Scenario:
    """An hour and a half; a rule in between drops SYNs for ten to twenty minutes."""
    usual = float(rng.uniform(2.5, 3.5))
    begins = float(rng.uniform(45.0, 55.0)) * MINUTE_S
    return Scenario(
        world=contoso(rng),
        background=Rate(((0.0, usual), (1.5 * HOUR_S, usual))),
        mechanism="backend_unreachable",
        trigger="none_found",
        causes=(Cause.BLACK_HOLE,),
        faults=(BlackHole(ORDERS, begins, begins + float(rng.uniform(10.0, 20.0)) * MINUTE_S),),
    )
