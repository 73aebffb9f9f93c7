"""Writes outcomes as GatewayLogs records, the way a diagnostic setting of API Management does."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulation.exchange import GatewayError, Outcome
from tests.simulation.world import UnitPlan

RESOURCE_ID = (
    "/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000000/RESOURCEGROUPS/RG-SYNTHETIC"
    "/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/APIM-SYNTHETIC"
)
CONTAINER = "insights-logs-gatewaylogs"
CATEGORY = "GatewayLogs"

LEVEL_INFORMATION = 4
LEVEL_ERROR = 2


def line(outcome: Outcome, units: tuple[UnitPlan, ...], epoch: datetime) -> bytes:
    """One record as compact JSON, without a line end."""
    record = envelope(outcome, units[outcome.unit].location, epoch)
    return json.dumps(record, separators=(",", ":")).encode("ascii")


def envelope(outcome: Outcome, location: str, epoch: datetime) -> dict[str, Any]:
    """The record of a resource log; `epoch` is the moment at which the scenario starts."""
    return {
        "Level": LEVEL_INFORMATION if outcome.error is None else LEVEL_ERROR,
        "isRequestSuccess": 200 <= outcome.status < 400,
        "time": time_stamp(epoch, outcome.started),
        "operationName": "Microsoft.ApiManagement/GatewayLogs",
        "category": CATEGORY,
        "durationMs": milliseconds(outcome.ended - outcome.started),
        "callerIpAddress": outcome.call.caller.ip,
        "correlationId": outcome.correlation_id,
        "location": location,
        "properties": properties(outcome),
        "resourceId": RESOURCE_ID,
    }


def properties(outcome: Outcome) -> dict[str, Any]:
    """The part that only GatewayLogs have. What does not apply has no key."""
    call = outcome.call
    client = call.caller.client
    known = call.api is not None
    called = outcome.backend_called
    backend_url = call.backend_url if called else None
    error = error_object(outcome.error)
    filled: dict[str, Any] = {
        "method": call.method,
        "url": call.url,
        "backendResponseCode": outcome.backend_status,
        "responseCode": outcome.status,
        "responseSize": outcome.response_bytes,
        "cache": outcome.cache,
        "cacheTime": milliseconds(outcome.cache_s),
        "backendTime": milliseconds(outcome.backend_s),
        "requestSize": outcome.request_bytes,
        "apiId": call.api.id if call.api else None,
        "operationId": call.operation.id if call.operation else None,
        "productId": client.product if known else None,
        "userId": client.user if known else None,
        "apimSubscriptionId": client.subscription if known else None,
        "clientTime": milliseconds(outcome.client_s),
        "clientProtocol": "HTTP/1.1",
        "backendProtocol": backend_protocol(outcome) if called else None,
        "apiRevision": call.api.revision if call.api else None,
        "clientTlsVersion": "1.2",
        "backendMethod": call.method if called else None,
        "backendUrl": backend_url,
        "lastError": error,
        "errors": None if error is None else [error],
    }
    return {key: value for key, value in filled.items() if value is not None}


def backend_protocol(outcome: Outcome) -> str:
    """The protocol that the back end speaks."""
    api = outcome.call.api
    multiplexed = api is not None and api.destination is not None and api.destination.multiplexed
    return "HTTP/2" if multiplexed else "HTTP/1.1"


def error_object(error: GatewayError | None) -> dict[str, Any] | None:
    """The gateway's account of an error."""
    if error is None:
        return None
    filled = {
        "elapsed": milliseconds(error.elapsed_s),
        "source": error.source,
        "path": error.path,
        "reason": error.reason,
        "message": error.message,
        "section": error.section,
    }
    return {key: value for key, value in filled.items() if value != ""}


def time_stamp(epoch: datetime, seconds: float) -> str:
    """UTC with seven fractional digits, as .NET writes it."""
    whole, ticks = divmod(round(seconds * 10_000_000), 10_000_000)
    moment = epoch + timedelta(seconds=whole)
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{ticks:07d}Z"


def milliseconds(seconds: float | None) -> int | None:
    """Whole milliseconds; None stays None."""
    return None if seconds is None else round(seconds * 1000)


def blob_path(received: datetime) -> str:
    """Where a record goes that is received at that moment: one blob per resource and hour."""
    return f"{CONTAINER}/resourceId={RESOURCE_ID}/{received:y=%Y/m=%m/d=%d/h=%H}/m=00/PT1H.json"
