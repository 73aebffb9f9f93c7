"""What an engine is: something that answers queries over the lake's files."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from pipeline.dataset import Dataset
from pipeline.query import Query


class UnreadableError(Exception):
    """Lines that the engine cannot read with the types that a format declares."""


class Engine(Protocol):
    """Answers queries; knows tables by name, and another query as a view of that name."""

    def attach(self, name: str, dataset: Dataset, files: Sequence[str]) -> None:
        """Makes the Parquet files of a dataset known as a table; none make an empty one."""

    def hold(self, name: str, rows: pa.Table) -> None:
        """Makes a small table known by name."""

    def ask(self, query: Query, parameters: Mapping[str, object]) -> pa.Table:
        """The query's answer, with the columns and types that its header declares."""

    def described(self, query: Query) -> list[tuple[str, str]]:
        """The columns and types that the SQL itself would give, before the cast."""
