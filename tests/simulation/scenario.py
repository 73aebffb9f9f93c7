"""What a scenario is, and how scenarios are found."""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module

import numpy as np

from tests.simulation import scenarios
from tests.simulation.arrivals import Rate
from tests.simulation.backend import Fault
from tests.simulation.exchange import Cause
from tests.simulation.gateway_faults import GatewayFault
from tests.simulation.traffic import Surge
from tests.simulation.world import World

START = datetime(2026, 3, 10, 8, tzinfo=UTC)
HOUR_S = 3600.0
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class SideCalls:
    """Calls to a host that leave no record, each over a connection of its own, open `lasts_s`."""

    host: str
    rate: Rate
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody changed, as the activity log tells it: `operation` on `resource` at `at` s."""

    at: float
    operation: str
    resource: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story to simulate, with the truth that a diagnosis should find.

    `mechanism` and `trigger` are words of the findings contract, None where there is no incident;
    `causes` are the causes of the failures that belong to the incident. `dips` are moments (s) at
    which the way out looks unavailable in its metrics, `lost` spans (s) of arrival whose batches
    never reach the storage account.
    """

    world: World
    background: Rate
    mechanism: str | None
    trigger: str | None
    causes: tuple[Cause, ...]
    surges: tuple[Surge, ...] = ()
    faults: tuple[Fault, ...] = ()
    gateway_faults: tuple[GatewayFault, ...] = ()
    side_calls: tuple[SideCalls, ...] = ()
    changes: tuple[Change, ...] = ()
    dips: tuple[float, ...] = ()
    lost: tuple[tuple[float, float], ...] = ()

    @property
    def duration_s(self) -> float:
        """Seconds during which callers start new requests."""
        return self.background.points[-1][0]


Draw = Callable[[np.random.Generator], Scenario]


def scenario_names() -> tuple[str, ...]:
    """Every scenario there is: one module each, named after it."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(scenarios.__path__)))


def about(name: str) -> str:
    """One sentence on a scenario: its module's docstring."""
    text = import_module(f"{scenarios.__name__}.{name}").__doc__ or ""
    return " ".join(text.split())


def draw(name: str, rng: np.random.Generator) -> Scenario:
    """The scenario of that name with its parameters drawn."""
    plan: Draw = import_module(f"{scenarios.__name__}.{name}").draw
    return plan(rng)
