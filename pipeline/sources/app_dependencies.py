"""Calls that apps made, as Application Insights tells them by a diagnostic setting.

Fields: the columns of the table AppDependencies, with ``time`` (the call's start) and
``resourceId`` (of the Application Insights resource). Where calls are sampled, ``ItemCount`` tells
how many one record stands for. Of ``Data`` only a URL is used, never a statement or a message.
"""

from collections.abc import Iterator

import msgspec

from pipeline.dialect import Record
from pipeline.source import Long, Source

# Calls within the process, and messages to a queue, which go over a connection that stays.
NO_SOCKET = ("inproc", "queue message")


class Call(msgspec.Struct, rename="pascal", omit_defaults=True):
    """A call that an app made; its duration in ms."""

    time: str | None = msgspec.field(default=None, name="time")
    resource_id: str | None = msgspec.field(default=None, name="resourceId")
    app_role_name: str | None = None
    app_role_instance: str | None = None
    operation_id: str | None = None
    operation_name: str | None = None
    name: str | None = None
    target: str | None = None
    dependency_type: str | None = None
    data: str | None = None
    success: bool | None = None
    result_code: str | None = None
    duration_ms: float | None = None
    item_count: Long | None = None


def needs_socket(kind: object) -> bool:
    """Whether a call of this type of dependency needs a connection of its own."""
    return not str(kind or "").strip().lower().startswith(NO_SOCKET)


def _items(record: Record) -> Iterator[Record]:
    if needs_socket(record.get("dependencytype")):
        yield record


app_dependencies = Source(
    about="Application Insights AppDependencies by a diagnostic setting",
    dataset="requests",
    query="app_dependencies",
    record=Call,
    claims=lambda record: (
        "AppDependencies" in (record.get("type"), record.get("category"))
        and "time" in record
        and "timegenerated" not in record
    ),
    items=_items,
)
