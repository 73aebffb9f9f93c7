"""A reporting run asks the partner for more than it allows: 429 above a plateau of successes."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.backend import Throttle
from tests.simulation.contoso import PARTNER, contoso
from tests.simulation.exchange import Cause
from tests.simulation.scenario import HOUR_S, MINUTE_S, Scenario
from tests.simulation.traffic import Surge


def draw(rng: np.random.Generator) -> Scenario:
    """An hour and a half; the run lasts fifteen to twenty-five minutes."""
    usual = float(rng.uniform(2.5, 3.5))
    allowed = float(rng.uniform(0.8, 1.2))
    asked = allowed * float(rng.uniform(1.6, 2.5))
    begins = float(rng.uniform(42.0, 50.0)) * MINUTE_S
    ends = begins + float(rng.uniform(15.0, 25.0)) * MINUTE_S
    return Scenario(
        world=contoso(rng),
        background=Rate(((0.0, usual), (1.5 * HOUR_S, usual))),
        mechanism="destination_throttling",
        trigger="traffic_surge",
        causes=(Cause.THROTTLED,),
        surges=(
            Surge(
                "reporting",
                ("get-quote",),
                Rate(
                    (
                        (begins, 0.0),
                        (begins + MINUTE_S, asked),
                        (ends, asked),
                        (ends + MINUTE_S, 0.0),
                    )
                ),
            ),
        ),
        faults=(Throttle(PARTNER, allowed, 30.0 * allowed),),
    )
