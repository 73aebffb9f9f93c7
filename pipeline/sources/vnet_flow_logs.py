"""Virtual network flow logs, version 4, as Network Watcher writes them: many tuples a record.

Fields and their meaning: Microsoft's "Virtual network flow logs". A record has a list of flows, a
flow has a list of groups by rule, a group has a list of tuples; a tuple is a text of 13 fields.
"""

from collections.abc import Iterator

import msgspec

from pipeline.dialect import Record, lowered, parsed
from pipeline.source import Source


class Flow(msgspec.Struct, rename="camel", omit_defaults=True):
    """A tuple, and what its record says of it; ``flow_log`` is the kind of log, vnet or nsg."""

    flow_log: str | None = None
    resource_id: str | None = None
    mac_address: str | None = None
    rule: str | None = None
    flow_tuple: str | None = None


def listed(holder: object, key: str) -> list[object]:
    """The list that an object of a flow log holds; empty where it is null or missing.

    Raises ``ValueError`` where the one is no object or the other no list.
    """
    if not isinstance(holder, dict):
        raise ValueError(f"an object with {key} should stand where {holder!r:.40} does")
    held = lowered(holder).get(key.lower())
    if held is None:
        return []
    if not isinstance(held, list):
        raise ValueError(f"{key} is not a list")
    return held


def _claims(record: Record) -> bool:
    category = record.get("category")
    if category is None:
        return "flowrecords" in record
    return isinstance(category, str) and category.lower() == "flowlogflowevent"


def _items(record: Record) -> Iterator[Record]:
    told = {
        "flowLog": "vnet",
        "resourceId": record.get("targetresourceid") or record.get("resourceid"),
        "macAddress": record.get("macaddress"),
    }
    for flow in listed(parsed(record.get("flowrecords")), "flows"):
        for group in listed(flow, "flowGroups"):
            tuples = listed(group, "flowTuples")
            rule = lowered(group).get("rule")  # type: ignore[arg-type]
            for each in tuples:
                yield {**told, "rule": rule, "flowTuple": each}


vnet_flow_logs = Source(
    about='virtual network flow logs: {"records": […]} of FlowLogFlowEvent',
    dataset="flows",
    query="flow_tuples",
    record=Flow,
    claims=_claims,
    items=_items,
    many=True,
)
