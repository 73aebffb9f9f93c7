"""What a query is: a question in SQL whose header declares what it reads and returns."""

import difflib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from pipeline.errors import PipelineError

HEADER = re.compile(r"--\s*(?P<key>[\w-]+):\s*(?P<value>.*?)\s*$")
PARAMETER = re.compile(r"\$(\w+)")
ONCE = ("name", "about", "grain")
OFTEN = ("source", "param", "returns")


@dataclass(frozen=True, slots=True)
class Field:
    """A column that a query returns, or a parameter that it takes; its type in SQL's words."""

    name: str
    type: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """One question a file.

    ``sources`` are datasets, tables that the caller holds, or other queries, which then stand as
    views. ``grain`` names the columns of which no two rows share the values.
    """

    name: str
    path: str
    about: str
    sources: tuple[str, ...]
    grain: tuple[str, ...]
    parameters: tuple[Field, ...]
    returns: tuple[Field, ...]
    sql: str

    @classmethod
    def parsed(cls, text: str, path: str) -> "Query":
        """The query in a file's text.

        Raises ``PipelineError`` naming file, line and cure where the header breaks the contract.
        """
        said = list(_header(text, path))
        for key in ONCE:
            count = sum(1 for each, _ in said if each == key)
            if count != 1:
                raise PipelineError(
                    f"{path}:1: key {key!r} stands {count} times; write one line '-- {key}: …'"
                )
        once = {key: value for key, value in said if key in ONCE}
        query = cls(
            name=once["name"],
            path=path,
            about=once["about"],
            sources=tuple(value for key, value in said if key == "source"),
            grain=tuple(column.strip() for column in once["grain"].split(",")),
            parameters=tuple(_field(value, path) for key, value in said if key == "param"),
            returns=tuple(_field(value, path) for key, value in said if key == "returns"),
            sql="\n".join(line for line in text.splitlines() if not HEADER.match(line)).strip(),
        )
        declared = {parameter.name for parameter in query.parameters}
        used = set(PARAMETER.findall(query.sql))
        if declared != used:
            raise PipelineError(
                f"{path}:1: parameters declared ({_named(declared)}) and used ({_named(used)}) "
                "differ; declare each with a line '-- param: name TYPE'"
            )
        return query

    @property
    def digest(self) -> str:
        """A fingerprint of its SQL and of what it returns, the views that it reads included."""
        told = [self.sql, *(f"{each.name} {each.type}" for each in self.returns)]
        views = [queries()[source].digest for source in self.sources if source in queries()]
        return hashlib.sha256("\n".join([*told, *views]).encode()).hexdigest()

    @property
    def tables(self) -> frozenset[str]:
        """The tables that it reads, those that its views read included."""
        return frozenset(
            table
            for source in self.sources
            for table in (queries()[source].tables if source in queries() else [source])
        )


def _named(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _header(text: str, path: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("--"):
            return
        match = HEADER.match(line)
        if not match:
            raise PipelineError(f"{path}:{number}: a header line is '-- key: value'; this is not")
        key = match["key"]
        if key not in ONCE + OFTEN:
            near = difflib.get_close_matches(key, ONCE + OFTEN, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise PipelineError(f"{path}:{number}: unknown key {key!r}{hint}")
        yield key, match["value"]


def _field(value: str, path: str) -> Field:
    declared, _, meaning = value.partition(" - ")
    name, _, kind = declared.strip().partition(" ")
    if not kind:
        raise PipelineError(f"{path}: {value!r} has no type; write 'name TYPE - meaning'")
    return Field(name, kind.strip().upper(), meaning.strip())


@cache
def queries() -> dict[str, Query]:
    """Every query that ships, by name."""
    found: dict[str, Query] = {}
    for file in _sql_files(files("queries"), "queries"):
        query = Query.parsed(file[1].read_text(encoding="utf-8"), file[0])
        if query.name in found:
            raise PipelineError(f"{query.path}: {found[query.name].path} has the same name")
        found[query.name] = query
    return found


def _sql_files(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        here = f"{path}/{entry.name}"
        if entry.is_dir():
            yield from _sql_files(entry, here)
        elif entry.name.endswith(".sql"):
            yield here, entry
