"""Application Gateway access logs as diagnostic settings write them: ApplicationGatewayAccessLog.

Fields: Microsoft's "Azure Application Gateway monitoring data reference". ``timeTaken`` is in ms on
version 1 of the gateway and in seconds on version 2, which tells it together with the seconds that
the client waited, with an id for the request, or with a fraction. The time is when the record was
made, at the request's end. Of the query that version 1 logs, only what it put there itself is used.
"""

import msgspec

from pipeline.source import Int, Long, Source


class Properties(msgspec.Struct, rename="camel", omit_defaults=True):
    """The category's own part of a record; texts may name several servers, with commas between."""

    instance_id: str | None = None
    client_ip: str | None = msgspec.field(default=None, name="clientIP")
    http_method: str | None = None
    request_uri: str | None = None
    request_query: str | None = None
    original_request_uri_with_args: str | None = None
    http_status: Int | None = None
    http_version: str | None = None
    received_bytes: Long | None = None
    sent_bytes: Long | None = None
    client_response_time: float | None = None
    time_taken: float | None = None
    transaction_id: str | None = None
    ssl_enabled: str | None = None
    host: str | None = None
    original_host: str | None = None
    server_routed: str | None = None
    server_status: str | None = None
    server_response_latency: str | None = None
    error_info: str | None = msgspec.field(default=None, name="error_info")


class Record(msgspec.Struct, rename="camel", omit_defaults=True):
    """A request that the gateway answered."""

    time: str | None = None
    timestamp: str | None = None
    category: str | None = None
    resource_id: str | None = None
    backend_pool_name: str | None = None
    properties: Properties | None = None


# What other spellings have beside the others, not nested, by that name in lower case.
FLAT_PROPERTIES = {
    name: name.replace("_", "").lower() for name in Properties.__struct_encode_fields__
}


application_gateway_access_logs = Source(
    about="Application Gateway ApplicationGatewayAccessLog by a diagnostic setting",
    dataset="requests",
    query="application_gateway_access_logs",
    record=Record,
    claims=lambda record: (
        record.get("category") == "ApplicationGatewayAccessLog" and "timegenerated" not in record
    ),
)
