"""Document: what a report's JSON tells of how it was made, whatever its kind."""

from pathlib import Path
from typing import Any, Literal

import msgspec

from pipeline.config import Settings
from pipeline.errors import PipelineError
from pipeline.finding import SCHEMA_VERSION, LakeRead

INCIDENT = "incident"
KINDS = (INCIDENT, "capacity")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A query as a report says that it was run; null is what the report does not say."""

    query: str
    parameters: dict[str, str | int | float | None]
    sha256: str
    rows: int | None = None
    digest: str | None = None


class Figure(Asked, frozen=True, kw_only=True):
    """A figure as a report tells it."""

    id: str
    title: str = ""
    queries: tuple[Asked, ...] = ()

    @property
    def asked(self) -> tuple[Asked, ...]:
        """All queries that it rests on; one that lists none rests on the one that it names."""
        return self.queries or (self,)


class Span(msgspec.Struct, frozen=True):
    """The window of a report."""

    start: str
    end: str | None


class Period(msgspec.Struct, frozen=True):
    """One side of a comparison."""

    start: str
    end: str


class Periods(msgspec.Struct, frozen=True):
    """What a report compares; ``own`` names the side that it is on."""

    own: Literal["before", "after"]
    before: Period
    after: Period


class Issue(msgspec.Struct, frozen=True):
    """What a report was issued as by the scheduled job: the id that its incident is known by."""

    id: str


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """How a report was made; ``said`` is all that it says."""

    schema_version: str
    kind: str
    generator: str
    window: Span
    figures: list[Figure]
    lake: LakeRead | None = None
    settings: Settings | None = None
    comparison: Periods | None = None
    issue: Issue | None = None
    said: dict[str, Any] = {}


def document(path: Path) -> Document:
    """The report in a JSON file.

    Raises ``PipelineError`` where the file is no report that this version knows.
    """
    try:
        said = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError as error:
        raise PipelineError(f"{path}: no such file; name the JSON of a report") from error
    except OSError as error:
        raise PipelineError(f"{path}: cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise PipelineError(f"{path}: not JSON: {error}; name the .json beside the PDF") from error
    if not isinstance(said, dict) or said.get("kind") not in KINDS or "schema_version" not in said:
        raise PipelineError(
            f"{path}: no report of gateway-rca: those name their 'kind' ({' or '.join(KINDS)}) "
            "and a 'schema_version'"
        )
    if said["schema_version"] != SCHEMA_VERSION:
        raise PipelineError(
            f"{path}: a report of schema version {said['schema_version']}; this gateway-rca knows "
            f"{SCHEMA_VERSION}. Verify it with the one that made it: {said.get('generator')}"
        )
    try:
        found = msgspec.convert(said, Document)
    except msgspec.ValidationError as error:
        where = str(error).replace("`", "'").replace("$.", "")
        raise PipelineError(f"{path}: not a report as gateway-rca writes them: {where}") from error
    return msgspec.structs.replace(found, said=said)
