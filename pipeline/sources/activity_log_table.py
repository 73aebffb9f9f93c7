"""The activity log as Log Analytics holds it: the table AzureActivity.

Columns and their meaning: Microsoft's reference of the table. Those that end in Value are the same
in every language; those that end in _d are objects where the others are texts.
"""

from collections.abc import Iterator

from pipeline.dialect import Record, parsed
from pipeline.source import Source
from pipeline.sources.activity_log import Record as Event
from pipeline.sources.activity_log import called

OWN_COLUMNS = frozenset(
    {
        "activitystatus",
        "activitystatusvalue",
        "activitysubstatus",
        "activitysubstatusvalue",
        "categoryvalue",
        "operationnamevalue",
    }
)


def _claims(record: Record) -> bool:
    if kind := record.get("type"):
        return isinstance(kind, str) and kind.lower() == "azureactivity"
    return not OWN_COLUMNS.isdisjoint(record)


def _items(record: Record) -> Iterator[Record]:
    def either(*names: str) -> object:
        return next((said for name in names if (said := record.get(name))), None)

    authorization = parsed(either("authorization_d", "authorization"))
    yield {
        "time": record.get("timegenerated"),
        "resourceId": either("_resourceid", "resourceid"),
        "operationName": either("operationnamevalue", "operationname"),
        "category": either("categoryvalue", "category"),
        "resultType": either("activitystatusvalue", "activitystatus"),
        "resultSignature": either("activitysubstatusvalue", "activitysubstatus"),
        "correlationId": record.get("correlationid"),
        "level": record.get("level"),
        "identity": {
            "authorization": authorization if isinstance(authorization, dict) else None,
            "claims": called(record.get("caller"), either("claims_d", "claims")),
        },
        "properties": either("properties_d", "properties"),
    }


activity_log_table = Source(
    about="activity log as the table AzureActivity",
    dataset="changes",
    query="activity_log",
    record=Event,
    claims=_claims,
    items=_items,
)
