"""The label of a simulated set of logs: what really happened, as no log tells it."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tests.simulation.azure_logs import time_stamp
from tests.simulation.backend import Fault
from tests.simulation.dirt import Dirt
from tests.simulation.exchange import Outcome
from tests.simulation.occupancy import by_table, peak
from tests.simulation.run import Run

NOT_MODELLED = (
    "TCP windows, packet loss and DNS; queueing inside back ends and gateway units; ports held by "
    "other tenants or by health checks; gateway retry policies; sampling; lost batches"
)


def truth(
    name: str, seed: int, *, run: Run, wanted: Run, epoch: datetime, dirt: Dirt
) -> dict[str, Any]:
    """What a diagnosis can be compared with; `wanted` is the run without a port limit."""
    scenario = run.scenario
    failures = [outcome for outcome in run.outcomes if outcome.cause in scenario.causes]
    readable = [outcome for outcome in failures if outcome.correlation_id not in dirt.lost]
    return {
        "synthetic": True,
        "about": "Simulated: no real system, person or traffic is in these logs.",
        "scenario": name,
        "seed": seed,
        "window": {
            "start": time_stamp(epoch, 0.0),
            "end": time_stamp(epoch, scenario.duration_s),
        },
        "mechanism": scenario.mechanism,
        "trigger": scenario.trigger,
        "incident": incident(run, failures, epoch),
        "faults": [fault_entry(fault, epoch) for fault in scenario.faults],
        "surges": [
            {
                "subscription": surge.subscription,
                "operations": list(surge.operations),
                "rate": [
                    {"time": time_stamp(epoch, time), "per_second": round(rate, 3)}
                    for time, rate in surge.rate.points
                ],
            }
            for surge in scenario.surges
        ],
        "requests": len(run.outcomes),
        "failures": len(failures),
        "readable_requests": dirt.readable,
        "readable_failures": len(readable),
        "outcomes": outcome_counts(run.outcomes),
        "retries": sum(outcome.call.attempt > 0 for outcome in run.outcomes),
        "dirt": {
            "lines": dirt.lines,
            "duplicates": dirt.duplicates,
            "malformed": dirt.malformed,
            "truncated": dirt.truncated,
        },
        "hidden": hidden(run),
        "ports": port_entries(run, wanted, epoch),
        "not_modelled": NOT_MODELLED,
    }


def incident(run: Run, failures: list[Outcome], epoch: datetime) -> dict[str, Any] | None:
    """Start of the first failed request to completion of the last, and whom it hit."""
    if not failures:
        return None
    start = min(outcome.started for outcome in failures)
    end = max(outcome.ended for outcome in failures)
    apis = {outcome.call.api.id for outcome in failures if outcome.call.api}
    meanwhile = [
        outcome
        for outcome in run.outcomes
        if start <= outcome.started <= end and outcome.call.api and outcome.call.api.id in apis
    ]
    return {
        "start": time_stamp(epoch, start),
        "end": time_stamp(epoch, end),
        "destinations": destinations_hit(failures),
        "requests_to_its_apis": len(meanwhile),
        "retries_to_its_apis": sum(outcome.call.attempt > 0 for outcome in meanwhile),
        "operations_failed": len({outcome.call.number for outcome in failures}),
        "callers": len({outcome.call.caller.ip for outcome in failures}),
        "apis": sorted(apis),
    }


def destinations_hit(failures: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Hosts with their ip:port and their failures, worst first."""
    counts = Counter(
        outcome.call.api.destination
        for outcome in failures
        if outcome.call.api and outcome.call.api.destination
    )
    return [
        {
            "host": destination.host,
            "ip": destination.endpoint.ip,
            "port": destination.endpoint.port,
            "failures": count,
        }
        for destination, count in counts.most_common()
    ]


def outcome_counts(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """How many requests ended in which way, good answers without a cause."""
    counts = Counter((outcome.cause or "", outcome.status) for outcome in outcomes)
    return [
        {"cause": cause or None, "status": status, "requests": count}
        for (cause, status), count in sorted(counts.items())
    ]


def fault_entry(fault: Fault, epoch: datetime) -> dict[str, Any]:
    """A planned fault with its moments as times."""
    values: dict[str, Any] = {name: getattr(fault, name) for name in fault.__slots__}
    for moment in values.keys() & {"start", "end"}:
        values[moment] = time_stamp(epoch, values[moment])
    return {"fault": type(fault).__name__, **values}


def hidden(run: Run) -> dict[str, Any]:
    """Parameters that nobody outside could know."""
    world = run.scenario.world
    return {
        "ports_per_unit": [unit.ports for unit in world.units],
        "pool_idle_s": round(world.pool_idle_s, 3),
        "close_share": {item.host: round(item.close_share, 4) for item in world.destinations},
    }


def port_entries(run: Run, wanted: Run, epoch: datetime) -> list[dict[str, Any]]:
    """Peak occupancy of each unit towards each destination, and SYNs that could not be sent."""
    world = run.scenario.world
    demand = {table: peak(leases).ports for table, leases in by_table(wanted.leases).items()}
    entries = []
    for table, leases in sorted(by_table(run.leases).items()):
        most = peak(leases)
        entries.append(
            {
                "unit": table.unit,
                "location": world.units[table.unit].location,
                "destination": str(table.endpoint),
                "hosts": [d.host for d in world.destinations if d.endpoint == table.endpoint],
                "limit": world.units[table.unit].ports,
                "peak": most.ports,
                "peak_at": time_stamp(epoch, most.at),
                "peak_without_limit": demand[table],
                "connections": len(leases),
                "syns_without_port": run.starved_connects.get((table.unit, table.endpoint), 0),
            }
        )
    return entries
