"""Three days of a gateway, as they arrive; its orders backend is down for a while of the second."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from tests.simulation.arrivals import Rate
from tests.simulation.azure_logs import blob_path, line
from tests.simulation.backend import Refusal
from tests.simulation.contoso import ORDERS, contoso
from tests.simulation.delivery import arriving_batches
from tests.simulation.exchange import Cause
from tests.simulation.run import Run, run
from tests.simulation.scenario import HOUR_S, MINUTE_S, START, Scenario
from tests.simulation.topology import settings

DAYS_S = 72 * HOUR_S
# Seconds after the start, which is at eight in the morning.
BEGINS_S = 30 * HOUR_S - 9 * MINUTE_S
LASTS_S = 16 * MINUTE_S
# One unit's batches of the last minutes of it come so much later.
LATE_S = 9 * HOUR_S


@dataclass(frozen=True, slots=True)
class Days:
    """What happened, and the lines in the order of their arrival: (when, blob, lines)."""

    run: Run
    arrivals: list[tuple[datetime, str, bytes]]
    settings: str

    def between(self, start: datetime, stop: datetime) -> Iterator[tuple[str, bytes]]:
        """What is appended to which blob from one moment to another."""
        told: dict[str, list[bytes]] = defaultdict(list)
        for received, path, content in self.arrivals:
            if start <= received < stop:
                told[path].append(content)
        return ((path, b"".join(parts)) for path, parts in told.items())


def days(seed: int, usual: float = 0.08, busy: float = 2.0) -> Days:
    """Three days with so many requests a second, more of them around the incident."""
    rng = np.random.default_rng(seed)
    before, after = BEGINS_S - 2 * HOUR_S, BEGINS_S + HOUR_S
    scenario = Scenario(
        world=contoso(rng),
        background=Rate(
            (
                (0.0, usual),
                (before, usual),
                (before + HOUR_S, busy),
                (after, busy),
                (after + HOUR_S, usual),
                (DAYS_S, usual),
            )
        ),
        mechanism="backend_unreachable",
        trigger="none_found",
        causes=(Cause.REFUSED, Cause.RESET),
        faults=(Refusal(ORDERS, BEGINS_S, BEGINS_S + LASTS_S),),
    )
    made = run(scenario, rng)
    return Days(made, sorted(_arrivals(made, rng)), settings(scenario.world))


def _arrivals(made: Run, rng: np.random.Generator) -> Iterator[tuple[datetime, str, bytes]]:
    for received, batch in arriving_batches(made, rng):
        first = batch[0]
        held = first.unit == 0 and 0 < first.ended - BEGINS_S - LASTS_S / 2 < LASTS_S / 2
        moment = START + timedelta(seconds=received + held * LATE_S)
        lines = (line(each, made.scenario.world.units, START) + b"\r\n" for each in batch)
        yield moment, blob_path(moment), b"".join(lines)
