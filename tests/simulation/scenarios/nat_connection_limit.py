"""A batch cluster behind the same NAT gateway takes all connections to orders."""

from dataclasses import replace

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.contoso import ORDERS, contoso, with_close_share
from tests.simulation.exchange import Cause
from tests.simulation.ports import NAT_GATEWAY
from tests.simulation.scenario import MINUTE_S, Scenario, SideCalls
from tests.simulation.traffic import Surge


def draw(rng: np.random.Generator) -> Scenario:
    """An hour; the cluster's connections stay open for minutes, and none of them is logged here."""
    usual = float(rng.uniform(1.5, 2.0))
    busy = float(rng.uniform(2.0, 3.0))
    begins = float(rng.uniform(30.0, 34.0)) * MINUTE_S
    ends = begins + float(rng.uniform(8.0, 10.0)) * MINUTE_S
    lasts_s = float(rng.uniform(180.0, 220.0))
    rate = float(rng.uniform(1.6, 1.8)) * 50_000 / (lasts_s + NAT_GATEWAY.fin_hold_s)
    return Scenario(
        world=replace(with_close_share(contoso(rng), ORDERS, 0.7), egress=NAT_GATEWAY),
        background=Rate(((0.0, usual), (60 * MINUTE_S, usual))),
        mechanism="nat_connection_limit",
        trigger="none_found",
        causes=(Cause.SNAT,),
        surges=(Surge("web-shop", ("get-order",), Rate(((0.0, busy), (60 * MINUTE_S, busy)))),),
        side_calls=(SideCalls(ORDERS, Rate(((begins, rate), (ends, rate))), lasts_s),),
    )
