"""Calls that apps made, as rows of the table AppDependencies, or some of its columns.

Columns: Microsoft's "Azure Monitor Logs reference". The time is the call's start.
"""

from collections.abc import Iterator

from pipeline.dialect import Record
from pipeline.source import Source
from pipeline.sources.app_dependencies import app_dependencies, needs_socket

TABLE = "AppDependencies"
# What stands for null: in a row of the portal's, and in one of the command line's.
NOTHING = (None, "", "None")
# A row that has all of one and some of the other is of this table.
OF_ONE_CALL = frozenset({"timegenerated", "durationms"})
OF_A_CALL = frozenset({"dependencytype", "target"})


def _claims(record: Record) -> bool:
    if "timegenerated" not in record:
        return False
    if record.get("type"):
        return record["type"] == TABLE
    names = record.keys()
    return bool(names >= OF_ONE_CALL and names & OF_A_CALL)


def _items(record: Record) -> Iterator[Record]:
    if needs_socket(record.get("dependencytype")):
        said = {name: value for name, value in record.items() if value not in NOTHING}
        yield {
            **said,
            "time": said.get("timegenerated"),
            "resourceId": said.get("_resourceid", ""),
        }


app_dependencies_table = Source(
    about="rows of the table AppDependencies: exported, queried or saved as CSV",
    dataset="requests",
    query="app_dependencies",
    record=app_dependencies.record,
    claims=_claims,
    items=_items,
)
