"""API Management gateway logs as diagnostic settings write them, to storage or an Event Hub.

Fields and their meaning: Microsoft's "Reference: Gateway log schema". Headers, bodies and trace
records may hold secrets and are not read at all. Records of 2017 and 2018 have the same facts in
other letters, in a text instead of an object, and call the caller's subscription SubscriptionId;
their ServiceTime is passed over, for its unit is documented nowhere.
"""

import msgspec

from pipeline import dialect
from pipeline.source import Int, Long, Source


class LastError(msgspec.Struct, rename="camel", omit_defaults=True):
    """The last error; ``elapsed`` counts ms from the request's start."""

    elapsed: Long | None = None
    source: str | None = None
    section: str | None = None
    reason: str | None = None
    message: str | None = None


class Properties(msgspec.Struct, rename="camel", omit_defaults=True):
    """The category's own part of a record; durations in ms, sizes in bytes."""

    method: str | None = None
    url: str | None = None
    client_protocol: str | None = None
    response_code: Int | None = None
    request_size: Long | None = None
    response_size: Long | None = None
    client_time: Long | None = None
    cache: str | None = None
    cache_time: Long | None = None
    backend_id: str | None = None
    backend_method: str | None = None
    backend_url: str | None = None
    backend_protocol: str | None = None
    backend_response_code: Int | None = None
    backend_time: Long | None = None
    api_id: str | None = None
    api_revision: str | None = None
    operation_id: str | None = None
    product_id: str | None = None
    apim_subscription_id: str | None = None
    subscription_id: str | None = None
    last_error: LastError | None = None
    errors: list[LastError] | None = None


class Record(msgspec.Struct, rename="camel", omit_defaults=True):
    """A request that the gateway answered; ``time`` is when it started."""

    time: str | None = None
    category: str | None = None
    resource_id: str | None = None
    location: str | None = None
    correlation_id: str | None = None
    caller_ip_address: str | None = None
    duration_ms: Long | None = None
    is_request_success: bool | None = None
    properties: Properties | None = None


# What other spellings have beside the others, not nested: all but the errors.
FLAT_PROPERTIES = tuple(
    name
    for name in Properties.__struct_encode_fields__
    if name not in ("lastError", "errors", "subscriptionId")
)


def _claims(record: dialect.Record) -> bool:
    # Other spellings have no properties; a record in this one that has none is to be refused.
    names = record.keys()
    return record.get("category") == "GatewayLogs" and bool(
        "properties" in names or (names & {"time", "resourceid"} and "timegenerated" not in names)
    )


apim_gateway_logs = Source(
    about="API Management GatewayLogs by a diagnostic setting: records with properties",
    dataset="requests",
    query="apim_gateway_logs",
    record=Record,
    claims=_claims,
)
