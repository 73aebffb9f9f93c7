"""Application Gateway access logs as rows of the table AGWAccessLogs, or some of its columns.

Columns: Microsoft's "Azure Monitor Logs reference". All durations are seconds; the time is when the
record was made, at the request's end.
"""

from collections.abc import Iterator

from pipeline.dialect import Record
from pipeline.source import Source
from pipeline.sources.application_gateway_access_logs import (
    FLAT_PROPERTIES,
    application_gateway_access_logs,
)

TABLE = "AGWAccessLogs"
# What stands for null: in a row of the portal's, and in one of the command line's.
NOTHING = (None, "", "None")
# A row that has all of one and some of the other is of this table.
OF_ONE_REQUEST = frozenset({"timegenerated", "timetaken", "httpstatus"})
OF_A_GATEWAY = frozenset({"backendpoolname", "serverrouted", "serverstatus", "transactionid"})


def _claims(record: Record) -> bool:
    if "timegenerated" not in record:
        return False
    if record.get("type"):
        return record["type"] == TABLE
    names = record.keys()
    return bool(names >= OF_ONE_REQUEST and names & OF_A_GATEWAY)


def _items(record: Record) -> Iterator[Record]:
    said = {name: value for name, value in record.items() if value not in NOTHING}
    properties = {name: said.get(column) for name, column in FLAT_PROPERTIES.items()}
    # By this the version is known that tells durations in seconds, as all rows of the table do.
    properties["clientResponseTime"] = said.get("clientresponsetime", 0)
    yield {
        "time": said.get("timegenerated"),
        "category": "ApplicationGatewayAccessLog",
        "resourceId": said.get("_resourceid", ""),
        "backendPoolName": said.get("backendpoolname"),
        "properties": properties,
    }


application_gateway_access_logs_table = Source(
    about="rows of the table AGWAccessLogs: exported, queried or saved as CSV",
    dataset="requests",
    query="application_gateway_access_logs",
    record=application_gateway_access_logs.record,
    claims=_claims,
    items=_items,
)
