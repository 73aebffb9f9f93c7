"""What other exports tell of a run: metrics of the way out and of the gateway, the activity log.

Metrics of the way out come as `az monitor metrics list` prints them, for diagnostic settings drop
their dimensions; those of the gateway as a diagnostic setting writes them. Nobody has published a
real answer about SNAT ports: these follow Microsoft's lists of metrics and dimensions.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from tests.simulation.azure_logs import RESOURCE_ID, time_stamp
from tests.simulation.gateway_faults import Saturation
from tests.simulation.ports import Lease
from tests.simulation.run import Run
from tests.simulation.sample import Files
from tests.simulation.scenario import START, Change, Scenario
from tests.simulation.topology import SETTINGS_NAME, settings

OUTBOUND = "metrics/"
OF_GATEWAY = "insights-metrics-pt1m/"
METRICS = (OUTBOUND, OF_GATEWAY)
CHANGES = "insights-activity-logs/"
GROUP, SUBSCRIPTION = RESOURCE_ID.partition("/PROVIDERS/")[0], RESOURCE_ID.split("/")[2]
MINUTE_S = 60
BUSIEST_CAPACITY = 100.0

Counts = NDArray[np.float64]
Series = tuple[dict[str, str], dict[str, Counts]]


def other_sources(run: Run, rng: np.random.Generator) -> Files:
    """All exports of a run but its gateway logs, and settings that name the way out."""
    nat = run.scenario.world.egress.shared_ports is not None
    measured = nat_gateway_metrics(run) if nat else load_balancer_metrics(run)
    return {
        f"{OUTBOUND}snat.json": json.dumps(measured, indent=1).encode(),
        **gateway_metrics(run.scenario, rng),
        **activity_log(run.scenario.changes),
        SETTINGS_NAME: settings(run.scenario.world, egress_id(nat)).encode(),
    }


def egress_id(nat: bool) -> str:
    """The resource id of the way out."""
    kind = "natGateways/nat-synthetic" if nat else "loadBalancers/lb-synthetic"
    return f"{GROUP}/providers/Microsoft.Network/{kind}"


# --- the way out ---


def load_balancer_metrics(run: Run) -> dict[str, Any]:
    """SNAT connections by state, ports used and allocated, by back end; and availability."""
    minutes = whole_minutes(run.scenario)
    units = range(len(run.scenario.world.units))
    connections, used, allocated = list[Series](), list[Series](), list[Series]()
    for unit in units:
        own = [lease for lease in run.leases if lease.unit == unit]
        back_end = {"backendipaddress": f"10.0.0.{4 + unit}", "frontendipaddress": "192.0.2.10"}
        starved = per_minute((at for at, of in run.starved_at if of == unit), minutes)
        taken = per_minute((lease.taken for lease in own), minutes)
        for state, counts in (("Failed", starved), ("Successful", taken)):
            connections.append(({**back_end, "connectionstate": state}, {"total": counts}))
        levels = ports_in_use(own, minutes)
        limit = np.full(minutes, float(run.scenario.world.units[unit].ports))
        of_tcp = {**back_end, "protocoltype": "TCP"}
        used.append((of_tcp, levels))
        allocated.append((of_tcp, {"average": limit, "maximum": limit}))
    return answer(
        egress_id(nat=False),
        {
            "SnatConnectionCount": connections,
            "UsedSnatPorts": used,
            "AllocatedSnatPorts": allocated,
            "VipAvailability": [({}, {"average": availability(run.scenario)})],
        },
    )


def nat_gateway_metrics(run: Run) -> dict[str, Any]:
    """SNAT connections attempted and failed, the connections open, and availability."""
    minutes = whole_minutes(run.scenario)
    failed = per_minute((at for at, _ in run.starved_at), minutes)
    taken = per_minute((lease.taken for lease in run.leases), minutes)
    states = (("Attempted", taken + failed), ("Failed", failed))
    open_ = sum_of_open(run.leases, minutes)
    return answer(
        egress_id(nat=True),
        {
            "SNATConnectionCount": [
                ({"connectionstate": state, "protocol": "6"}, {"total": counts})
                for state, counts in states
            ],
            "TotalConnectionCount": [({"protocol": "6"}, {"total": open_})],
            "DatapathAvailability": [({}, {"average": availability(run.scenario)})],
        },
    )


def answer(resource_id: str, metrics: dict[str, list[Series]]) -> dict[str, Any]:
    """What the metrics interface answers, minute by minute from the start of the scenario."""
    return {
        "cost": 0,
        "interval": "PT1M",
        "namespace": "/".join(resource_id.split("/")[6:8]),
        "resourceregion": "westeurope",
        "timespan": "",
        "value": [
            {
                "id": f"{resource_id}/providers/Microsoft.Insights/metrics/{name}",
                "type": "Microsoft.Insights/metrics",
                "name": {"value": name, "localizedValue": name},
                "unit": "Count",
                "errorCode": "Success",
                "timeseries": [
                    {"metadatavalues": dimensions(of), "data": points(values)}
                    for of, values in series
                ],
            }
            for name, series in metrics.items()
        ],
    }


def dimensions(of: dict[str, str]) -> list[dict[str, Any]]:
    """The dimensions of a series, their names in lower case as they come back."""
    return [{"name": {"value": name, "localizedValue": name}, "value": of[name]} for name in of]


def points(values: dict[str, Counts]) -> list[dict[str, Any]]:
    """The values of each minute."""
    length = len(next(iter(values.values())))
    return [
        {
            "timeStamp": f"{START + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}",
            **{name: round(float(value[minute]), 3) for name, value in values.items()},
        }
        for minute in range(length)
    ]


def whole_minutes(scenario: Scenario) -> int:
    """Minutes that metrics are read for: to the last request, and a few more."""
    return int(scenario.duration_s // MINUTE_S) + 6


def per_minute(moments: Iterable[float], minutes: int) -> Counts:
    """How many moments lie in each minute."""
    places = [int(moment // MINUTE_S) for moment in moments if moment < minutes * MINUTE_S]
    return np.bincount(places, minlength=minutes).astype(np.float64)


def ports_in_use(leases: Iterable[Lease], minutes: int) -> dict[str, Counts]:
    """Ports of one unit that serve any destination, seen each second."""
    spans: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for lease in leases:
        spans[lease.port].append((lease.taken, lease.freed))
    seconds = minutes * MINUTE_S
    steps = np.zeros(seconds + 1)
    for own in spans.values():
        for begin, end in joined(own):
            steps[min(int(np.ceil(begin)), seconds)] += 1
            steps[min(int(np.ceil(end)), seconds)] -= 1
    levels = np.cumsum(steps[:-1]).reshape(minutes, MINUTE_S)
    return {"average": levels.mean(axis=1), "maximum": levels.max(axis=1)}


def joined(spans: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Spans that overlap, as one: one port may serve several destinations at once."""
    begin = end = -1.0
    for start, stop in sorted(spans):
        if start > end:
            if end >= 0:
                yield begin, end
            begin, end = start, stop
        end = max(end, stop)
    if end >= 0:
        yield begin, end


