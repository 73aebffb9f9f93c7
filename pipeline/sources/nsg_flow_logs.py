"""Network security group flow logs, versions 1 and 2, as Network Watcher writes them.

Fields and their meaning: Microsoft's "Flow logging for network security groups". A tuple is a text
of 8 fields in version 1 and of 13 in version 2. Azure stopped making new ones in 2025.
"""

from collections.abc import Iterator

from pipeline.dialect import Record, lowered, parsed
from pipeline.source import Source
from pipeline.sources.vnet_flow_logs import Flow, listed


def _claims(record: Record) -> bool:
    category = record.get("category")
    return isinstance(category, str) and category.lower() == "networksecuritygroupflowevent"


def _items(record: Record) -> Iterator[Record]:
    told = {"flowLog": "nsg", "resourceId": record.get("resourceid")}
    for rule in listed(parsed(record.get("properties")), "flows"):
        flows = listed(rule, "flows")
        name = lowered(rule).get("rule")  # type: ignore[arg-type]
        for flow in flows:
            tuples = listed(flow, "flowTuples")
            mac = lowered(flow).get("mac") or record.get("macaddress")  # type: ignore[arg-type]
            for each in tuples:
                yield {**told, "macAddress": mac, "rule": name, "flowTuple": each}


nsg_flow_logs = Source(
    about='network security group flow logs: {"records": […]} of NetworkSecurityGroupFlowEvent',
    dataset="flows",
    query="flow_tuples",
    record=Flow,
    claims=_claims,
    items=_items,
    many=True,
)
