"""Tables as people write them in case files: aligned text in, typed rows out, and back again.

A table is a line of names and a line for each row, cells between bars. An empty cell is null,
``''`` the empty text; a bar in a cell stands behind a backslash. A time of day is one on ``DAY``,
and a number may be a fraction such as ``1/60``. Lists are parted by blanks. For a BIGINT, a moment
stands for the seconds since 1970.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from fractions import Fraction

import pyarrow as pa

from pipeline.dataset import Type

BAR = re.compile(r"(?<!\\)\|")
DAY = date(2026, 3, 10)
Types = Mapping[str, Type]
Rows = list[dict[str, object]]


def moment(text: str) -> datetime:
    """A full timestamp, or a time of day on ``DAY``."""
    return datetime.fromisoformat(text) if "-" in text else on_day(time.fromisoformat(text))


def on_day(of_day: time) -> datetime:
    """A time of day on ``DAY``."""
    return datetime.combine(DAY, of_day)


def whole(text: str) -> int:
    """A whole number; a moment as the seconds since 1970."""
    if ":" not in text:
        return int(text)
    return int(moment(text).replace(tzinfo=UTC).timestamp())


READ: dict[Type, Callable[[str], object]] = {
    Type.BIGINT: whole,
    Type.BOOLEAN: {"true": True, "false": False}.__getitem__,
    Type.DATE: date.fromisoformat,
    Type.DOUBLE: lambda text: float(Fraction(text)),
    Type.INTEGER: int,
    Type.TIMESTAMP: moment,
    Type.VARCHAR: lambda text: "" if text == "''" else text,
    Type.BIGINTS: lambda text: [whole(each) for each in text.split()],
    Type.DOUBLES: lambda text: [float(each) for each in text.split()],
}


def header(text: str) -> list[str]:
    """The names in the first line; none in an empty text."""
    lines = text.strip().splitlines()
    return _cells(lines[0]) if lines else []


def rows(text: str, types: Types) -> Rows:
    """The rows below the header, each cell in the type of its column."""
    names = header(text)
    if unknown := [name for name in names if name not in types]:
        raise ValueError(f"no column {', '.join(unknown)}; there are {', '.join(types)}")
    return [
        {
            name: READ[types[name]](cell) if cell else None
            for name, cell in zip(names, _cells(line), strict=True)
        }
        for line in text.strip().splitlines()[1:]
    ]


def _cells(line: str) -> list[str]:
    if not (line.startswith("|") and line.endswith("|")):
        raise ValueError(f"a row stands between bars; this does not: {line}")
    return [cell.strip().replace("\\|", "|") for cell in BAR.split(line[1:-1])]


def arrow(given: Iterable[Mapping[str, object]], types: Types) -> pa.Table:
    """The rows as an Arrow table of all the columns; those that a row lacks are null."""
    schema = pa.schema([pa.field(name, kind.arrow) for name, kind in types.items()])
    return pa.Table.from_pylist([dict(row) for row in given], schema=schema)


def shown(names: Sequence[str], given: Iterable[Mapping[str, object]]) -> str:
    """The rows as a table that could stand in a case file."""
    lines = [list(names), *([_shown(row[name]) for name in names] for row in given)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(names))]
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |"
        for line in lines
    )


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case "":
            return "''"
        case bool():
            return str(value).lower()
        case datetime() if value.date() == DAY:
            return value.time().isoformat()
        case _:
            return str(value).replace("|", "\\|")
