"""A surge overruns what accepts connections at payments: it looks like exhaustion, and is none."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.backend import FullBacklog
from tests.simulation.contoso import PAYMENTS, contoso
from tests.simulation.exchange import Cause
from tests.simulation.ports import FIN_HOLD_S
from tests.simulation.scenario import MINUTE_S, Scenario
from tests.simulation.traffic import Surge


def draw(rng: np.random.Generator) -> Scenario:
    """Seventy minutes; the surge lasts twelve to eighteen, and takes a third of the ports."""
    world = contoso(rng)
    ports = sum(unit.ports for unit in world.units)
    opened = float(rng.uniform(0.3, 0.35)) * ports / (FIN_HOLD_S + 20.0)
    asked = opened / world.destination(PAYMENTS).close_share
    accepted = float(rng.uniform(0.5, 0.7)) * opened
    usual = float(rng.uniform(1.5, 2.0))
    begins = float(rng.uniform(30.0, 36.0)) * MINUTE_S
    ends = begins + float(rng.uniform(12.0, 18.0)) * MINUTE_S
    return Scenario(
        world=world,
        background=Rate(((0.0, usual), (70 * MINUTE_S, usual))),
        mechanism="backend_unreachable",
        trigger="traffic_surge",
        causes=(Cause.BLACK_HOLE,),
        surges=(
            Surge(
                "web-shop",
                ("create-payment", "get-payment", "authorise"),
                Rate(
                    (
                        (begins, 0.0),
                        (begins + 2 * MINUTE_S, asked),
                        (ends, asked),
                        (ends + 2 * MINUTE_S, 0.0),
                    )
                ),
            ),
        ),
        faults=(FullBacklog(PAYMENTS, accepted, 10.0 * accepted),),
    )
