"""A deploy makes each call to payments open a connection: ports run out at the same load."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.azure_logs import RESOURCE_ID
from tests.simulation.backend import ReuseLost
from tests.simulation.contoso import PAYMENTS, contoso, with_close_share
from tests.simulation.exchange import Cause
from tests.simulation.ports import FIN_HOLD_S
from tests.simulation.scenario import MINUTE_S, Change, Scenario
from tests.simulation.traffic import Surge


def draw(rng: np.random.Generator) -> Scenario:
    """Seventy minutes; the deploy is taken back after fifteen to twenty."""
    world = with_close_share(
        contoso(rng, ("West Europe",)), PAYMENTS, float(rng.uniform(0.05, 0.15))
    )
    background = 0.8
    rate = float(rng.uniform(1.15, 1.3)) * world.units[0].ports / FIN_HOLD_S - 0.44 * background
    begins = float(rng.uniform(28.0, 34.0)) * MINUTE_S
    ends = begins + float(rng.uniform(15.0, 20.0)) * MINUTE_S
    backend = f"{RESOURCE_ID}/backends/payments"
    deployed = begins - float(rng.uniform(5.0, 20.0))
    return Scenario(
        world=world,
        background=Rate(((0.0, background), (70 * MINUTE_S, background))),
        mechanism="snat_port_exhaustion",
        trigger="lost_connection_reuse",
        causes=(Cause.SNAT,),
        surges=(
            Surge(
                "web-shop",
                ("create-payment", "get-payment"),
                Rate(((0.0, rate), (70 * MINUTE_S, rate))),
            ),
        ),
        faults=(ReuseLost(PAYMENTS, begins, ends),),
        changes=(Change(deployed, "Microsoft.ApiManagement/service/backends/write", backend),),
    )
