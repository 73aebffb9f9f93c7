"""Orders slows down some minutes after a deploy of another API that did nothing to it."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.azure_logs import RESOURCE_ID
from tests.simulation.backend import Slowdown
from tests.simulation.contoso import ORDERS, contoso
from tests.simulation.exchange import Cause
from tests.simulation.scenario import MINUTE_S, Change, Scenario


def draw(rng: np.random.Generator) -> Scenario:
    """Seventy minutes; the slowness has a cause of its own, within the back end."""
    usual = float(rng.uniform(2.0, 3.0))
    begins = float(rng.uniform(30.0, 36.0)) * MINUTE_S
    ramp_s = float(rng.uniform(4.0, 6.0)) * MINUTE_S
    ends = begins + ramp_s + float(rng.uniform(10.0, 14.0)) * MINUTE_S
    deployed = begins - float(rng.uniform(4.0, 9.0)) * MINUTE_S
    status = f"{RESOURCE_ID}/apis/status-api"
    return Scenario(
        world=contoso(rng),
        background=Rate(((0.0, usual), (70 * MINUTE_S, usual))),
        mechanism="backend_slow",
        trigger="none_found",
        causes=(Cause.SLOW,),
        faults=(Slowdown(ORDERS, begins, ends, float(rng.uniform(200.0, 400.0)), ramp_s),),
        changes=(Change(deployed, "Microsoft.ApiManagement/service/apis/write", status),),
    )
