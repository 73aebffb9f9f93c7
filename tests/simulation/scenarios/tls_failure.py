"""The certificate of the catalogue runs out: no new connection passes its handshake."""

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.backend import BadCertificate
from tests.simulation.contoso import CATALOGUE, contoso
from tests.simulation.exchange import Cause
from tests.simulation.scenario import MINUTE_S, Scenario


def draw(rng: np.random.Generator) -> Scenario:
    """Seventy minutes; the certificate is renewed after ten to twenty."""
    usual = float(rng.uniform(2.0, 3.0))
    begins = float(rng.uniform(33.0, 42.0)) * MINUTE_S
    ends = begins + float(rng.uniform(10.0, 20.0)) * MINUTE_S
    return Scenario(
        world=contoso(rng),
        background=Rate(((0.0, usual), (70 * MINUTE_S, usual))),
        mechanism="tls_failure",
        trigger="none_found",
        causes=(Cause.TLS,),
        faults=(BadCertificate(CATALOGUE, begins, ends),),
    )
