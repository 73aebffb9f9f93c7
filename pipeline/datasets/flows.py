"""One row a tuple of a network flow log."""

from pipeline.dataset import Column, Dataset, Type

flows = Dataset(
    about="Network flows as Azure's flow logs tell them, from the side of private addresses: "
    "which ports SNAT gave them is in none.",
    grain="one tuple: a flow that began, went on, ended or was denied; "
    "for NAT gateways one pair of addresses and minute",
    identity=(
        "time",
        "flow_log",
        "resource_id",
        "mac",
        "rule",
        "source_ip",
        "source_port",
        "destination_ip",
        "destination_port",
        "nat_ip",
        "protocol",
        "direction",
        "state",
        "denied",
        "encryption",
        "sent_packets",
        "sent_bytes",
        "received_packets",
        "received_bytes",
        "sent_dropped_packets",
        "received_dropped_packets",
    ),
    partition="date",
    columns=(
        Column("date", Type.DATE, "day of the tuple", "UTC"),
        Column(
            "time",
            Type.TIMESTAMP,
            "moment the tuple tells of: to the ms (vnet), the second (nsg) or the minute",
            "UTC",
        ),
        Column("flow_log", Type.VARCHAR, "kind of flow log: vnet, nsg or nat_gateway"),
        Column(
            "resource_id",
            Type.VARCHAR,
            "what is logged, in lower case: network, subnet, interface, NSG or NAT gateway",
        ),
        Column("mac", Type.VARCHAR, "interface that saw it, twelve digits in upper case"),
        Column("rule", Type.VARCHAR, "rule that let it pass or denied it"),
        Column("source_ip", Type.VARCHAR, "address that opened the flow, in lower case"),
        Column("source_port", Type.INTEGER, "its port, before any SNAT"),
        Column("destination_ip", Type.VARCHAR, "address the flow goes to, in lower case"),
        Column("destination_port", Type.INTEGER, "its port"),
        Column("nat_ip", Type.VARCHAR, "public address the NAT gateway gave it; null elsewhere"),
        Column("protocol", Type.VARCHAR, "tcp, udp, else its IANA number; null where not told"),
        Column("direction", Type.VARCHAR, "inbound or outbound, as the interface sees it"),
        Column(
            "state",
            Type.VARCHAR,
            "begin, continue, end or deny; null where not told: version 1 of nsg, nat_gateway",
        ),
        Column("denied", Type.BOOLEAN, "whether a rule denied it; null for nat_gateway"),
        Column("encryption", Type.VARCHAR, "X, NX or NX and why not; told by vnet only"),
        Column("sent_packets", Type.BIGINT, "source to destination since its last tuple", "count"),
        Column("sent_bytes", Type.BIGINT, "source to destination since its last tuple", "bytes"),
        Column(
            "received_packets",
            Type.BIGINT,
            "destination to source since its last tuple; nsg writes 0 for outbound flows "
            "whatever came back",
            "count",
        ),
        Column(
            "received_bytes",
            Type.BIGINT,
            "destination to source since its last tuple; nsg writes 0 for outbound flows "
            "whatever came back",
            "bytes",
        ),
        Column(
            "sent_dropped_packets",
            Type.BIGINT,
            "dropped by a NAT gateway on the way out; connects that found no port are not counted",
            "count",
        ),
        Column(
            "received_dropped_packets",
            Type.BIGINT,
            "dropped by a NAT gateway on the way back",
            "count",
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
