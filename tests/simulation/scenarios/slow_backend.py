"""Orders gets slower and slower: first late answers, then forward-request time-outs."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.backend import Slowdown
from tests.simulation.contoso import ORDERS, contoso
from tests.simulation.exchange import Cause
from tests.simulation.scenario import HOUR_S, MINUTE_S, Scenario


def draw(rng: np.random.Generator) -> Scenario:
    """An hour and a half; orders is at its slowest for a quarter of an hour in the second half."""
    usual = float(rng.uniform(2.5, 3.5))
    begins = float(rng.uniform(40.0, 46.0)) * MINUTE_S
    ramp_s = float(rng.uniform(5.0, 8.0)) * MINUTE_S
    return Scenario(
        world=contoso(rng),
        background=Rate(((0.0, usual), (1.5 * HOUR_S, usual))),
        mechanism="backend_slow",
        trigger="none_found",
        causes=(Cause.SLOW,),
        faults=(
            Slowdown(
                ORDERS,
                begins,
                begins + ramp_s + float(rng.uniform(12.0, 18.0)) * MINUTE_S,
                float(rng.uniform(200.0, 400.0)),
                ramp_s,
            ),
        ),
    )
