"""App Service HTTP logs as rows of the table AppServiceHTTPLogs, or some of its columns.

Columns: Microsoft's "Azure Monitor Logs reference". The time is the request's end, ``TimeTaken`` is
in ms. Whoever asks for some columns only may leave out the resource: then the host is all there is.
"""

from collections.abc import Iterator

from pipeline.dialect import Record
from pipeline.source import Source
from pipeline.sources.app_service_http_logs import PROPERTIES, app_service_http_logs

TABLE = "AppServiceHTTPLogs"
# What stands for null: in a row of the portal's, and in one of the command line's.
NOTHING = (None, "", "None")
# A row that has all of one and some of the other is of this table. IIS logs of machines have these
# names too, and the machine's beside them.
OF_ONE_REQUEST = frozenset({"timegenerated", "timetaken"})
OF_A_REQUEST = frozenset({"csmethod", "csuristem", "scstatus"})
OF_A_MACHINE = frozenset({"scomputername", "sip", "ssitename"})


def _claims(record: Record) -> bool:
    if "timegenerated" not in record:
        return False
    if record.get("type"):
        return record["type"] == TABLE
    names = record.keys()
    return bool(names >= OF_ONE_REQUEST and names & OF_A_REQUEST and not names & OF_A_MACHINE)


def _items(record: Record) -> Iterator[Record]:
    said = {name: value for name, value in record.items() if value not in NOTHING}
    yield {
        "time": said.get("timegenerated"),
        "category": TABLE,
        "resourceId": said.get("_resourceid", ""),
        "properties": {name: said.get(name.lower()) for name in PROPERTIES},
    }


app_service_http_logs_table = Source(
    about="rows of the table AppServiceHTTPLogs: exported, queried or saved as CSV",
    dataset="requests",
    query="app_service_http_logs",
    record=app_service_http_logs.record,
    claims=_claims,
    items=_items,
)
