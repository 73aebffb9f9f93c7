"""Steps of autoscale as its own resource log tells them, in storage or as a table.

Fields and their meaning: Microsoft's "Diagnostic settings in autoscale" (AutoscaleScaleActions) and
the reference of AutoscaleScaleActionsLog. Evaluations of rules change nothing and are set aside.
"""

from collections.abc import Iterator

from pipeline.dialect import Record, lowered, parsed
from pipeline.source import Source
from pipeline.sources.activity_log import Record as Event

ACTIONS = frozenset({"autoscalescaleactions", "autoscalescaleactionslog"})
EVALUATIONS = frozenset({"autoscaleevaluations", "autoscaleevaluationslog"})
OWN_COLUMNS = frozenset({"newinstancecount", "scaledirection"})


def _claims(record: Record) -> bool:
    for key in ("type", "category"):
        if kind := record.get(key):
            return isinstance(kind, str) and kind.lower() in ACTIONS | EVALUATIONS
    return set(record) >= OWN_COLUMNS


def _items(record: Record) -> Iterator[Record]:
    kinds = {str(record.get(key)).lower() for key in ("type", "category")}
    if kinds & EVALUATIONS:
        return
    # The documentation's examples say property where other resource logs say properties.
    held = parsed(record.get("properties") or record.get("property"))
    told = {**record, **lowered(held)} if isinstance(held, dict) else record
    yield {
        "time": told.get("time") or told.get("timegenerated"),
        "resourceId": told.get("_resourceid") or told.get("resourceid"),
        "operationName": told.get("operationname") or "InstanceScaleAction",
        "category": "AutoscaleScaleActions",
        "resultType": told.get("resulttype") or told.get("scaleactionoperationstatus"),
        "resultDescription": told.get("resultdescription") or told.get("scaleactionmessage"),
        "correlationId": told.get("correlationid"),
        "properties": {
            "ResourceName": told.get("targetresourceid"),
            "OldInstancesCount": told.get("currentinstancecount"),
            "NewInstancesCount": told.get("newinstancecount"),
        },
    }


autoscale_scale_actions = Source(
    about="steps of autoscale: AutoscaleScaleActions",
    dataset="changes",
    query="activity_log",
    record=Event,
    claims=_claims,
    items=_items,
)
