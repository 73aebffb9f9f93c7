"""Gateway logs that a self-hosted API Management gateway writes to its standard output.

One object a request, all names at its top; or a line of text, which is read as the same. It names
no Azure resource, only the location that the gateway is configured with: its requests are those of
the resource ``self-hosted/<location>``, a name that is given here. Times are taken to be the
request's start, as in the logs of other gateways; durations are ms.
"""

from collections.abc import Iterator

from pipeline.dialect import Record
from pipeline.source import Source
from pipeline.sources.apim_gateway_logs import FLAT_PROPERTIES, apim_gateway_logs
from pipeline.sources.apim_gateway_logs_table import self_hosted


def _items(record: Record) -> Iterator[Record]:
    yield {
        "time": record.get("timegenerated"),
        "category": "GatewayLogs",
        "resourceId": f"self-hosted/{record.get('region') or 'unknown'}",
        "location": record.get("region"),
        "correlationId": record.get("correlationid"),
        "callerIpAddress": record.get("calleripaddress"),
        "durationMs": record.get("totaltime"),
        "isRequestSuccess": record.get("isrequestsuccess"),
        "properties": {
            **{name: record.get(name.lower()) for name in FLAT_PROPERTIES},
            "lastError": record.get("lasterror"),
            "errors": record.get("errors"),
        },
    }


apim_gateway_logs_self_hosted = Source(
    about="GatewayLogs of a self-hosted API Management gateway: its standard output, JSON or text",
    dataset="requests",
    query="apim_gateway_logs",
    record=apim_gateway_logs.record,
    claims=self_hosted,
    items=_items,
)
