"""Gateway logs as a diagnostic setting exports them, made up: as many as asked, always the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

RESOURCE_ID = (
    "/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000000/RESOURCEGROUPS/RG-BENCHMARK"
    "/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/APIM-BENCHMARK"
)
FIRST_HOUR = datetime(2026, 3, 1, tzinfo=UTC)
# Of all requests: fail at any time, and during the outage in the middle of the logs.
FAILED_SHARE = 0.02
OUTAGE_SHARE = 0.3
OUTAGE_MINUTES = (20, 50)
# Of all records, some reach the storage account only in the next hour's blob or near its end.
LATE_SHARE = 0.01
LATE_S = 15 * 60
TICKS = 10_000_000

OPERATIONS = (
    ("payments", "create-payment", "POST", "payments.contoso.example", 180),
    ("payments", "get-payment", "GET", "payments.contoso.example", 45),
    ("orders", "list-orders", "GET", "orders.contoso.example", 140),
    ("orders", "create-order", "POST", "orders.contoso.example", 220),
    ("catalogue", "search-products", "GET", "catalogue.contoso.example", 110),
    ("catalogue", "get-product", "GET", "catalogue.contoso.example", 40),
    ("inventory", "get-stock", "GET", "inventory.contoso.example", 20),
    ("rates", "get-quote", "GET", "rates.fabrikam.example", 300),
)
ADDRESSES = {
    host: f"203.0.113.{10 + number}:443"
    for number, host in enumerate(sorted({operation[3] for operation in OPERATIONS}))
}
RECORD = (
    '{{"DeploymentVersion":"0.46.25120.0","Level":{level},"isRequestSuccess":{success},'
    '"time":"%s.%07dZ","operationName":"Microsoft.ApiManagement/GatewayLogs",'
    '"category":"GatewayLogs","durationMs":%d,"callerIpAddress":"198.51.100.%d",'
    '"correlationId":"%08x-%04x-4%03x-a%03x-%012x","location":"West Europe","properties":{{'
    '"method":"{method}","url":"https://api.contoso.example/{api}/v1/{operation}/%d'
    '?expand=lines&culture=en-GB",{status}"responseSize":%d,"cache":"none","backendTime":%d,'
    '"requestSize":%d,"apiId":"{api}-api","operationId":"{operation}","productId":"internal",'
    '"userId":"1","apimSubscriptionId":"client-%02d","clientTime":%d,"clientProtocol":"HTTP/1.1",'
    '"backendProtocol":"HTTP/1.1","backendId":"{api}-backend","apiRevision":"3",'
    '"clientTlsVersion":"1.2","backendMethod":"{method}",'
    '"backendUrl":"https://{host}/{operation}/%d?expand=lines&culture=en-GB"{error}}},'
    f'"resourceId":"{RESOURCE_ID}"}}}}\r\n'
)
CONNECT = (
    "Unable to connect to the remote server : A connection attempt failed because the connected "
    "party did not properly respond after a period of time {address}"
)
FAILURES = (
    (500, '"responseCode":500,', "BackendConnectionFailure", CONNECT),
    (500, '"responseCode":500,', "Timeout", "The request was canceled due to a timeout"),
    (503, '"backendResponseCode":503,"responseCode":503,', "", ""),
)


@dataclass(frozen=True, slots=True)
class Logs:
    """Logs of one gateway: so many hour blobs, so many records in each."""

    hours: int
    records_an_hour: int


def written(folder: Path, size_bytes: int, blob_bytes: int) -> Logs:
    """Writes logs of about that size, in blobs of about that size, hour by hour."""
    record_bytes = len(b"".join(_hour(Logs(3, 1000), 0))) / 1000
    logs = Logs(
        hours=max(1, round(size_bytes / blob_bytes)),
        records_an_hour=max(1, round(blob_bytes / record_bytes)),
    )
    for hour in range(logs.hours):
        path = folder / blob_name(FIRST_HOUR + timedelta(hours=hour))
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            file.writelines(_hour(logs, hour))
    return logs


def blob_name(hour: datetime) -> str:
    """Where the diagnostic setting puts the records of an hour."""
    return (
        f"insights-logs-gatewaylogs/resourceId={RESOURCE_ID}/{hour:y=%Y/m=%m/d=%d/h=%H}/m=00/"
        "PT1H.json"
    )


def _hour(logs: Logs, hour: int) -> Iterator[bytes]:
    """The lines of an hour's blob, a thousand or so at a time."""
    rng = np.random.default_rng(hour)
    count = logs.records_an_hour
    ticks = np.sort(rng.integers(0, 3600 * TICKS, count))
    outage = hour == logs.hours // 2
    failed = rng.random(count) < FAILED_SHARE
    if outage:
        minutes = ticks // (60 * TICKS)
        within = (minutes >= OUTAGE_MINUTES[0]) & (minutes < OUTAGE_MINUTES[1])
        failed |= within & (rng.random(count) < OUTAGE_SHARE)
    late = rng.random(count) < LATE_SHARE
    ticks = ticks - late * rng.integers(0, LATE_S * TICKS, count)
    operation = rng.integers(0, len(OPERATIONS), count)
    way = np.where(failed, 1 + rng.integers(0, len(FAILURES), count), 0)
    usual_ms = np.array([each[4] for each in OPERATIONS])[operation]
    backend_ms = (usual_ms * rng.lognormal(0.0, 0.5, count)).astype(np.int64) + way % 3 * 20_000
    client_ms = rng.integers(0, 30, count)
    item = rng.integers(1000, 9999, count)
    caller = rng.integers(1, 200, count)
    seconds, fraction = np.divmod(ticks, TICKS)
    began = int((FIRST_HOUR + timedelta(hours=hour)).timestamp())
    stamps = np.datetime_as_string((seconds + began).astype("datetime64[s]")).tolist()
    columns = (
        stamps,
        fraction.tolist(),
        (backend_ms + client_ms + rng.integers(0, 4, count)).tolist(),
        caller.tolist(),
        *(rng.integers(0, 16**digits, count).tolist() for digits in (8, 4, 3, 3, 12)),
        item.tolist(),
        rng.integers(200, 9000, count).tolist(),
        backend_ms.tolist(),
        rng.integers(400, 2000, count).tolist(),
        (caller % 40).tolist(),
        client_ms.tolist(),
        item.tolist(),
    )
    shapes = (operation * (1 + len(FAILURES)) + way).tolist()
    for shape, values in zip(shapes, zip(*columns, strict=True), strict=True):
        yield (SHAPES[shape] % values).encode()


def _shape(operation: tuple[str, str, str, str, int], way: int) -> str:
    """The record of an operation that went well (0) or failed in that way, but for its numbers."""
    api, name, method, host, _ = operation
    success, status, error = "true", '"backendResponseCode":200,"responseCode":200,', ""
    if way:
        _, status, reason, message = FAILURES[way - 1]
        success = "false"
        if reason:
            last = (
                '{"elapsed":20000,"source":"forward-request","path":"forward-request\\\\'
                f'forward-request","reason":"{reason}","message":"'
                f'{message.format(address=ADDRESSES[host])}","section":"backend"}}'
            )
            error = f',"lastError":{last},"errors":[{last}]'
    return RECORD.format(
        level=2 if way else 4,
        success=success,
        method=method,
        api=api,
        operation=name,
        status=status,
        host=host,
        error=error,
    )


SHAPES = [_shape(operation, way) for operation in OPERATIONS for way in range(1 + len(FAILURES))]
