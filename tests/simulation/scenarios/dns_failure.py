"""The name of orders stops resolving for most new connections; open ones live on."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.backend import NameLost
from tests.simulation.contoso import ORDERS, contoso
from tests.simulation.exchange import Cause
from tests.simulation.scenario import MINUTE_S, Scenario


def draw(rng: np.random.Generator) -> Scenario:
    """Seventy minutes; the record is missing on some of the DNS servers for ten to eighteen."""
    usual = float(rng.uniform(2.0, 3.0))
    begins = float(rng.uniform(35.0, 42.0)) * MINUTE_S
    ends = begins + float(rng.uniform(10.0, 18.0)) * MINUTE_S
    return Scenario(
        world=contoso(rng),
        background=Rate(((0.0, usual), (70 * MINUTE_S, usual))),
        mechanism="dns_failure",
        trigger="none_found",
        causes=(Cause.UNRESOLVED,),
        faults=(NameLost(ORDERS, begins, ends, float(rng.uniform(0.8, 1.0))),),
    )
