"""Payments slows down under a steady batch: connections stay in use, and ports run out."""

from dataclasses import replace

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.backend import Slowdown
from tests.simulation.contoso import PAYMENTS, contoso, with_timeout
from tests.simulation.exchange import Cause
from tests.simulation.ports import FIN_HOLD_S
from tests.simulation.scenario import MINUTE_S, Scenario
from tests.simulation.traffic import Surge


def draw(rng: np.random.Generator) -> Scenario:
    """An hour; the batch needs most of the ports all along, and the slowness lasts for a third."""
    world = with_timeout(contoso(rng, ("West Europe",)), PAYMENTS, 235.0)
    ports = world.units[0].ports
    close_share = world.destination(PAYMENTS).close_share
    background = 0.8
    rate = float(rng.uniform(0.84, 0.9)) * ports / (FIN_HOLD_S * close_share) - 0.44 * background
    begins = float(rng.uniform(24.0, 30.0)) * MINUTE_S
    return Scenario(
        world=replace(world, noise=replace(world.noise, impatient=0.0)),
        background=Rate(((0.0, background), (60 * MINUTE_S, background))),
        mechanism="snat_port_exhaustion",
        trigger="slow_backend",
        causes=(Cause.SNAT,),
        surges=(
            Surge("reporting", ("create-payment",), Rate(((0.0, rate), (60 * MINUTE_S, rate)))),
        ),
        faults=(
            Slowdown(
                PAYMENTS,
                begins,
                begins + float(rng.uniform(17.0, 21.0)) * MINUTE_S,
                float(rng.uniform(240.0, 320.0)),
                4.0 * MINUTE_S,
            ),
        ),
    )
