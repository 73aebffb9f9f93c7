"""Payments comes near to the end of its ports for a while, and no connect fails."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.contoso import PAYMENTS, contoso
from tests.simulation.ports import FIN_HOLD_S
from tests.simulation.scenario import MINUTE_S, Scenario
from tests.simulation.traffic import Surge


def draw(rng: np.random.Generator) -> Scenario:
    """An hour; the load is high for twenty-five minutes."""
    world = contoso(rng, ("West Europe",))
    usual = float(rng.uniform(1.0, 1.5))
    per_port = FIN_HOLD_S * world.destination(PAYMENTS).close_share
    top = float(rng.uniform(0.8, 0.86)) * world.units[0].ports / per_port - 0.44 * usual
    begins = float(rng.uniform(15.0, 22.0)) * MINUTE_S
    ends = begins + 25.0 * MINUTE_S
    return Scenario(
        world=world,
        background=Rate(((0.0, usual), (60 * MINUTE_S, usual))),
        mechanism=None,
        trigger=None,
        causes=(),
        surges=(
            Surge(
                "web-shop",
                ("create-payment", "get-payment", "authorise"),
                Rate(((begins, 0.0), (begins + MINUTE_S, top), (ends, top), (ends + 60.0, 0.0))),
            ),
        ),
    )
