"""A surge takes the ports of the busier unit, and callers who retry at once make it worse."""

from dataclasses import replace

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.contoso import PAYMENTS, contoso
from tests.simulation.exchange import Cause
from tests.simulation.ports import FIN_HOLD_S
from tests.simulation.scenario import MINUTE_S, Scenario
from tests.simulation.traffic import Surge
from tests.simulation.world import Caller, World


def draw(rng: np.random.Generator) -> Scenario:
    """An hour; two thirds of the traffic go to one of two units."""
    uneven = float(rng.uniform(0.6, 0.7))
    world = replace(with_retries(contoso(rng)), unit_weights=(uneven, 1.0 - uneven))
    close_share = world.destination(PAYMENTS).close_share
    ports_a_second = world.units[0].ports / (FIN_HOLD_S * close_share)
    top = float(rng.uniform(1.05, 1.15)) * ports_a_second / uneven
    usual = float(rng.uniform(1.5, 2.0))
    begins = float(rng.uniform(26.0, 32.0)) * MINUTE_S
    ends = begins + float(rng.uniform(11.0, 14.0)) * MINUTE_S
    return Scenario(
        world=world,
        background=Rate(((0.0, usual), (60 * MINUTE_S, usual))),
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
                        (begins + 2 * MINUTE_S, top),
                        (ends, top),
                        (ends + 2 * MINUTE_S, 0.0),
                    )
                ),
            ),
        ),
    )


def with_retries(world: World) -> World:
    """The same world, but all callers ask again four times, nearly at once."""
    return replace(world, callers=tuple(eager(caller) for caller in world.callers))


def eager(caller: Caller) -> Caller:
    """The same caller, who retries eagerly."""
    return replace(caller, client=replace(caller.client, retries=4, backoff_s=0.2))
