"""Orders is cut off by a rule while telemetry, of which no record tells, runs out of ports."""

from dataclasses import replace

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.backend import BlackHole
from tests.simulation.contoso import ORDERS, contoso
from tests.simulation.exchange import Cause
from tests.simulation.ports import FIN_HOLD_S, Endpoint
from tests.simulation.scenario import MINUTE_S, Scenario, SideCalls
from tests.simulation.world import Destination, Path

TELEMETRY = Destination(
    "telemetry.contoso.example", Endpoint("203.0.113.50", 443), "https", Path.PUBLIC, 1.0, 0.02
)


def draw(rng: np.random.Generator) -> Scenario:
    """Seventy minutes; the rule stands for ten to sixteen, the exhaustion goes on throughout."""
    world = contoso(rng, ("West Europe",))
    usual = float(rng.uniform(2.0, 3.0))
    begins = float(rng.uniform(33.0, 40.0)) * MINUTE_S
    ends = begins + float(rng.uniform(10.0, 16.0)) * MINUTE_S
    rate = float(rng.uniform(1.1, 1.2)) * world.units[0].ports / FIN_HOLD_S
    return Scenario(
        world=replace(world, destinations=(*world.destinations, TELEMETRY)),
        background=Rate(((0.0, usual), (70 * MINUTE_S, usual))),
        mechanism="backend_unreachable",
        trigger="none_found",
        causes=(Cause.BLACK_HOLE,),
        faults=(BlackHole(ORDERS, begins, ends),),
        side_calls=(SideCalls(TELEMETRY.host, Rate(((begins - 600.0, rate), (ends, rate))), 0.2),),
    )
