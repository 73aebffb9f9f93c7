"""Orders is down, and a harmless burst of calls to the catalogue comes at the same time."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.backend import Refusal
from tests.simulation.contoso import ORDERS, contoso
from tests.simulation.exchange import Cause
from tests.simulation.scenario import MINUTE_S, Scenario
from tests.simulation.traffic import Surge


def draw(rng: np.random.Generator) -> Scenario:
    """Seventy minutes; the burst begins a little before the outage."""
    usual = float(rng.uniform(2.0, 3.0))
    begins = float(rng.uniform(35.0, 42.0)) * MINUTE_S
    ends = begins + float(rng.uniform(8.0, 14.0)) * MINUTE_S
    burst = begins - float(rng.uniform(1.0, 3.0)) * MINUTE_S
    top = float(rng.uniform(4.0, 6.0))
    return Scenario(
        world=contoso(rng),
        background=Rate(((0.0, usual), (70 * MINUTE_S, usual))),
        mechanism="backend_unreachable",
        trigger="none_found",
        causes=(Cause.REFUSED, Cause.RESET),
        surges=(Surge("mobile-app", ("search", "get-product"), Rate(((burst, top), (ends, top)))),),
        faults=(Refusal(ORDERS, begins, ends),),
    )
