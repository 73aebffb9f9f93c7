"""From the gateway to the storage account: batches, delays and the blob of the hour of arrival."""

from collections import defaultdict
from datetime import datetime, timedelta

import numpy as np

from tests.simulation.azure_logs import blob_path, line
from tests.simulation.exchange import Outcome
from tests.simulation.run import Run

BATCH_S = 60.0
SHORTEST_DELAY_S = 60.0
LONGEST_DELAY_S = 600.0
LATE_SHARE = 0.02
LATE_DELAY_S = (1200.0, 3600.0)

Blobs = dict[str, list[bytes]]


def deliver(run: Run, epoch: datetime, rng: np.random.Generator) -> Blobs:
    """The lines of each blob, in the order of their arrival.

    Each unit collects what ended within a minute and sends it as one batch, shuffled. A batch takes
    one to ten minutes; a few take up to an hour and so turn up in the next hour's blob.
    """
    blobs: Blobs = {}
    for received, batch in arriving_batches(run, rng):
        if any(start <= received < end for start, end in run.scenario.lost):
            continue
        lines = blobs.setdefault(blob_path(epoch + timedelta(seconds=received)), [])
        order = np.argsort(np.arange(len(batch)) + rng.normal(0.0, 4.0, len(batch)))
        lines.extend(line(batch[place], run.scenario.world.units, epoch) for place in order)
    return blobs


def arriving_batches(run: Run, rng: np.random.Generator) -> list[tuple[float, list[Outcome]]]:
    """Batches by the second at which they are received."""
    batches: dict[tuple[int, int], list[Outcome]] = defaultdict(list)
    for outcome in run.outcomes:
        batches[int(outcome.ended // BATCH_S), outcome.unit].append(outcome)
    arrivals = []
    for (minute, _), batch in batches.items():
        sent = (minute + 1) * BATCH_S
        arrivals.append((sent + delay(rng), batch))
    return sorted(arrivals, key=lambda arrival: arrival[0])


def delay(rng: np.random.Generator) -> float:
    """Seconds that one batch takes."""
    if rng.random() < LATE_SHARE:
        return float(rng.uniform(*LATE_DELAY_S))
    usual = SHORTEST_DELAY_S + float(rng.lognormal(np.log(100.0), 0.6))
    return min(usual, LONGEST_DELAY_S - BATCH_S)
