"""Answers of Azure's metrics interface: REST, and ``az monitor metrics list``, which passes it on.

Fields: Microsoft's REST reference "Metrics - List" and "Metrics Batch - Batch". An answer holds
metrics, a metric its series, a series the values of each grain; names of dimensions come back in
lower case. Only the aggregates that were asked for are there, and a grain without data has none: it
is left out. The command line may spell the interval ``0:01:00``.
"""

import re
from collections.abc import Iterator

from pipeline.dialect import Record as Told
from pipeline.dialect import lowered
from pipeline.source import Source
from pipeline.sources.platform_metrics import VALUES, Record, series

# Where the metric's own id goes on from that of the resource.
OF_METRIC = re.compile(r"/providers/microsoft\.insights/metrics/", re.IGNORECASE)
CLOCK = re.compile(r"(?:(\d{1,3}) days?, )?(\d{1,2}):(\d\d):(\d\d)")


def _claims(record: Told) -> bool:
    if isinstance(record.get("values"), list):
        return any("interval" in each for each in record["values"][:1] if isinstance(each, dict))  # type: ignore[index]
    return ("timespan" in record and "interval" in record) or (
        "timeseries" in record and "name" in record
    )


def _items(record: Told) -> Iterator[Told]:
    """The values of an answer, of several in a batch, or of one metric taken from an answer."""
    if "timeseries" in record:
        yield from _metric(record, {})
        return
    answers = _objects(record, "values") if "values" in record else [record]
    for answer in answers:
        for metric in _objects(answer, "value"):
            yield from _metric(metric, answer)


def _metric(metric: Told, answer: Told) -> Iterator[Told]:
    name = metric.get("name")
    of_metric = {
        "resourceId": _resource(metric) or answer.get("resourceid"),
        "metricName": name.get("value") if isinstance(name, dict) else name,
        "timeGrain": _span(answer.get("interval")),
    }
    error = metric.get("errorcode")
    if error not in (None, "Success"):
        yield {**of_metric, "series": {"error": error}}
    for each in _objects(metric, "timeseries"):
        of_series = {**of_metric, "series": series(metric.get("unit"), _dimensions(each))}
        for point in _objects(each, "data"):
            values = {name: point[name] for name in VALUES if point.get(name) is not None}
            if values:
                yield {"time": point.get("timestamp"), **of_series, **values}


def _resource(metric: Told) -> str | None:
    said = metric.get("id")
    return OF_METRIC.split(said)[0] if isinstance(said, str) else None


def _dimensions(of: Told) -> dict[str, object]:
    return {
        _name(dimension.get("name")): dimension.get("value")
        for dimension in _objects(of, "metadatavalues")
    }


def _name(said: object) -> str:
    name = said.get("value") if isinstance(said, dict) else said
    if not isinstance(name, str):
        raise ValueError("a dimension has no name")
    return name


def _objects(record: Told, key: str) -> Iterator[Told]:
    """The objects in a list, their keys in lower case; none where it is missing."""
    held = record.get(key)
    if not isinstance(held, list | None):
        raise ValueError(f"{key} is no list")
    for each in held or ():
        if not isinstance(each, dict):
            raise ValueError(f"{key} holds what is no object")
        yield lowered(each)


def _span(interval: object) -> object:
    """The interval as ISO 8601 tells it."""
    clock = CLOCK.fullmatch(interval) if isinstance(interval, str) else None
    if not clock:
        return interval
    days, hours, minutes, seconds = (int(each or 0) for each in clock.groups())
    return f"P{days}DT{hours}H{minutes}M{seconds}S"


metrics_rest = Source(
    about="Answers of the metrics interface and of `az monitor metrics list`, with dimensions",
    dataset="metrics",
    query="platform_metrics",
    record=Record,
    claims=_claims,
    items=_items,
    many=True,
)
