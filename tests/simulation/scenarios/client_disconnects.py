"""The catalogue slows down moderately; callers with little patience hang up, others wait."""

from dataclasses import replace

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.backend import Slowdown
from tests.simulation.contoso import CATALOGUE, contoso
from tests.simulation.exchange import Cause
from tests.simulation.scenario import HOUR_S, MINUTE_S, Scenario
from tests.simulation.world import Caller, World


def draw(rng: np.random.Generator) -> Scenario:
    """An hour and a half; the slowness stays far below the gateway's own time-out."""
    usual = float(rng.uniform(2.5, 3.5))
    begins = float(rng.uniform(40.0, 48.0)) * MINUTE_S
    return Scenario(
        world=with_hasty_clients(contoso(rng), float(rng.uniform(1.0, 2.0))),
        background=Rate(((0.0, usual), (1.5 * HOUR_S, usual))),
        mechanism="client_disconnects",
        trigger="slow_backend",
        causes=(Cause.HUNG_UP,),
        faults=(
            Slowdown(
                CATALOGUE,
                begins,
                begins + float(rng.uniform(14.0, 22.0)) * MINUTE_S,
                float(rng.uniform(30.0, 50.0)),
                2.0 * MINUTE_S,
            ),
        ),
    )


def with_hasty_clients(world: World, patience_s: float) -> World:
    """The same world, but all clients with a person waiting hang up after `patience_s`."""
    return replace(world, callers=tuple(hasty(caller, patience_s) for caller in world.callers))


def hasty(caller: Caller, patience_s: float) -> Caller:
    """The same caller, in more of a hurry unless it is a batch."""
    if caller.client.product == "batch":
        return caller
    return replace(caller, client=replace(caller.client, patience_s=patience_s))
