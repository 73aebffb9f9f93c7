"""Runs a scenario from its first request until the last port has come free."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from tests.simulation.arrivals import poisson_arrivals
from tests.simulation.backend import Backend, BlackHole, Refusal
from tests.simulation.connection import Unit
from tests.simulation.events import EventLoop
from tests.simulation.exchange import Outcome
from tests.simulation.gateway import Gateway
from tests.simulation.gateway_faults import Health
from tests.simulation.ports import Endpoint, Lease, PortTable
from tests.simulation.scenario import Scenario
from tests.simulation.traffic import Traffic

PLENTY = 60_000


@dataclass(frozen=True, slots=True)
class Run:
    """What happened: all outcomes by end, all port leases, and connects that found no port.

    `starved_at` tells the moment and the unit of each of these.
    """

    scenario: Scenario
    outcomes: tuple[Outcome, ...]
    leases: tuple[Lease, ...]
    starved_connects: dict[tuple[int, Endpoint], int]
    starved_at: tuple[tuple[float, int], ...] = ()


def run(scenario: Scenario, rng: np.random.Generator) -> Run:
    """Simulate a scenario. The same state of `rng` gives the same run."""
    loop = EventLoop()
    outcomes: list[Outcome] = []

    def finished(outcome: Outcome) -> None:
        outcomes.append(outcome)
        traffic.again(outcome)

    health = Health(scenario.gateway_faults)
    gateway = Gateway(scenario.world, backends(scenario), health, loop, rng, finished)
    traffic = Traffic(scenario.world, loop, rng, gateway.receive)
    traffic.background(scenario.background)
    for surge in scenario.surges:
        traffic.surge(surge)
    for side in scenario.side_calls:
        destination = scenario.world.destination(side.host)
        for time in poisson_arrivals(side.rate, rng).tolist():
            loop.at(time, partial(gateway.side_call, destination, side.lasts_s))
    for fault in scenario.faults:
        if isinstance(fault, Refusal) or (isinstance(fault, BlackHole) and fault.cuts):
            loop.at(fault.start, partial(gateway.reset_connections, fault.host))
    loop.run()
    return Run(
        scenario=scenario,
        outcomes=tuple(sorted(outcomes, key=lambda outcome: outcome.ended)),
        leases=tuple(lease for table in tables_of(gateway.units) for lease in table.leases),
        starved_connects=dict(gateway.starved_connects),
        starved_at=tuple(gateway.starved_at),
    )


def tables_of(units: tuple[Unit, ...]) -> list[PortTable]:
    """The port tables of units, one that they share only once."""
    tables: list[PortTable] = []
    for unit in units:
        if not any(unit.ports is each for each in tables):
            tables.append(unit.ports)
    return tables


def without_port_limit(scenario: Scenario) -> Scenario:
    """The same scenario with more ports than anybody could ask for."""
    units = tuple(replace(unit, ports=PLENTY) for unit in scenario.world.units)
    return replace(scenario, world=replace(scenario.world, units=units))


def backends(scenario: Scenario) -> dict[str, Backend]:
    """Every destination with the faults that are planned for it."""
    error_share = scenario.world.noise.backend_error
    return {
        destination.host: Backend(
            tuple(fault for fault in scenario.faults if fault.host == destination.host),
            error_share,
        )
        for destination in scenario.world.destinations
    }
