"""Health events of load balancers: LoadBalancerHealthEvent, in storage or as ALBHealthEvent.

Fields and their meaning: Microsoft's "Azure Load Balancer health event logs" and the reference of
the table. How the storage copy nests them is not documented, so they are taken at the top or inside
``properties``.
"""

from collections.abc import Iterator

import msgspec

from pipeline.dialect import Record, lowered, parsed
from pipeline.source import Source

KINDS = frozenset({"albhealthevent", "loadbalancerhealthevent"})


class Event(msgspec.Struct, rename="camel", omit_defaults=True):
    """One event; the address of the backend stands in the description only."""

    time: str | None = None
    resource_id: str | None = None
    health_event_type: str | None = None
    severity: str | None = None
    description: str | None = None
    frontend_ip: str | None = None


def _claims(record: Record) -> bool:
    for key in ("type", "category"):
        if kind := record.get(key):
            return isinstance(kind, str) and kind.lower() in KINDS
    return "healtheventtype" in record


def _items(record: Record) -> Iterator[Record]:
    held = parsed(record.get("properties"))
    told = {**record, **lowered(held)} if isinstance(held, dict) else record
    yield {
        "time": told.get("time") or told.get("timegenerated"),
        "resourceId": told.get("loadbalancerresourceid")
        or told.get("_resourceid")
        or told.get("resourceid"),
        "healthEventType": told.get("healtheventtype") or told.get("loadbalancerhealtheventtype"),
        "severity": told.get("severity"),
        "description": told.get("description"),
        "frontendIp": told.get("frontendip"),
    }


load_balancer_health_events = Source(
    about="health events of load balancers: LoadBalancerHealthEvent or ALBHealthEvent",
    dataset="health_events",
    query="load_balancer_health_events",
    record=Event,
    claims=_claims,
    items=_items,
)
