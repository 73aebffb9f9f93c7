"""What a source format is: how it is recognised, what a record holds, which query lands it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Union, get_args, get_origin, get_type_hints

import msgspec

from pipeline.dialect import Record

# What BIGINT and INTEGER hold; a number beyond is refused with its reason. Some exports write
# whole numbers as 200.0 or "200", so both are read as floats here and cast when they land.
Long = Annotated[float, msgspec.Meta(ge=-(2**53), le=2**53)]
Int = Annotated[float, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]


@dataclass(frozen=True, slots=True)
class Source:
    """A log format.

    ``record`` says what is read of each record: fields by the names and types that the format
    documents, all others passed over. ``query`` in ``queries/landing/`` turns records into rows of
    ``dataset``. ``claims`` tells whether a record is of this format, its keys in lower case.

    ``items`` serves a format whose records do not have the fields of ``record``: it gives what a
    record holds (keys in lower case) in those fields, as one item or as ``many``, each of which
    becomes a row. It raises ``ValueError``, with a reason for people, where it cannot.
    """

    about: str
    dataset: str
    query: str
    record: type[msgspec.Struct]
    claims: Callable[[Record], bool]
    items: Callable[[Record], Iterable[Record]] | None = None
    many: bool = False

    def columns(self) -> dict[str, str]:
        """The record's fields as DuckDB types, for reading JSON with explicit columns."""
        return {
            name: _sql_type(hint)
            for name, hint in zip(
                self.record.__struct_encode_fields__, _hints(self.record), strict=True
            )
        }


def _hints(record: type[msgspec.Struct]) -> list[object]:
    hints = get_type_hints(record, include_extras=True)
    return [hints[field] for field in record.__struct_fields__]


def _sql_type(hint: object) -> str:
    if hint in SQL_TYPES:
        return SQL_TYPES[hint]
    if get_origin(hint) in (Union, UnionType):
        # msgspec spells "may be missing" as a union with None.
        (hint,) = (each for each in get_args(hint) if each is not type(None))
        return _sql_type(hint)
    if get_origin(hint) is list:
        return f"{_sql_type(get_args(hint)[0])}[]"
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        names = (f'"{name}"' for name in hint.__struct_encode_fields__)
        types = (_sql_type(each) for each in _hints(hint))
        return f"STRUCT({', '.join(map(' '.join, zip(names, types, strict=True)))})"
    raise TypeError(f"no SQL type is known for {hint}")


SQL_TYPES: dict[object, str] = {
    str: "VARCHAR",
    bool: "BOOLEAN",
    float: "DOUBLE",
    Int: "INTEGER",
    Long: "BIGINT",
}
