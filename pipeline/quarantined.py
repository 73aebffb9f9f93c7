"""Quarantined: what a lake could not take, blob by blob, and why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline.ask import ask
from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.lake import Lake
from pipeline.wording import of

NAME, QUERY = "quarantine", "refused_by_blob"


@dataclass(frozen=True, slots=True)
class Refused:
    """Records of a blob that were refused for one kind of reason.

    ``position`` is the line or record of the first, from 1; ``reason`` says why that one was.
    """

    blob: str
    kind: str
    records: int
    position: int
    reason: str


def quarantined(lake: Lake, engine: Engine) -> list[Refused]:
    """What was refused, in the order of blobs."""
    engine.attach(NAME, datasets()[NAME], lake.files(NAME))
    return [Refused(**row) for row in ask(engine, [QUERY], {})[QUERY].frame.iter_rows(named=True)]


def told(refused: Iterable[Refused]) -> Iterator[str]:
    """The same for people, line by line."""
    blob = None
    for each in refused:
        if each.blob != blob:
            blob = each.blob
            yield blob
        yield f"  {each.position:,}: {each.kind}: {each.reason}{_more(each.records - 1)}"


def _more(records: int) -> str:
    return f" (and {of(records, 'more record')} of this kind)" if records else ""
