"""Findings: the words and shapes that the documents of all reports are made of.

A report's findings are the JSON document that ships beside it; the JSON Schema is made from these
types. Times are UTC, ISO 8601 with Z; shares are 0 to 1; null is "not known" or "not examined",
never zero.
"""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

SCHEMA_VERSION = "1.0"

Time = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Verdict(StrEnum):
    """What became of a hypothesis."""

    SUPPORTED = "supported"
    EXCLUDED = "excluded"
    UNDECIDED = "undecided"


class Status(StrEnum):
    """How sure the verdict on an incident is."""

    CONFIRMED = "confirmed"
    LIKELY = "likely"
    UNDECIDED = "undecided"


class Exhaustion(StrEnum):
    """Whether translation ports ran out."""

    CONFIRMED = "confirmed"
    EXCLUDED = "excluded"
    UNDECIDED = "undecided"


class Trigger(StrEnum):
    """What set an incident off."""

    TRAFFIC_SURGE = "traffic_surge"
    SLOW_BACKEND = "slow_backend"
    LOST_CONNECTION_REUSE = "lost_connection_reuse"
    RETRY_STORM = "retry_storm"
    SCALE_IN = "scale_in"
    CONFIGURATION_CHANGE = "configuration_change"
    NONE_FOUND = "none_found"


class Change(StrEnum):
    """Which way something went from one period to a later one."""

    BETTER = "better"
    WORSE = "worse"
    CANNOT_BE_TOLD = "cannot_be_told"


class Direction(StrEnum):
    """Which way a piece of evidence points."""

    FOR = "for"
    AGAINST = "against"


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """The root of all shapes of this document: immutable, named fields."""


class Span(Shape, frozen=True):
    """A stretch of time; an end of null is still going at the end of the data."""

    start: Time
    end: Time | None


class Coverage(Shape, frozen=True):
    """What one source could have shown, and whether it was there."""

    dataset: str
    format: str
    resource_id: str | None
    rows: int
    quarantined: int
    duplicates: int
    set_aside: int
    pending: int
    lines: int
    blobs: int
    start: Time | None
    end: Time | None
    gaps: list[Span]
    sampled: bool


class Refused(Shape, frozen=True):
    """A class of records that could not be read; the example is the first of them."""

    kind: str
    records: int
    blobs: int
    example_blob: str
    example_position: int
    example_reason: str


class Assumption(Shape, frozen=True):
    """A value that a conclusion rests on; ``origin`` is file, measured or default.

    ``of`` is the gateway or host that it is a value of, if of one. ``basis`` says what kind of
    knowledge it is: only what is stated, measured or documented is taken for a fact.
    """

    name: str
    value: float | str | None
    origin: str = msgspec.field(name="from")
    source: str
    of: str | None
    basis: Literal["stated", "measured", "documented", "observed", "second_hand", "assumed"]


class Evidence(Shape, frozen=True):
    """One sentence with its numbers; ``weight`` is a log-likelihood ratio (natural logarithm)."""

    says: str
    direction: Direction
    weight: float
    figure: str | None = None


class Asked(Shape, frozen=True):
    """A query as it was run: ``sha256`` is of its answer, ``digest`` of its text and its views."""

    query: str
    parameters: dict[str, str | int]
    sha256: str
    rows: int
    digest: str


class Figure(Shape, frozen=True):
    """A figure or table: the query that it rests on first, and all ``queries`` behind it."""

    id: str
    title: str
    query: str
    parameters: dict[str, str | int]
    sha256: str
    rows: int
    incident: str | None
    queries: list[Asked]


class TableRead(Shape, frozen=True):
    """A dataset's table as it was read: its Delta version, and how many rows it had.

    ``rows_near`` are those of the days that the window touches and of the day before; null where
    the table has no days. A table that was not there has version null.
    """

    dataset: str
    version: int | None
    rows: int
    rows_near: int | None


class LakeRead(Shape, frozen=True):
    """The lake that was read; ``location`` null is one that was gone after the report."""

    location: str | None
    tables: list[TableRead]


class Objective(Shape, frozen=True):
    """The promise that failures are held against; null where none is stated."""

    availability: float | None
    window_days: int | None


def encoded(findings: Shape) -> bytes:
    """The document as it is written: readable, ending in a newline, the same each time."""
    return msgspec.json.format(msgspec.json.encode(findings), indent=2) + b"\n"
