"""The simulation keeps its own promises: about ports, the letter of the logs, and its truth."""

import gzip
import json
import re
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import datetime
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.simulation.__main__ import parser
from tests.simulation.arrivals import Rate, poisson_arrivals, traced_arrivals
from tests.simulation.events import EventLoop
from tests.simulation.exchange import Cause
from tests.simulation.occupancy import Table, by_table, peak, per_second
from tests.simulation.ports import FIRST_PORT, Endpoint, Lease, PortTable
from tests.simulation.run import Run
from tests.simulation.sample import Files, compressed, is_blob, sample
from tests.simulation.scenario import START, Scenario, draw, scenario_names
from tests.simulation.traffic import Surge

PAYMENTS = Endpoint("203.0.113.10", 443)
# Of the others, test_simulation_faults tells what is special about them.
ALL = (
    "backend_errors",
    "backend_refused",
    "black_hole",
    "client_disconnects",
    "destination_throttling",
    "dns_failure",
    "gateway_policy_error",
    "quiet",
    "slow_backend",
    "snat_burst",
)
WITH_INCIDENT = tuple(name for name in ALL if name != "quiet")
SEED = 7
SHRINK = 8


def thinner(rate: Rate) -> Rate:
    return Rate(tuple((time, height / SHRINK) for time, height in rate.points))


