"""The activity log as diagnostic settings write it to storage and event hubs.

Fields and their meaning: Microsoft's "Azure Activity Log event schema", its last section. Claims of
tokens name people, and bodies may hold secrets: of the first only what tells the kind of caller is
read, of the second nothing.
"""

import msgspec

from pipeline import dialect
from pipeline.source import Long, Source

# The documentation says that the category is always Administrative; older files have the last verb
# of the operation instead, and properties.eventCategory tells better.
CATEGORIES = frozenset(
    {
        "action",
        "administrative",
        "alert",
        "autoscale",
        "delete",
        "policy",
        "recommendation",
        "resourcehealth",
        "security",
        "servicehealth",
        "write",
    }
)
SERVICE_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/spn"
SCOPE_CLAIM = "http://schemas.microsoft.com/identity/claims/scope"


class Claims(
    msgspec.Struct, rename={"spn": SERVICE_CLAIM, "scope": SCOPE_CLAIM}, omit_defaults=True
):
    """Of the caller's token what tells its kind: application, user or app, service, delegation."""

    appid: str | None = None
    idtyp: str | None = None
    spn: str | None = None
    scope: str | None = None


class Evidence(msgspec.Struct, rename="camel", omit_defaults=True):
    """The role that allowed it was given to a user or a service principal."""

    principal_type: str | None = None


class Authorization(msgspec.Struct, omit_defaults=True):
    """What allowed it."""

    evidence: Evidence | None = None


class Identity(msgspec.Struct, omit_defaults=True):
    """Who did it."""

    authorization: Authorization | None = None
    claims: Claims | None = None


class Details(
    msgspec.Struct,
    rename={
        "description": "Description",
        "resource_name": "ResourceName",
        "old_instances_count": "OldInstancesCount",
        "new_instances_count": "NewInstancesCount",
        "current_health_status": "currentHealthStatus",
        "previous_health_status": "previousHealthStatus",
        "health_status": "healthStatus",
        "health_event_cause": "healthEventCause",
    },
    omit_defaults=True,
):
    """What the category adds: of autoscale counts of instances, of health events statuses."""

    title: str | None = None
    details: str | None = None
    description: str | None = None
    resource_name: str | None = None
    old_instances_count: str | None = None
    new_instances_count: str | None = None
    current_health_status: str | None = None
    previous_health_status: str | None = None
    health_status: str | None = None
    cause: str | None = None
    health_event_cause: str | None = None


class Properties(Details, rename="camel", omit_defaults=True):
    """The details stand here or one level deeper; ``status_message`` says why a change failed."""

    event_category: str | None = None
    message: str | None = None
    status_message: str | None = None
    event_properties: Details | None = None


class Record(msgspec.Struct, rename="camel", omit_defaults=True):
    """One event; ``duration_ms`` is 0 where nothing was measured, which is nearly always."""

    time: str | None = None
    resource_id: str | None = None
    operation_name: str | None = None
    category: str | None = None
    result_type: str | None = None
    result_signature: str | None = None
    result_description: str | None = None
    duration_ms: Long | None = None
    correlation_id: str | None = None
    level: str | None = None
    identity: Identity | None = None
    properties: Properties | None = None


def called(caller: object, claims: object) -> dict[str, object]:
    """The claims, and where they are silent what the name of the caller tells of its kind.

    A bare id may be a person's or an application's: it tells nothing.
    """
    told: dict[str, object] = {}
    if isinstance(caller, str):
        told = {"idtyp": "user"} if "@" in caller else {SERVICE_CLAIM: caller}
    held = dialect.parsed(claims)
    return {**told, **held} if isinstance(held, dict) else told


def _claims(record: dialect.Record) -> bool:
    category = record.get("category")
    operation = record.get("operationname")
    return (
        isinstance(category, str)
        and category.lower() in CATEGORIES
        and (operation is None or (isinstance(operation, str) and "/" in operation))
        and "correlationid" in record
        # The table and the REST interface tell the same by other names.
        and "timegenerated" not in record
        and "eventtimestamp" not in record
    )


activity_log = Source(
    about="activity log by a diagnostic setting",
    dataset="changes",
    query="activity_log",
    record=Record,
    claims=_claims,
)
