"""One row a metric's value over one grain of time.

Services spell the same metric differently (``SNATConnectionCount`` of a NAT gateway,
``SnatConnectionCount`` of a load balancer) and the table AzureMetrics may tell display names: to
compare, take ``resource_type`` together with ``lower(replace(metric, ' ', ''))``.

What a query has to know: a missing row is not 0, for Azure leaves out what it has no data of and
exports resources that are all zero less often. Without dimensions a value is aggregated over them:
failed and attempted connections are then one number. The same grain may come from two exports, with
dimensions and without, or be told twice with other values: add up what has one set of dimensions
only, and take the greatest of what is told twice.
"""

from pipeline.dataset import Column, Dataset, Type


def _told(name: str, meaning: str) -> Column:
    """A text as the record tells it: a custom metric may hold anything in its dimensions."""
    return Column(name, Type.VARCHAR, meaning, may_hold_secrets=True)


def _value(name: str, meaning: str) -> Column:
    return Column(name, Type.DOUBLE, meaning, "as unit says")


metrics = Dataset(
    about="Values of Azure's platform metrics, such as SNAT ports in use or requests a minute.",
    grain="one metric of one resource over one grain of time, for one set of dimensions",
    # What else there is follows from these.
    identity=(
        "time",
        "resource_id",
        "metric",
        "grain_s",
        "unit",
        "dimensions",
        "count",
        "total",
        "minimum",
        "maximum",
        "average",
    ),
    partition="date",
    columns=(
        Column("date", Type.DATE, "day on which the grain starts", "UTC"),
        Column("time", Type.TIMESTAMP, "start of the grain", "UTC"),
        _told("resource_id", "the measured resource's Azure id, in lower case"),
        _told("resource_type", "its type in lower case, as microsoft.network/natgateways"),
        _told("metric", "name of the metric as told; compare it in lower case"),
        Column("grain_s", Type.DOUBLE, "length of the grain; null where it is not told", "s"),
        _told("unit", "unit of the values: count, ms, bytes, share, …; null if not known"),
        _told("dimensions", "JSON, names in lower case and sorted; null where there are none"),
        _told("connection_state", "dimension ConnectionState, in lower case"),
        _told("protocol", "dimension Protocol or ProtocolType, in lower case: tcp, udp"),
        _told("frontend_ip", "dimension FrontendIPAddress"),
        _told("backend_ip", "dimension BackendIPAddress"),
        _told("instance", "dimension Instance"),
        _told("region", "dimension Location"),
        Column("count", Type.DOUBLE, "samples in the grain", "count"),
        _value("total", "sum of the samples"),
        _value("minimum", "least sample"),
        _value("maximum", "greatest sample"),
        _value("average", "mean of the samples"),
        Column("blob", Type.VARCHAR, "where the record was read from"),
        Column("position", Type.BIGINT, "its place in the blob: the line or record, from 1"),
        Column("item", Type.BIGINT, "its place in that record, counted from 1"),
    ),
)
