"""NAT gateway flow logs, NatGatewayFlowlogsV1: one record a pair of addresses and minute.

Fields and their meaning: Microsoft's "Manage StandardV2 NAT Gateway Flow Logs" and the reference of
the table of the same name. How the storage copy nests them is not documented, so they are taken at
the top or inside ``properties``. There are neither ports nor protocol nor a count of connections.
"""

from collections.abc import Iterator

import msgspec

from pipeline.dialect import Record, lowered, parsed
from pipeline.source import Long, Source

CATEGORY = "natgatewayflowlogsv1"


class Pair(msgspec.Struct, rename="camel", omit_defaults=True):
    """What went between two addresses in a minute; sizes in bytes."""

    time: str | None = None
    resource_id: str | None = None
    source_ip: str | None = None
    destination_ip: str | None = None
    nat_gateway_ip: str | None = None
    packets_sent: Long | None = None
    packets_received: Long | None = None
    packets_sent_dropped: Long | None = None
    packets_received_dropped: Long | None = None
    bytes_sent: Long | None = None
    bytes_received: Long | None = None


def _claims(record: Record) -> bool:
    for key in ("type", "category"):
        if kind := record.get(key):
            return isinstance(kind, str) and kind.lower() == CATEGORY
    return "natgatewayip" in record


def _items(record: Record) -> Iterator[Record]:
    held = parsed(record.get("properties"))
    told = {**record, **lowered(held)} if isinstance(held, dict) else record
    yield {
        **told,
        "time": told.get("time") or told.get("timegenerated"),
        "resourceId": told.get("resourceid") or told.get("_resourceid"),
    }


nat_gateway_flow_logs = Source(
    about="NAT gateway flow logs: NatGatewayFlowlogsV1",
    dataset="flows",
    query="nat_gateway_flow_logs",
    record=Pair,
    claims=_claims,
    items=_items,
)
