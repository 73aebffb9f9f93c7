"""App Service's detector for SNAT ports, as ``{site}/detectors/SnatPortExhaustion`` answers it.

An answer holds charts, each a table of times, names of series and values. Neither the order of the
columns nor which of a worker and its counter stands in brackets is the same in all of them. The
interface's envelope is documented; what the charts hold is known from answers seen.
"""

from collections.abc import Iterator

import msgspec

from pipeline.dialect import Record, lowered, parsed
from pipeline.source import Source

NUMBERS = frozenset(
    {"byte", "decimal", "double", "int", "int16", "int32", "int64", "long", "single"}
)


class Point(msgspec.Struct, rename="camel", omit_defaults=True):
    """A point of a series; ``detector`` is the id of the detector below its site."""

    detector: str | None = None
    time: str | None = None
    chart: str | None = None
    series: str | None = None
    value: float | None = None


def _claims(record: Record) -> bool:
    return isinstance(_held(record.get("properties")).get("dataset"), list)


def _items(record: Record) -> Iterator[Record]:
    charts = _held(record.get("properties")).get("dataset")
    for chart in charts if isinstance(charts, list) else ():
        said = _held(chart)
        table = _held(said.get("table"))
        title = _held(said.get("renderingproperties")).get("title") or table.get("tablename")
        if isinstance(title, str) and "snat" in title.lower():
            for point in _points(table):
                yield {"detector": record.get("id"), "chart": title, **point}


def _points(table: Record) -> Iterator[Record]:
    """Each value of a chart's table; a cell without one is no point."""
    columns = [_held(column) for column in _list(table.get("columns"), "columns")]
    names = [str(column.get("columnname")) for column in columns]
    types = [str(column.get("datatype")).lower().removeprefix("system.") for column in columns]
    times = [place for place, type_ in enumerate(types) if type_ == "datetime"]
    values = [place for place, type_ in enumerate(types) if type_ in NUMBERS]
    labels = [place for place, type_ in enumerate(types) if type_ == "string"]
    if len(times) != 1:
        raise ValueError(f"a chart has one column of type DateTime, this {len(times)}")
    for row in _list(table.get("rows"), "rows"):
        cells = _list(row, "a row")
        if len(cells) != len(columns):
            raise ValueError(f"a row has {len(cells)} cells where {len(columns)} are named")
        told = [cell for place in labels if isinstance(cell := cells[place], str)]
        for place in values:
            if cells[place] is not None:
                # A table may have a column for each series, or a row with its name.
                series = " ".join(told) or names[place]
                yield {"time": cells[times[0]], "series": series, "value": cells[place]}


def _held(value: object) -> dict[str, object]:
    """The object, its keys in lower case; an empty one where there is none."""
    value = parsed(value)
    return lowered(value) if isinstance(value, dict) else {}


def _list(value: object, name: str) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"{name} of a chart is not a list")
    return value


app_service_snat_detector = Source(
    about="App Service's detector for SNAT ports: the answer of detectors/SnatPortExhaustion",
    dataset="health_events",
    query="app_service_snat_detector",
    record=Point,
    claims=_claims,
    items=_items,
    many=True,
)