def sum_of_open(leases: Iterable[Lease], minutes: int) -> Counts:
    """Connections open at the start of each minute."""
    held = list(leases)
    grid = np.arange(minutes) * MINUTE_S
    begun = np.searchsorted(np.sort([lease.taken for lease in held]), grid, side="right")
    over = np.searchsorted(np.sort([lease.closed for lease in held]), grid, side="right")
    return np.asarray(begun - over, dtype=np.float64)


def availability(scenario: Scenario) -> Counts:
    """Availability of the way out in percent: full, but for the dips."""
    values = np.full(whole_minutes(scenario), 100.0)
    for place, moment in enumerate(scenario.dips):
        values[int(moment // MINUTE_S)] = (70.0, 45.0, 88.0)[place % 3]
    return values


# --- the gateway ---


def gateway_metrics(scenario: Scenario, rng: np.random.Generator) -> Files:
    """How busy the gateway was: Capacity, in percent."""
    saturated = [each for each in scenario.gateway_faults if isinstance(each, Saturation)]
    lines: dict[str, list[bytes]] = defaultdict(list)
    for minute in range(whole_minutes(scenario)):
        at = minute * MINUTE_S
        busy = float(rng.uniform(18.0, 34.0))
        for fault in saturated:
            part = np.log(fault.factor_at(at)) / np.log(fault.factor)
            busy += part * float(rng.uniform(0.93, 1.0) * BUSIEST_CAPACITY - busy)
        value = round(busy, 2)
        record = {
            "count": 1,
            "total": value,
            "minimum": value,
            "maximum": value,
            "average": value,
            "resourceId": RESOURCE_ID,
            "time": time_stamp(START, at),
            "metricName": "Capacity",
            "timeGrain": "PT1M",
        }
        hour = START + timedelta(seconds=at)
        lines[
            f"{OF_GATEWAY}resourceId={RESOURCE_ID}/{hour:y=%Y/m=%m/d=%d/h=%H}/m=00/PT1H.json"
        ] += [json.dumps(record, separators=(",", ":")).encode()]
    return {path: b"\r\n".join(told) + b"\r\n" for path, told in lines.items()}


# --- what somebody changed ---


def activity_log(changes: Iterable[Change]) -> Files:
    """The beginning and the end of each change, in the blob of the hour of its beginning."""
    lines: dict[str, list[bytes]] = defaultdict(list)
    for number, change in enumerate(changes):
        hour = START + timedelta(seconds=change.at)
        folder = f"{CHANGES}resourceId=/SUBSCRIPTIONS/{SUBSCRIPTION}"
        for result, after in (("Start", 0.0), ("Success", 2.4)):
            record = {
                "time": time_stamp(START, change.at + after),
                "resourceId": change.resource.upper(),
                "operationName": change.operation.upper(),
                "category": "Administrative",
                "resultType": result,
                "resultSignature": "Started." if result == "Start" else "Succeeded.OK",
                "durationMs": "0",
                "callerIpAddress": "198.51.100.200",
                "correlationId": str(UUID(int=number + 1)),
                "identity": {"claims": {"appid": str(UUID(int=99)), "idtyp": "app"}},
                "level": "Informational",
                "properties": {
                    "eventCategory": "Administrative",
                    "entity": change.resource,
                    "message": change.operation,
                },
            }
            path = f"{folder}/{hour:y=%Y/m=%m/d=%d/h=%H}/m=00/PT1H.json"
            lines[path].append(json.dumps(record, separators=(",", ":")).encode())
    return {path: b"\r\n".join(told) + b"\r\n" for path, told in lines.items()}
