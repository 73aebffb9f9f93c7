"""Platform metrics as the tables AzureMetrics and AzureMetricsV2 hold them, exported or queried.

Columns: Microsoft's references of the two tables. Only AzureMetricsV2 has ``Dimension``, a JSON
object. ``MetricName`` may be the name that the portal shows.
"""

from collections.abc import Iterator

from pipeline.dialect import Record as Told
from pipeline.dialect import parsed
from pipeline.source import Source
from pipeline.sources.platform_metrics import VALUES, Record, series

TABLES = ("AzureMetrics", "AzureMetricsV2")


def _claims(record: Told) -> bool:
    if "type" in record:
        return record["type"] in TABLES
    return (
        "metricname" in record
        and "timegenerated" in record
        and not record.keys().isdisjoint(VALUES)
    )


def _items(record: Told) -> Iterator[Told]:
    dimension = record.get("dimension")
    yield {
        "time": record.get("timegenerated"),
        "resourceId": record.get("_resourceid") or record.get("resourceid"),
        "metricName": record.get("metricname"),
        "timeGrain": record.get("timegrain"),
        **{name: record.get(name) for name in VALUES},
        "series": series(record.get("unitname"), parsed(dimension) or dimension),
    }


azure_metrics_table = Source(
    about="Tables AzureMetrics and AzureMetricsV2: export rule, query answers, CSV",
    dataset="metrics",
    query="platform_metrics",
    record=Record,
    claims=_claims,
    items=_items,
)
