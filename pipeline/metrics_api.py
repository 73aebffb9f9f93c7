"""The metrics interface of Azure Monitor: SNAT counters, which no export to storage holds.

What it answers is kept as it is, in the shape that the format ``metrics_rest`` knows. Access comes
from ``DefaultAzureCredential``, and takes the role Monitoring Reader.
"""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException
from urllib.parse import urlencode

from pipeline.errors import PipelineError

ENDPOINT = "AZURE_RESOURCE_MANAGER_ENDPOINT"
PUBLIC_ENDPOINT = "https://management.azure.com"
VERSION = "2018-01-01"
# Without it, of ten series alone.
MOST_SERIES = "1000"
A_REQUEST = timedelta(days=1)
TIMEOUT_S = 60
PAUSES_S: tuple[float, ...] = (1, 4, 16)
LONGEST_PAUSE_S = 60.0
AGAIN = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Counter:
    """A metric, the aggregates that mean something for it, and its dimensions."""

    name: str
    aggregation: str
    dimensions: tuple[str, ...]


PORTS = ("FrontendIPAddress", "BackendIPAddress", "ProtocolType")
# Microsoft's reference of supported metrics, by the resource's type.
COUNTERS = {
    "microsoft.network/loadbalancers": (
        Counter(
            "SnatConnectionCount",
            "Total",
            ("FrontendIPAddress", "BackendIPAddress", "ConnectionState"),
        ),
        Counter("AllocatedSnatPorts", "Average,Maximum", PORTS),
        Counter("UsedSnatPorts", "Average,Maximum", PORTS),
    ),
    "microsoft.network/natgateways": (
        Counter("SNATConnectionCount", "Total", ("Protocol", "ConnectionState")),
        Counter("TotalConnectionCount", "Total", ("Protocol",)),
    ),
    "microsoft.network/azurefirewalls": (
        Counter("SNATPortUtilization", "Average,Maximum", ("Protocol",)),
    ),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the interface answered: a name that is the same for the same question, and the JSON."""

    name: str
    content: bytes


def kind(resource_id: str) -> str:
    """The type of a resource, in lower case.

    Raises ``PipelineError`` where it has no SNAT counters.
    """
    parts = resource_id.lower().strip("/").split("/")
    told = "/".join(parts[5:7]) if len(parts) == 8 and parts[4] == "providers" else ""
    if told not in COUNTERS:
        raise PipelineError(
            f"{resource_id!r} is no load balancer, NAT gateway or Azure Firewall; name one by its "
            "whole id: /subscriptions/…/resourceGroups/…/providers/Microsoft.Network/natGateways/…"
        )
    return told


def fetched(resource_id: str, start: datetime, stop: datetime, token: str) -> Iterator[Answer]:
    """The SNAT counters of a resource by minute, a metric and a day at a time; UTC."""
    for counter in COUNTERS[kind(resource_id)]:
        begins = start
        while begins < stop:
            ends = min(begins.replace(hour=0, minute=0) + A_REQUEST, stop)
            content = _asked(resource_id, counter, begins, ends, token)
            short = resource_id.strip("/").replace("/", "_").lower()
            yield Answer(f"{short}/{counter.name}/{begins:%Y-%m-%d}.json", content)
            begins = ends


def endpoint() -> str:
    """Where the interface is."""
    return os.environ.get(ENDPOINT, PUBLIC_ENDPOINT).rstrip("/")


def _asked(
    resource_id: str, counter: Counter, start: datetime, stop: datetime, token: str
) -> bytes:
    query = {
        "api-version": VERSION,
        "metricnames": counter.name,
        "timespan": f"{start:%Y-%m-%dT%H:%M:%SZ}/{stop:%Y-%m-%dT%H:%M:%SZ}",
        "interval": "PT1M",
        "aggregation": counter.aggregation,
        "$filter": " and ".join(f"{each} eq '*'" for each in counter.dimensions),
        "top": MOST_SERIES,
    }
    path = f"/{resource_id.strip('/')}/providers/Microsoft.Insights/metrics"
    request = urllib.request.Request(  # noqa: S310  # the endpoint is ours, or the environment's
        f"{endpoint()}{path}?{urlencode(query)}", headers={"Authorization": f"Bearer {token}"}
    )
    for pause in (*PAUSES_S, None):
        content, why, wait = _answered(request)
        if content is not None:
            return content
        if wait is None or pause is None:
            raise PipelineError(f"{resource_id}, {counter.name}: {why}")
        time.sleep(min(max(pause, wait), LONGEST_PAUSE_S))
    raise AssertionError("the last pause is none")


def _answered(request: urllib.request.Request) -> tuple[bytes | None, str, float | None]:
    """What was answered; else why not, and the seconds to wait before it is asked again, if so."""
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            content: bytes = answer.read()
            return content, "", None
    except urllib.error.HTTPError as error:
        with error:
            after = error.headers.get("Retry-After", "0")
            wait = float(after) if after.isdigit() else 0.0
            return None, _why(error.code, error.read()), wait if error.code in AGAIN else None
    except (OSError, HTTPException) as error:
        why = f"{endpoint()} cannot be reached ({type(error).__name__}); check network and proxy"
        return None, why, 0.0


def _why(status: int, body: bytes) -> str:
    if status == 401:
        return "the sign-in is refused; sign in again (az login), or see the managed identity"
    if status == 403:
        return "no permission; ask for the role Monitoring Reader on it"
    if status == 404:
        return "there is no such resource; copy its id from the portal"
    try:
        told = json.loads(body)
        code = str((told.get("error") or told).get("code", ""))
    except (ValueError, AttributeError):
        code = ""
    return f"the metrics interface answered with HTTP status {status} {code}".rstrip()
