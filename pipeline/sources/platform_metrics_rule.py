"""Platform metrics as a data collection rule exports them: with their unit and dimensions.

Fields: Microsoft's "Metrics export through data collection rules". The aggregates are capitalised,
and ``dimension`` is an object of the names and values by which the series is told from others.
"""

from collections.abc import Iterator

from pipeline.dialect import Record as Told
from pipeline.dialect import parsed
from pipeline.source import Source
from pipeline.sources.platform_metrics import VALUES, Record, series


def _items(record: Told) -> Iterator[Told]:
    dimension = record.get("dimension")
    yield {
        "time": record.get("time"),
        "resourceId": record.get("resourceid"),
        "metricName": record.get("metricname"),
        "timeGrain": record.get("timegrain"),
        **{name: record.get(name) for name in VALUES},
        "series": series(record.get("unit"), parsed(dimension) or dimension),
    }


platform_metrics_rule = Source(
    about="Platform metrics by a data collection rule: with unit and dimension",
    dataset="metrics",
    query="platform_metrics",
    record=Record,
    claims=lambda record: (
        "metricname" in record
        and "timegrain" in record
        and ("unit" in record or "dimension" in record)
        and "timegenerated" not in record
    ),
    items=_items,
)
