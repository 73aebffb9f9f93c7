"""One of three units no longer reaches anything new; the others are well."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.contoso import contoso
from tests.simulation.exchange import Cause
from tests.simulation.gateway_faults import SickUnit
from tests.simulation.scenario import MINUTE_S, Scenario


def draw(rng: np.random.Generator) -> Scenario:
    """Seventy minutes; the unit is replaced after ten to eighteen."""
    usual = float(rng.uniform(2.5, 3.5))
    begins = float(rng.uniform(33.0, 42.0)) * MINUTE_S
    ends = begins + float(rng.uniform(10.0, 18.0)) * MINUTE_S
    return Scenario(
        world=contoso(rng, ("West Europe", "West Europe", "North Europe")),
        background=Rate(((0.0, usual), (70 * MINUTE_S, usual))),
        mechanism="single_instance_fault",
        trigger="none_found",
        causes=(Cause.BLACK_HOLE,),
        gateway_faults=(SickUnit(int(rng.integers(3)), begins, ends),),
    )
