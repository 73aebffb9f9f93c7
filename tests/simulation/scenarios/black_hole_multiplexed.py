"""A new rule drops all packets to orders, which many calls reach by a few connections."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.azure_logs import RESOURCE_ID
from tests.simulation.backend import BlackHole
from tests.simulation.contoso import ORDERS, contoso, with_multiplexing
from tests.simulation.exchange import Cause
from tests.simulation.scenario import MINUTE_S, Change, Scenario
from tests.simulation.traffic import Surge


def draw(rng: np.random.Generator) -> Scenario:
    """Fifty minutes; the rule is taken back after six to ten."""
    usual = float(rng.uniform(1.5, 2.0))
    busy = float(rng.uniform(4.2, 4.8))
    begins = float(rng.uniform(26.0, 31.0)) * MINUTE_S
    ends = begins + float(rng.uniform(6.0, 10.0)) * MINUTE_S
    steady = Rate(((0.0, busy), (50 * MINUTE_S, busy)))
    rules = f"{RESOURCE_ID.partition('/PROVIDERS/')[0]}/providers/Microsoft.Network"
    operation = "Microsoft.Network/networkSecurityGroups/securityRules/write"
    changed = Change(
        begins - float(rng.uniform(5.0, 30.0)),
        operation,
        f"{rules}/networkSecurityGroups/nsg-synthetic/securityRules/outbound",
    )
    return Scenario(
        world=with_multiplexing(contoso(rng), ORDERS),
        background=Rate(((0.0, usual), (50 * MINUTE_S, usual))),
        mechanism="backend_unreachable",
        trigger="configuration_change",
        causes=(Cause.BLACK_HOLE,),
        surges=(Surge("partner-south", ("get-order",), steady),),
        faults=(BlackHole(ORDERS, begins, ends, cuts=True),),
        changes=(changed,),
    )
