"""Statements take longer to make than the way out lets a connection be silent."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.contoso import PARTNER, contoso, with_operation
from tests.simulation.exchange import Cause
from tests.simulation.scenario import MINUTE_S, Scenario
from tests.simulation.traffic import Surge
from tests.simulation.world import Operation


def draw(rng: np.random.Generator) -> Scenario:
    """Seventy minutes; the month's statements are asked for during ten to sixteen of them."""
    usual = float(rng.uniform(2.0, 3.0))
    begins = float(rng.uniform(35.0, 42.0)) * MINUTE_S
    ends = begins + float(rng.uniform(10.0, 16.0)) * MINUTE_S
    asked = float(rng.uniform(0.15, 0.3))
    slow = Operation("make-statement", "POST", "/statements", 1e-9, 420.0, sigma=0.25)
    return Scenario(
        world=with_operation(contoso(rng), PARTNER, slow, timeout_s=300.0),
        background=Rate(((0.0, usual), (70 * MINUTE_S, usual))),
        mechanism="idle_timeout_reset",
        trigger="none_found",
        causes=(Cause.IDLE_CUT,),
        surges=(
            Surge(
                "reporting",
                ("make-statement",),
                Rate(((begins, asked), (ends, asked))),
            ),
        ),
    )
