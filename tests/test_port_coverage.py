"""Port bounds hold in a burst, second by second; and they are seen not to where calls go unlogged.

The long proof, with all scenarios, is ``make coverage``; see docs/proofs.md.
"""

import numpy as np
import pytest

from tests.port_coverage import (
    SIDE_CALLED,
    VARIATIONS,
    Compared,
    compared,
    little_traffic,
    truths,
)
from tests.simulation.ports import Endpoint, Lease
from tests.simulation.run import Run, run
from tests.simulation.scenario import draw

BURST = "snat_burst"
SEED = 1
PAYMENTS = Endpoint("203.0.113.10", 443)
Simulated = tuple[Run, np.random.Generator]


@pytest.fixture(scope="module")
def burst() -> Simulated:
    rng = np.random.default_rng(SEED)
    return run(little_traffic(draw(BURST, rng)), rng), rng


@pytest.fixture(scope="module")
def as_simulated(burst: Simulated) -> Compared:
    return compared(*burst)


def test_ports_ran_out(burst: Simulated) -> None:
    actual, _ = burst
    assert {endpoint for _, endpoint in actual.starved_connects} == {PAYMENTS}


def test_the_truth_is_within_the_bounds_of_nearly_every_second(as_simulated: Compared) -> None:
    held = as_simulated.seconds[str(PAYMENTS)]
    assert len(held.at) > 10_000
    assert held.within >= 0.99
    assert held.all_within >= 0.99
    assert as_simulated.minutes[str(PAYMENTS)].all_within >= 0.99


def test_what_is_outside_is_due_to_untold_calls_and_idle_connections(
    as_simulated: Compared,
) -> None:
    assert 0 < as_simulated.untold < 0.01 * as_simulated.calls
    assert len(as_simulated.seconds) == 4
    for destination, held in as_simulated.seconds.items():
        assert held.all_within_known == 1, destination


def test_the_peak_of_each_destination_is_within_the_bands_of_minutes(
    as_simulated: Compared,
) -> None:
    for destination, held in as_simulated.minutes.items():
        assert held.lower.max() <= held.at.max() <= held.most.max(), destination
        assert held.all_most.max() <= held.upper.max(), destination


def test_where_each_call_opens_a_connection_the_upper_bound_is_the_truth() -> None:
    changed = VARIATIONS["no keep-alive"].world
    rng = np.random.default_rng(SEED)
    found = compared(run(changed(little_traffic(draw(BURST, rng))), rng), rng)
    for destination, held in found.seconds.items():
        assert held.all_within_known == 1, destination
        true = held.all_at > 0
        assert np.median(held.upper[true] / held.all_at[true]) == 1, destination


def test_where_policies_make_calls_of_their_own_the_upper_bound_is_seen_to_be_none(
    burst: Simulated,
) -> None:
    found = compared(*burst, VARIATIONS["side calls"])
    assert found.untold > 0.1 * found.calls, SIDE_CALLED
    payments = found.seconds[str(PAYMENTS)]
    assert payments.all_within < 0.5
    assert payments.all_within_told >= 0.99


def test_ports_are_counted_at_the_start_of_a_second_and_at_their_most_within_it() -> None:
    there = Endpoint("203.0.113.1", 443)
    leases = [
        Lease(0, there, 1, 0.5, 0.7, 2.5),
        Lease(0, there, 2, 1.25, 1.3, 1.75),
        Lease(1, there, 1, 1.75, 2.0, 2.0),
        Lease(1, there, 2, 2.5, 9.0, 9.0),
    ]
    [told] = truths(leases, first=1, seconds=3).values()
    assert told.unit_at.tolist() == [1, 1, 1]
    assert told.unit_most.tolist() == [2, 1, 1]
    assert told.all_at.tolist() == [1, 1, 1]
    # Of two, one is let go at the moment at which another is taken.
    assert told.all_most.tolist() == [2, 1, 1]
