"""Calls that apps made, as rows of ``dependencies``, the table's older name and spelling.

Application Insights itself still gives it so, and the portal's CSV of it. The time is the call's
start, ``duration`` is in ms.
"""

from collections.abc import Iterator

from pipeline.dialect import Record
from pipeline.source import Source
from pipeline.sources.app_dependencies import app_dependencies, needs_socket

# What stands for null: in a row of the portal's, and in one of the command line's.
NOTHING = (None, "", "None")
COLUMNS = {
    "time": "timestamp",
    "AppRoleName": "cloud_rolename",
    "AppRoleInstance": "cloud_roleinstance",
    "OperationId": "operation_id",
    "OperationName": "operation_name",
    "Name": "name",
    "Target": "target",
    "DependencyType": "type",
    "Data": "data",
    "Success": "success",
    "ResultCode": "resultcode",
    "DurationMs": "duration",
    "ItemCount": "itemcount",
}
OF_A_CALL = frozenset({"timestamp", "target", "duration"})


def _claims(record: Record) -> bool:
    if record.get("itemtype"):
        return record["itemtype"] == "dependency"
    return record.keys() >= OF_A_CALL and "timegenerated" not in record


def _items(record: Record) -> Iterator[Record]:
    if needs_socket(record.get("type")):
        said = {name: value for name, value in record.items() if value not in NOTHING}
        call = {name: said.get(column) for name, column in COLUMNS.items()}
        yield {**call, "resourceId": said.get("_resourceid", "")}


app_dependencies_classic = Source(
    about="rows of the classic table dependencies: queried or saved as CSV",
    dataset="requests",
    query="app_dependencies",
    record=app_dependencies.record,
    claims=_claims,
    items=_items,
)