def small(scenario: Scenario) -> Scenario:
    """An eighth of the traffic and of the ports where ports run out, half the traffic elsewhere."""
    if scenario.mechanism != "snat_port_exhaustion":
        points = tuple((time, height / 2) for time, height in scenario.background.points)
        return replace(scenario, background=Rate(points))
    units = tuple(replace(unit, ports=unit.ports // SHRINK) for unit in scenario.world.units)
    surges = tuple(
        Surge(surge.subscription, surge.operations, thinner(surge.rate))
        for surge in scenario.surges
    )
    world = replace(scenario.world, units=units)
    return replace(scenario, world=world, background=thinner(scenario.background), surges=surges)


def simulate(name: str) -> tuple[Run, Files]:
    rng = np.random.default_rng(SEED)
    return sample(name, SEED, small(draw(name, rng)), rng)


remembered = cache(simulate)


def truth(files: Files) -> dict[str, Any]:
    label: dict[str, Any] = json.loads(files["truth.json"])
    return label


def blob_lines(files: Files) -> list[bytes]:
    texts = [raw for path, raw in files.items() if is_blob(path)]
    return [line for text in texts for line in text.split(b"\r\n") if line]


def readable(lines: list[bytes]) -> list[dict[str, Any]]:
    records = []
    for line in lines:
        try:
            records.append(json.loads(line))
        except ValueError:
            continue
    return records


def distinct(files: Files) -> list[dict[str, Any]]:
    return readable(list(dict.fromkeys(blob_lines(files))))


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert compressed(simulate("black_hole")[1]) == compressed(remembered("black_hole")[1])


def test_another_seed_gives_other_bytes() -> None:
    rng = np.random.default_rng(SEED + 1)
    other = sample("black_hole", SEED, small(draw("black_hole", rng)), rng)[1]
    assert other != remembered("black_hole")[1]


def test_compressing_changes_only_the_blobs() -> None:
    files = remembered("quiet")[1]
    packed = compressed(files)
    assert packed["truth.json"] == files["truth.json"]
    assert {path: gzip.decompress(packed[f"{path}.gz"]) for path in files if is_blob(path)} == {
        path: raw for path, raw in files.items() if is_blob(path)
    }


def test_a_full_table_gives_no_port_until_one_is_freed() -> None:
    table = PortTable(unit=0, limit=2)
    other = Endpoint("203.0.113.20", 443)
    assert [table.take(PAYMENTS, 0.0) for _ in range(3)] == [FIRST_PORT, FIRST_PORT + 1, None]
    assert table.take(other, 0.0) == FIRST_PORT
    table.free(PAYMENTS, FIRST_PORT + 1, closed=1.0, now=241.0)
    assert table.take(PAYMENTS, 241.0) == FIRST_PORT + 1
    assert table.leases == [Lease(0, PAYMENTS, FIRST_PORT + 1, 0.0, 1.0, 241.0)]


@pytest.mark.parametrize("name", ALL)
def test_a_port_serves_one_connection_to_a_destination_at_a_time(name: str) -> None:
    held: dict[tuple[int, Endpoint, int], list[Lease]] = defaultdict(list)
    for lease in remembered(name)[0].leases:
        held[lease.unit, lease.endpoint, lease.port].append(lease)
    assert held
    for leases in held.values():
        leases.sort(key=lambda lease: lease.taken)
        for earlier, later in pairwise(leases):
            assert earlier.freed <= later.taken


@pytest.mark.parametrize("name", ALL)
def test_no_unit_holds_more_ports_than_it_has(name: str) -> None:
    simulated = remembered(name)[0]
    for table, leases in by_table(simulated.leases).items():
        assert peak(leases).ports <= simulated.scenario.world.units[table.unit].ports


def test_a_port_stays_held_for_240_seconds_after_close() -> None:
    leases = remembered("quiet")[0].leases
    assert {round(lease.freed - lease.closed, 6) for lease in leases} == {240.0}
    assert all(lease.taken <= lease.closed for lease in leases)


def test_a_refused_connection_gives_its_port_back_after_15_seconds() -> None:
    holds = Counter(
        round(lease.freed - lease.closed, 6) for lease in remembered("backend_refused")[0].leases
    )
    assert set(holds) == {15.0, 240.0}


def test_a_private_endpoint_needs_no_port() -> None:
    assert not [lease for lease in remembered("quiet")[0].leases if lease.endpoint.ip == "10.1.2.4"]


def test_exhaustion_hits_only_its_destination() -> None:
    simulated, files = remembered("snat_burst")
    starved = {endpoint for _, endpoint in simulated.starved_connects}
    assert starved == {PAYMENTS}
    peaks = {table: peak(leases) for table, leases in by_table(simulated.leases).items()}
    limits = [unit.ports for unit in simulated.scenario.world.units]
    full = {table for table, most in peaks.items() if most.ports == limits[table.unit]}
    assert full == {Table(0, PAYMENTS), Table(1, PAYMENTS)}
    failed = [row for row in distinct(files) if connect_failure(row)]
    assert failed
    assert all(row["properties"]["lastError"]["message"].endswith(str(PAYMENTS)) for row in failed)
    assert all(20_900 < row["properties"]["lastError"]["elapsed"] < 21_500 for row in failed)


def test_demand_without_a_limit_is_above_the_limit_only_where_ports_ran_out() -> None:
    for entry in truth(remembered("snat_burst")[1])["ports"]:
        starved = entry["syns_without_port"] > 0
        assert (entry["peak_without_limit"] > entry["limit"]) == starved
        assert (entry["peak"] == entry["limit"]) == starved


def connect_failure(row: dict[str, Any]) -> bool:
    error = row["properties"].get("lastError", {})
    return bool(error.get("reason") == "BackendConnectionFailure")


def test_most_failed_connects_name_their_destination_only_in_the_message() -> None:
    failed = [row for row in distinct(remembered("snat_burst")[1]) if connect_failure(row)]
    named = [row for row in failed if "backendUrl" in row["properties"]]
    assert 0 < len(named) < len(failed) / 2
    assert all(row["properties"]["backendTime"] > 20_900 for row in named)
    assert all("backendTime" not in row["properties"] for row in failed if row not in named)
    assert all("backendResponseCode" not in row["properties"] for row in failed)
    assert {row["properties"]["responseCode"] for row in failed} == {500}


def test_quiet_has_no_incident() -> None:
    label = truth(remembered("quiet")[1])
    assert label["mechanism"] is None
    assert label["incident"] is None
    assert label["failures"] == 0
    assert {entry["cause"] for entry in label["outcomes"]} <= {None, Cause.NOISE}


@pytest.mark.parametrize("name", WITH_INCIDENT)
def test_an_incident_lies_inside_its_window(name: str) -> None:
    label = truth(remembered(name)[1])
    assert label["synthetic"] is True
    assert label["failures"] > 20
    assert label["window"]["start"] < label["incident"]["start"] < label["incident"]["end"]
    assert label["incident"]["start"] < label["window"]["end"]


@pytest.mark.parametrize("name", ALL)
def test_every_line_but_the_broken_ones_is_a_gateway_log(name: str) -> None:
    files = remembered(name)[1]
    dirt = truth(files)["dirt"]
    lines = blob_lines(files)
    records = readable(lines)
    assert len(lines) == dirt["lines"]
    assert len(records) == dirt["lines"] - dirt["malformed"] - dirt["truncated"]
    assert {record["category"] for record in records} == {"GatewayLogs"}
    assert all(None not in record["properties"].values() for record in records)


@pytest.mark.parametrize("name", ALL)
def test_the_truth_counts_what_is_in_the_blobs(name: str) -> None:
    simulated, files = remembered(name)
    label = truth(files)
    rows = distinct(files)
    lost = label["dirt"]["malformed"] + label["dirt"]["truncated"]
    assert len(rows) == label["readable_requests"] == label["requests"] - lost
    failed_ids = {
        outcome.correlation_id
        for outcome in simulated.outcomes
        if outcome.cause in simulated.scenario.causes
    }
    assert len(failed_ids) == label["failures"]
    assert sum(row["correlationId"] in failed_ids for row in rows) == label["readable_failures"]
    assert label["dirt"]["duplicates"] == len(readable(blob_lines(files))) - len(rows)


def test_the_last_line_is_unfinished_and_the_others_end_in_crlf() -> None:
    files = remembered("snat_burst")[1]
    *whole, last = [files[path] for path in sorted(files) if is_blob(path)]
    assert len(whole) >= 2
    assert all(text.endswith(b"}\r\n") or text.endswith(b"\r\n") for text in whole)
    assert not last.endswith(b"\n")
    assert all(text.count(b"\n") == text.count(b"\r\n") for text in [*whole, last])


def test_blobs_are_filed_by_arrival_and_hold_rows_of_the_hour_before() -> None:
    files = remembered("snat_burst")[1]
    path = next(path for path in files if "/h=09/" in path)
    times = [row["time"] for row in readable(files[path].split(b"\r\n"))]
    assert {time[11:13] for time in times} == {"08", "09"}
    assert times != sorted(times)


def test_a_time_is_the_start_with_seven_digits_and_the_duration_leads_to_the_end() -> None:
    simulated, files = remembered("quiet")
    outcomes = {outcome.correlation_id: outcome for outcome in simulated.outcomes}
    for row in distinct(files):
        outcome = outcomes[row["correlationId"]]
        assert re.fullmatch(r"2026-03-10T\d\d:\d\d:\d\d\.\d{7}Z", row["time"])
        written = datetime.fromisoformat(row["time"][:26] + "+00:00") - START
        assert written.total_seconds() == pytest.approx(outcome.started, abs=2e-6)
        assert abs(row["durationMs"] / 1000 - (outcome.ended - outcome.started)) <= 0.000501


def test_a_black_hole_leaves_ports_to_spare() -> None:
    simulated = remembered("black_hole")[0]
    assert not simulated.starved_connects
    most = max(peak(leases).ports for leases in by_table(simulated.leases).values())
    assert most < min(unit.ports for unit in simulated.scenario.world.units) / 2


def test_throttling_leaves_a_plateau_of_successes() -> None:
    simulated = remembered("destination_throttling")[0]
    throttled = [outcome for outcome in simulated.outcomes if outcome.cause is Cause.THROTTLED]
    minutes = Counter(int(outcome.ended // 60) for outcome in throttled)
    api = throttled[0].call.api
    good = Counter(
        int(outcome.ended // 60)
        for outcome in simulated.outcomes
        if outcome.call.api == api and outcome.backend_status == 200
    )
    busy = sorted(minutes)[3:-2]
    assert np.std([good[minute] for minute in busy]) < 0.2 * np.mean([good[m] for m in busy])


def test_answers_are_slow_before_they_time_out() -> None:
    simulated = remembered("slow_backend")[0]
    first = min(o.started for o in simulated.outcomes if o.cause is Cause.SLOW)
    host = simulated.scenario.faults[0].host
    waits = [
        outcome.backend_s
        for outcome in simulated.outcomes
        if outcome.backend_s is not None
        and outcome.call.api is not None
        and outcome.call.api.destination is not None
        and outcome.call.api.destination.host == host
        and first - 120.0 < outcome.started < first
    ]
    assert np.median(waits) > 1.0


def test_occupancy_per_second_counts_held_ports() -> None:
    leases = [Lease(0, PAYMENTS, 1024, 0.5, 1.0, 3.5), Lease(0, PAYMENTS, 1025, 2.0, 2.5, 4.0)]
    assert per_second(leases, 6)[Table(0, PAYMENTS)].tolist() == [0, 1, 2, 2, 0, 0]


@pytest.mark.parametrize("arrivals", [traced_arrivals, poisson_arrivals])
def test_arrivals_follow_their_rate(arrivals: Any) -> None:
    rate = Rate(((100.0, 0.0), (200.0, 20.0), (1200.0, 20.0)))
    times = arrivals(rate, np.random.default_rng(SEED))
    assert len(times) == pytest.approx(21_000, rel=0.03)
    assert times.min() >= 100.0
    assert times.max() <= 1200.0
    assert np.all(np.diff(times) >= 0.0)


def test_the_traced_rhythm_is_burstier_than_poisson() -> None:
    rate = Rate(((0.0, 5.0), (3600.0, 5.0)))
    gaps = np.diff(traced_arrivals(rate, np.random.default_rng(SEED)))
    assert gaps.std() / gaps.mean() > 1.02


def test_nothing_happens_in_the_past() -> None:
    loop = EventLoop()
    loop.at(5.0, lambda: loop.at(4.0, lambda: None))
    with pytest.raises(ValueError, match="before the present"):
        loop.run()


def test_the_help_lists_every_scenario() -> None:
    text = parser().format_help()
    assert all(name in text for name in scenario_names())
