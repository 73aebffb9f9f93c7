"""Policies call payments on their own, which no record tells, and use up its ports."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.contoso import PAYMENTS, contoso
from tests.simulation.exchange import Cause
from tests.simulation.ports import FIN_HOLD_S
from tests.simulation.scenario import MINUTE_S, Scenario, SideCalls


def draw(rng: np.random.Generator) -> Scenario:
    """Seventy minutes; the calls come for twelve to eighteen of them."""
    world = contoso(rng, ("West Europe",))
    usual = float(rng.uniform(2.0, 3.0))
    rate = float(rng.uniform(1.2, 1.4)) * world.units[0].ports / FIN_HOLD_S
    begins = float(rng.uniform(30.0, 36.0)) * MINUTE_S
    ends = begins + float(rng.uniform(12.0, 18.0)) * MINUTE_S
    return Scenario(
        world=world,
        background=Rate(((0.0, usual), (70 * MINUTE_S, usual))),
        mechanism="snat_port_exhaustion",
        trigger="none_found",
        causes=(Cause.SNAT,),
        side_calls=(SideCalls(PAYMENTS, Rate(((begins, rate), (ends, rate))), 0.3),),
    )
