"""One row an event or reading that tells of SNAT ports and backends directly."""

from pipeline.dataset import Column, Dataset, Type

health_events = Dataset(
    about="What Azure itself says of SNAT ports and backends: events of load balancers, and "
    "readings of the App Service detector for SNAT ports.",
    grain="one event, or one point of one series",
    identity=(
        "time",
        "resource_id",
        "event",
        "frontend_ip",
        "backend_ip",
        "instance",
        "protocol",
        "value",
    ),
    partition="date",
    columns=(
        Column("date", Type.DATE, "day of the event or reading", "UTC"),
        Column("time", Type.TIMESTAMP, "moment of the event, or start of the reading", "UTC"),
        Column(
            "resource_id",
            Type.VARCHAR,
            "load balancer or site, in lower case",
            may_hold_secrets=True,
        ),
        Column(
            "event",
            Type.VARCHAR,
            "load balancer: snat_port_exhaustion, high_snat_port_usage (above 75 %), "
            "no_healthy_backends, data_path_availability_warning, data_path_availability_critical; "
            "told again every 5 minutes while it lasts, no_healthy_backends every 60; "
            "site: snat_ports_allocated, snat_ports_used, snat_connections_pending, "
            "snat_connections_failed, snat_connections_established",
            may_hold_secrets=True,
        ),
        Column("severity", Type.VARCHAR, "critical or warning", may_hold_secrets=True),
        Column("description", Type.VARCHAR, "what the event says", may_hold_secrets=True),
        Column("frontend_ip", Type.VARCHAR, "frontend whose ports they are, or that is not served"),
        Column("backend_ip", Type.VARCHAR, "backend that the description names"),
        Column(
            "instance",
            Type.VARCHAR,
            "worker of the site; null where the reading is of all",
            may_hold_secrets=True,
        ),
        Column("protocol", Type.VARCHAR, "tcp or udp, where the reading is of one"),
        Column("value", Type.DOUBLE, "the reading: ports or connections", "count"),
        Column("blob", Type.VARCHAR, "where the record was read from"),
        Column(
            "position",
            Type.BIGINT,
            "its place in the blob: the line or record, counted from 1",
        ),
        Column("item", Type.BIGINT, "its place in that record, counted from 1"),
    ),
)
