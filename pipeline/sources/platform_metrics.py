"""Platform metrics as a diagnostic setting writes them: JSON Lines, a metric and a minute each.

Fields and their meaning: Microsoft's "Diagnostic settings in Azure Monitor". A setting tells no
unit and drops dimensions: its values are aggregated over them.
"""

from collections.abc import Mapping

import msgspec

from pipeline.dialect import NO_VALUE, lowered
from pipeline.source import Source

VALUES = ("count", "total", "minimum", "maximum", "average")
# What no diagnostic setting tells; who tells it is another spelling.
OF_OTHERS = frozenset({"unit", "dimension", "timegenerated"})
# The dimensions that become columns, in lower case as the REST interface gives them back.
NAMED = {
    "connectionState": ("connectionstate",),
    "protocol": ("protocol", "protocoltype"),
    "frontendIp": ("frontendipaddress",),
    "backendIp": ("backendipaddress",),
    "instance": ("instance",),
    "region": ("location",),
}


class Series(msgspec.Struct, rename="camel", omit_defaults=True):
    """What other spellings tell of the series that a value is of; ``dimensions`` is JSON.

    ``error`` is why there are no values.
    """

    unit: str | None = None
    dimensions: str | None = None
    connection_state: str | None = None
    protocol: str | None = None
    frontend_ip: str | None = None
    backend_ip: str | None = None
    instance: str | None = None
    region: str | None = None
    error: str | None = None


class Record(msgspec.Struct, rename="camel", omit_defaults=True):
    """One line: a metric's values over the grain that begins at ``time``."""

    time: str | None = None
    resource_id: str | None = None
    metric_name: str | None = None
    time_grain: str | None = None
    count: float | None = None
    total: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    average: float | None = None
    series: Series | None = None


def series(unit: object, dimensions: object) -> dict[str, object]:
    """The unit and the dimensions of a series in the fields of ``Series``.

    Raises ``ValueError`` where the dimensions are no object of names and plain values.
    """
    said: dict[str, object] = {"unit": _known(unit)}
    if _known(dimensions) is None:
        return said
    if not isinstance(dimensions, Mapping):
        raise ValueError("dimensions are no object")
    spelt = {name: _spelt(value) for name, value in lowered(dimensions).items()}
    known = {name: value for name, value in spelt.items() if value is not None}
    if known:
        said["dimensions"] = msgspec.json.encode(known, order="sorted").decode()
    for field, names in NAMED.items():
        said[field] = next((known[name] for name in names if known.get(name)), None)
    return said


def _known(value: object) -> object:
    return None if isinstance(value, str) and value.lower() in NO_VALUE else value


def _spelt(value: object) -> str | None:
    match value:
        case None | str():
            return value
        case bool() | int() | float():
            return msgspec.json.encode(value).decode()
        case _:
            raise ValueError("a dimension is neither a text nor a number")


platform_metrics = Source(
    about="Platform metrics by a diagnostic setting: JSON Lines with metricName and timeGrain",
    dataset="metrics",
    query="platform_metrics",
    record=Record,
    claims=lambda record: (
        "metricname" in record and "timegrain" in record and OF_OTHERS.isdisjoint(record)
    ),
)
