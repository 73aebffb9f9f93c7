"""App Service HTTP logs as diagnostic settings write them: AppServiceHTTPLogs, requests to an app.

Fields: those of the table AppServiceHTTPLogs below ``properties``, which may be a text. Cookie,
Referer, UserAgent and CsUsername are not read at all; of CsUriQuery nothing but the id that the
front end puts there. The time is the request's end: requests that a restart broke off at one
moment have that moment in common, however long each had taken.
"""

import msgspec

from pipeline.source import Int, Long, Source


class Properties(msgspec.Struct, rename="pascal", omit_defaults=True):
    """The category's own part of a record; ``TimeTaken`` in ms, sizes in bytes."""

    cs_host: str | None = None
    c_ip: str | None = None
    s_port: Int | None = None
    cs_uri_stem: str | None = None
    cs_uri_query: str | None = None
    cs_method: str | None = None
    time_taken: Long | None = None
    sc_status: Int | None = None
    result: str | None = None
    cs_bytes: Long | None = None
    sc_bytes: Long | None = None
    computer_name: str | None = None
    protocol: str | None = None


class Record(msgspec.Struct, rename="camel", omit_defaults=True):
    """A request that the app answered, or that its caller gave up."""

    time: str | None = None
    category: str | None = None
    resource_id: str | None = None
    properties: Properties | None = None


# What other spellings have beside the others, not nested.
PROPERTIES = Properties.__struct_encode_fields__


app_service_http_logs = Source(
    about="App Service AppServiceHTTPLogs by a diagnostic setting: records with properties",
    dataset="requests",
    query="app_service_http_logs",
    record=Record,
    claims=lambda record: (
        record.get("category") == "AppServiceHTTPLogs" and "timegenerated" not in record
    ),
)
