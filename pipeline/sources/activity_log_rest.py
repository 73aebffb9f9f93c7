"""The activity log as its REST interface and ``az monitor activity-log list`` answer it.

Fields and their meaning: Microsoft's "Azure Activity Log event schema", which also says how they
are called in storage. Many are objects of a ``value`` and its translation.
"""

from collections.abc import Iterator

from pipeline.dialect import Record, lowered
from pipeline.source import Source
from pipeline.sources.activity_log import Record as Event
from pipeline.sources.activity_log import called


def _claims(record: Record) -> bool:
    return "eventtimestamp" in record and "operationname" in record


def _items(record: Record) -> Iterator[Record]:
    yield {
        "time": record["eventtimestamp"],
        "resourceId": record.get("resourceid") or record.get("resourceuri"),
        "operationName": _value(record["operationname"]),
        "category": _value(record.get("category")),
        "resultType": _value(record.get("status")),
        "resultSignature": _value(record.get("substatus")),
        "resultDescription": record.get("description"),
        "correlationId": record.get("correlationid"),
        "level": record.get("level"),
        "identity": {
            "authorization": record.get("authorization"),
            "claims": called(record.get("caller"), record.get("claims")),
        },
        "properties": record.get("properties"),
    }


def _value(said: object) -> object:
    """What a thing is called in every language."""
    return lowered(said).get("value") if isinstance(said, dict) else said


activity_log_rest = Source(
    about="activity log by its REST interface or az monitor activity-log list",
    dataset="changes",
    query="activity_log",
    record=Event,
    claims=_claims,
    items=_items,
)
