"""Plan: what of the blobs that are there is new, and how it is to be read."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from pipeline.ask import ask
from pipeline.claim import Claim, claimed, ready
from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.envelope import Unreadable
from pipeline.feed import digest, known_up_to, tail
from pipeline.lake import Lake
from pipeline.storage import Blob, BrokenBlobError
from pipeline.stretch import Reading

UNKNOWN = "no format claims it"
# Enough requests at once that the way to a storage account does not count.
CLAIMERS = 8


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger tells of a blob: how far it was read, and as what."""

    blob: str
    format: str
    dataset: str
    envelope: str | None
    generation: int
    to_offset: int
    next_position: int
    known: str
    etag: str | None


@dataclass(slots=True)
class Plan:
    """What is to be read; of the other blobs, those that did not change, and why others are not.

    ``skipped`` tells the dataset of each.
    """

    readings: list[Reading] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    unclaimed: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)


class Planner:
    """Compares blobs with what the lake knows of them."""

    def __init__(self, lake: Lake, engine: Engine) -> None:
        self._lake = lake
        self._known: dict[str, Known] = {}
        if files := lake.files("landings"):
            engine.attach("landings", datasets()["landings"], files)
            rows = ask(engine, ["known"], {})["known"].frame.iter_rows(named=True)
            self._known = {row["blob"]: Known(**row) for row in rows}

    def plan(self, blobs: Iterable[Blob]) -> Plan:
        """What of the blobs is new."""
        plan = Plan()
        todo = []
        for blob in blobs:
            known = self._known.get(blob.name)
            if known and known.etag == blob.etag:
                plan.skipped[blob.name] = known.dataset
            else:
                todo.append(blob)
        ready()
        with ThreadPoolExecutor(CLAIMERS) as pool:
            for blob, found in zip(todo, pool.map(self._looked_at, todo), strict=True):
                match found:
                    case BrokenBlobError():
                        plan.unreadable[blob.name] = str(found)
                    case str():
                        plan.unclaimed[blob.name] = found
                    case _:
                        plan.readings += found
        plan.readings.sort(
            key=lambda each: (not each.healing, each.format, not each.plain, each.blob.name)
        )
        return plan

    def changed(self, reading: Reading, begins: int = 0) -> list[Reading]:
        """How to read a blob whose known part was rewritten: anew, and all that is known apart."""
        anew = replace(
            reading,
            generation=reading.generation + 1,
            from_offset=begins,
            first_position=1,
            known=b"",
            again=True,
        )
        return list(self._healed(anew))

    def _looked_at(self, blob: Blob) -> list[Reading] | BrokenBlobError | str:
        """How to read a blob; or why it cannot be read, or who does not know it."""
        if not blob.size:
            return "is empty"
        try:
            match claimed(blob):
                case Claim() as claim:
                    return self._readings(blob, claim)
                case Unreadable() as piece:
                    return f"{UNKNOWN}: {piece.reason}"
        except BrokenBlobError as error:
            return error
        return UNKNOWN

    def _readings(self, blob: Blob, claim: Claim) -> list[Reading]:
        known = self._known.get(blob.name)
        fresh = Reading(
            blob, claim.format, claim.plain, claim.envelope, claim.packed, from_offset=claim.begins
        )
        if known is None:
            return list(self._healed(fresh))
        on = replace(
            fresh,
            generation=known.generation,
            from_offset=known.to_offset,
            first_position=known.next_position,
            known=known.known.encode(),
        )
        if known.envelope != claim.envelope:
            return self.changed(on, claim.begins)
        if claim.envelope is None:
            on = replace(on, known=tail(blob, claim.packed, known.to_offset))
            if known.known and digest(on.known) != known.known:
                return self.changed(on, claim.begins)
        return list(self._healed(on))

    def _healed(self, reading: Reading) -> Iterator[Reading]:
        """The reading; where a stopped run left the tables' marks apart, in two parts.

        What the foremost table has, the others must get before anything new: the same records, and
        only these. If they are not there any more, the blob was rewritten since.
        """
        name, generation = reading.blob.name, reading.generation
        ahead, foremost = max(
            (self._lake.mark(each, name, generation), each) for each in datasets()
        )
        if ahead > reading.from_offset:
            if not self._lake.holds(foremost, name, generation, known_up_to(reading, ahead)):
                begins = reading.from_offset if reading.first_position == 1 else 0
                yield from self.changed(reading, begins)
                return
            yield replace(reading, to_offset=ahead)
            yield replace(reading, from_offset=ahead, first_position=None, known=b"")
        else:
            yield reading
