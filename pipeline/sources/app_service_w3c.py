"""App Service web server logs in the W3C extended format, as an app writes them to blobs.

Times are UTC, of whole seconds, and the request's end; ``time-taken`` is in ms. A log names no
Azure resource, only the site: its requests are those of the resource ``site/<s-sitename>``, a name
that is given here. ``~1`` before a site's name marks requests to its tools; they are the site's.
"""

from collections.abc import Iterator

from pipeline.dialect import Record
from pipeline.source import Source
from pipeline.sources.app_service_http_logs import app_service_http_logs

FIELDS = {
    "CsHost": "cs-host",
    "CIp": "c-ip",
    "SPort": "s-port",
    "CsUriStem": "cs-uri-stem",
    "CsUriQuery": "cs-uri-query",
    "CsMethod": "cs-method",
    "TimeTaken": "time-taken",
    "ScStatus": "sc-status",
    "CsBytes": "cs-bytes",
    "ScBytes": "sc-bytes",
    "ComputerName": "s-computername",
    "Protocol": "cs-version",
}


def _items(record: Record) -> Iterator[Record]:
    if not record.get("date") or not record.get("time"):
        raise ValueError("no date and time")
    site = record.get("s-sitename")
    yield {
        "time": f"{record['date']}T{record['time']}Z",
        "category": "AppServiceHTTPLogs",
        "resourceId": f"site/{str(site).removeprefix('~1')}" if site else "",
        "properties": {name: record.get(field) for name, field in FIELDS.items()},
    }


app_service_w3c = Source(
    about="App Service web server logs: W3C extended format, with s-sitename",
    dataset="requests",
    query="app_service_http_logs",
    record=app_service_http_logs.record,
    claims=lambda record: "s-sitename" in record and "cs-uri-stem" in record,
    items=_items,
)
