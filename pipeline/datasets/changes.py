"""One row an event of the activity log: what was changed, scaled, or said to be unwell."""

from pipeline.dataset import Column, Dataset, Type

changes = Dataset(
    about="What the activity log tells: changes of resources, steps of autoscale, changes of "
    "health. Who a person is, from where, and what bodies held is not kept.",
    grain="one event; a change has one for its start and one for its end, correlated",
    identity=("time", "resource_id", "correlation_id", "operation", "status"),
    partition="date",
    columns=(
        Column("date", Type.DATE, "day of the event", "UTC"),
        Column("time", Type.TIMESTAMP, "moment of the event", "UTC"),
        Column(
            "resource_id",
            Type.VARCHAR,
            "resource it is about, in lower case; null where a query left it out",
            may_hold_secrets=True,
        ),
        Column(
            "target_id",
            Type.VARCHAR,
            "resource that autoscale scales, in lower case; resource_id is then its setting",
            may_hold_secrets=True,
        ),
        Column(
            "category",
            Type.VARCHAR,
            "Administrative, Policy, Security, ServiceHealth, Alert, Recommendation, "
            "ResourceHealth, Autoscale or AutoscaleScaleActions",
            may_hold_secrets=True,
        ),
        Column(
            "operation",
            Type.VARCHAR,
            "what was done, in lower case: microsoft.network/natgateways/write",
            may_hold_secrets=True,
        ),
        Column(
            "status",
            Type.VARCHAR,
            "started, accepted, succeeded or failed, else as told, in lower case: active, resolved",
            may_hold_secrets=True,
        ),
        Column(
            "sub_status", Type.VARCHAR, "mostly a status of HTTP, as told", may_hold_secrets=True
        ),
        Column(
            "correlation_id",
            Type.VARCHAR,
            "what the events of one change share",
            may_hold_secrets=True,
        ),
        Column(
            "caller_kind",
            Type.VARCHAR,
            "user, application, or service of Azure; null where not told",
        ),
        Column(
            "caller",
            Type.VARCHAR,
            "name of the service, or id of the application that called; for a user that of the "
            "tool used; never a person's name, address or id",
        ),
        Column(
            "level",
            Type.VARCHAR,
            "critical, error, warning, informational or verbose",
            may_hold_secrets=True,
        ),
        Column("duration_ms", Type.BIGINT, "how long it took; Azure seldom tells", "ms"),
        Column("description", Type.VARCHAR, "what the event says", may_hold_secrets=True),
        Column(
            "old_value",
            Type.VARCHAR,
            "before: instances (autoscale), health status (ResourceHealth)",
            may_hold_secrets=True,
        ),
        Column("new_value", Type.VARCHAR, "the same after", may_hold_secrets=True),
        Column(
            "cause",
            Type.VARCHAR,
            "of a health status: UserInitiated or PlatformInitiated",
            may_hold_secrets=True,
        ),
        Column("blob", Type.VARCHAR, "where the record was read from"),
        Column(
            "position",
            Type.BIGINT,
            "its place in the blob: the line or record, counted from 1",
        ),
        Column("item", Type.BIGINT, "its place in that record, counted from 1"),
    ),
)
