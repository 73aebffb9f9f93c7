"""The gateway itself runs short of CPU: all APIs wait in it, cached and mocked ones too."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.contoso import contoso
from tests.simulation.exchange import Cause
from tests.simulation.gateway_faults import Saturation
from tests.simulation.scenario import MINUTE_S, Scenario


def draw(rng: np.random.Generator) -> Scenario:
    """Seventy minutes; what has waited for long is turned away with 503 for ten to eighteen."""
    usual = float(rng.uniform(2.0, 3.0))
    begins = float(rng.uniform(33.0, 42.0)) * MINUTE_S
    ends = begins + float(rng.uniform(10.0, 18.0)) * MINUTE_S
    factor = float(rng.uniform(2000.0, 4000.0))
    return Scenario(
        world=contoso(rng),
        background=Rate(((0.0, usual), (70 * MINUTE_S, usual))),
        mechanism="gateway_saturation",
        trigger="none_found",
        causes=(Cause.SATURATED,),
        gateway_faults=(
            Saturation(begins, ends, factor, 2.0 * MINUTE_S, float(rng.uniform(4.0, 7.0))),
        ),
    )
