"""A new policy of the orders API throws; no back end is called for it."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.azure_logs import RESOURCE_ID
from tests.simulation.contoso import contoso
from tests.simulation.exchange import Cause
from tests.simulation.gateway_faults import PolicyBroken
from tests.simulation.scenario import MINUTE_S, Change, Scenario


def draw(rng: np.random.Generator) -> Scenario:
    """Seventy minutes; the policy is rolled back after eight to fifteen."""
    usual = float(rng.uniform(2.0, 3.0))
    begins = float(rng.uniform(35.0, 45.0)) * MINUTE_S
    ends = begins + float(rng.uniform(8.0, 15.0)) * MINUTE_S
    policy = f"{RESOURCE_ID}/apis/orders-api"
    operation = "Microsoft.ApiManagement/service/apis/policies/write"
    return Scenario(
        world=contoso(rng),
        background=Rate(((0.0, usual), (70 * MINUTE_S, usual))),
        mechanism="gateway_policy_error",
        trigger="configuration_change",
        causes=(Cause.POLICY,),
        gateway_faults=(PolicyBroken("orders-api", begins, ends, float(rng.uniform(0.6, 1.0))),),
        changes=(Change(begins - float(rng.uniform(15.0, 60.0)), operation, policy),),
    )
