"""How many ports were held, counted from the leases: the figure that no log shows."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.simulation.ports import Endpoint, Lease


class Table(NamedTuple):
    """One unit's ports towards one endpoint."""

    unit: int
    endpoint: Endpoint


class Peak(NamedTuple):
    """The most ports held at once, and the first moment of it in seconds since the start."""

    ports: int
    at: float


def peak(leases: Iterable[Lease]) -> Peak:
    """The peak of one table; a port that comes free makes room before the next is taken."""
    changes = sorted(change for lease in leases for change in ((lease.taken, 1), (lease.freed, -1)))
    held, most, when = 0, 0, 0.0
    for time, step in changes:
        held += step
        if held > most:
            most, when = held, time
    return Peak(most, when)


def per_second(leases: Iterable[Lease], seconds: int) -> dict[Table, NDArray[np.int64]]:
    """Ports held at the start of each second."""
    grid = np.arange(seconds)
    counts = {}
    for table, own in by_table(leases).items():
        taken = np.sort([lease.taken for lease in own])
        freed = np.sort([lease.freed for lease in own])
        started = np.searchsorted(taken, grid, side="right")
        counts[table] = started - np.searchsorted(freed, grid, side="right")
    return counts


def by_table(leases: Iterable[Lease]) -> dict[Table, list[Lease]]:
    """The leases of each unit and endpoint, in the order of the first of them."""
    grouped: dict[Table, list[Lease]] = defaultdict(list)
    for lease in leases:
        grouped[Table(lease.unit, lease.endpoint)].append(lease)
    return dict(grouped)
