"""What a dataset of the lake is: columns with types, units and meanings, a grain, an identity."""

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa


class Type(StrEnum):
    """Column types, spelt as SQL does."""

    BIGINT = "bigint"
    BOOLEAN = "boolean"
    DATE = "date"
    DOUBLE = "double"
    INTEGER = "integer"
    TIMESTAMP = "timestamp"
    VARCHAR = "varchar"
    # Of answers alone: no dataset has lists.
    BIGINTS = "bigint[]"
    DOUBLES = "double[]"

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type; times are UTC without a zone, cut to microseconds."""
        return {
            Type.BIGINT: pa.int64(),
            Type.BOOLEAN: pa.bool_(),
            Type.DATE: pa.date32(),
            Type.DOUBLE: pa.float64(),
            Type.INTEGER: pa.int32(),
            Type.TIMESTAMP: pa.timestamp("us"),
            Type.VARCHAR: pa.string(),
            Type.BIGINTS: pa.list_(pa.int64()),
            Type.DOUBLES: pa.list_(pa.float64()),
        }[self]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its unit is empty for names and flags.

    Texts that callers or backends write may hold secrets, which are removed on landing.
    """

    name: str
    type: Type
    meaning: str
    unit: str = ""
    may_hold_secrets: bool = False


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table of the lake.

    ``identity`` names the columns that make two rows the same event told twice; a dataset
    without one keeps everything. ``partition`` is the column whose value names the folder.
    """

    about: str
    grain: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...] = ()
    partition: str | None = None

    @property
    def arrow_schema(self) -> pa.Schema:
        """The schema in which rows are handed to the lake and read from it."""
        return pa.schema([pa.field(column.name, column.type.arrow) for column in self.columns])

    def empty(self) -> pa.Table:
        """A table of this dataset without rows."""
        return self.arrow_schema.empty_table()


# What all datasets of events have in common.
DATED = Dataset(
    about="Rows of a dataset by when and of what they tell.",
    grain="one row",
    columns=(
        Column("time", Type.TIMESTAMP, "when", "UTC"),
        Column("resource_id", Type.VARCHAR, "resource that it speaks of"),
    ),
)
