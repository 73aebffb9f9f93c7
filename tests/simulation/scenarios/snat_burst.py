"""A traffic surge towards payments takes all SNAT ports to one ip:port for about twenty minutes."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.contoso import PAYMENTS, contoso
from tests.simulation.exchange import Cause
from tests.simulation.ports import FIN_HOLD_S
from tests.simulation.scenario import HOUR_S, MINUTE_S, Scenario
from tests.simulation.traffic import Surge


def draw(rng: np.random.Generator) -> Scenario:
    """Ninety minutes of calm, then more new connections than ports come free, then calm again."""
    world = contoso(rng)
    ports = sum(unit.ports for unit in world.units)
    ports_per_request_s = FIN_HOLD_S * world.destination(PAYMENTS).close_share
    pressure = float(rng.uniform(1.1, 1.3))
    top = pressure * ports / ports_per_request_s
    begins = 94 * MINUTE_S + float(rng.uniform(0.0, 60.0))
    lasts = float(rng.uniform(23.0, 25.0)) * MINUTE_S
    usual = float(rng.uniform(3.6, 4.2))
    return Scenario(
        world=world,
        background=Rate(((0.0, 0.85 * usual), (1.5 * HOUR_S, usual), (3 * HOUR_S, usual))),
        mechanism="snat_port_exhaustion",
        trigger="traffic_surge",
        causes=(Cause.SNAT,),
        surges=(
            Surge(
                "web-shop",
                ("create-payment", "get-payment", "authorise"),
                Rate(
                    (
                        (begins, 0.0),
                        (begins + 4 * MINUTE_S, top),
                        (begins + lasts, top),
                        (begins + lasts + 3 * MINUTE_S, 0.0),
                    )
                ),
            ),
        ),
    )
