"""Read: the records of a batch as rows, fast where all are sound, else each by itself."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import IO

import msgspec
import polars as pl

from pipeline.arrivals import Arrivals
from pipeline.claim import format_of, kind_of
from pipeline.dialect import Record, fitted, lowered, unbatched
from pipeline.engine import UnreadableError
from pipeline.feed import Batch
from pipeline.lake import ParquetFile
from pipeline.source import Source
from pipeline.sources import sources
from pipeline.stretch import Ending, Gathered, Place, Refusal, Sifted, Tally, refusal
from pipeline.transforms.redaction import redacted

LONGEST_KIND = 100
# What reading a record made to break its format may raise.
WRONG_SHAPE = (ValueError, TypeError, AttributeError, LookupError, RecursionError, OverflowError)


@dataclass(frozen=True, slots=True)
class Told:
    """Rows of one format, each event once, in files that are not committed.

    By blob: ``lines`` counts what told of them, ``rows`` what remains where some told the same,
    ``resources`` are those that most rows speak of.
    """

    files: list[ParquetFile]
    lines: Counter[str]
    rows: Counter[str]
    resources: dict[str, str | None]


@dataclass(slots=True)
class Read:
    """A batch, read: rows by format, and what became of the other lines.

    ``aside`` counts records of kinds that nothing uses by blob and kind.
    """

    batch: Batch
    told: dict[str, Told] = field(default_factory=dict)
    aside: Counter[tuple[str, str]] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def endings(self) -> list[Ending]:
        """How the reading of each stretch ended."""
        return self.batch.endings


def read(batch: Batch, arrivals: Arrivals, room: Callable[[str], Path]) -> Read:
    """The rows of a batch, written to files in the ``room`` of their dataset.

    Fast and strict first. Where the rows are not the lines, or one is refused, the same lines are
    read again one by one: only then is it worth knowing which and why.
    """
    done = Read(batch, refusals=[each for ending in batch.endings for each in ending.refusals])
    gathered = batch.gathered
    if gathered.count and not (batch.plain and _read_fast(done, arrivals, room)):
        with TemporaryDirectory(prefix="items-", dir=gathered.path.parent) as folder:
            _read_slowly(done, arrivals, room, Path(folder))
        done.aside = _clean(done.aside)
    batch.give_back(gathered.path)
    return done


def _read_fast(done: Read, arrivals: Arrivals, room: Callable[[str], Path]) -> bool:
    """Whether all lines are sound rows of the batch's format."""
    gathered = done.batch.gathered
    source = sources()[done.batch.format]
    arrivals.begin(source.dataset, (run[1] for run in gathered.runs))
    try:
        arrivals.add(gathered, source)
    except UnreadableError:
        return False
    lines = arrivals.lines()
    if any(each.refused for each in lines.values()) or lines != gathered.lines_by_blob():
        return False
    done.told[done.batch.format] = _told(arrivals, source, lines, room)
    return True


def _told(
    arrivals: Arrivals, source: Source, lines: dict[str, Tally], room: Callable[[str], Path]
) -> Told:
    """What is in the table, cleaned before it comes anywhere near the lake."""
    arrivals.clean()
    counts = Counter({blob: each.count for blob, each in lines.items()})
    resources = arrivals.resources()
    again = arrivals.tell_once()
    return Told(arrivals.write(room(source.dataset)), counts, counts - again, resources)


def _clean(aside: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """The same counts by kinds without secrets and no longer than a name: anybody may write any."""
    kinds = redacted(pl.Series([kind for _, kind in aside], dtype=pl.String))
    clean: Counter[tuple[str, str]] = Counter()
    for ((blob, _), count), kind in zip(aside.items(), kinds, strict=True):
        clean[blob, kind[:LONGEST_KIND]] += count
    return clean


# --- one by one ---


def _read_slowly(done: Read, arrivals: Arrivals, room: Callable[[str], Path], folder: Path) -> None:
    sifting = _Sifting(done, folder)
    sifting.run()
    refused: dict[Place, tuple[str, str, str]] = {}
    for name, items in sorted(sifting.items.items()):
        source = sources()[name]
        arrivals.begin(source.dataset, (place[0] for place in items.told))
        unreadable = dict(_added(items, source, arrivals, folder))
        refused |= {place: (name, "wrong type", why) for place, why in unreadable.items()}
        wrong = arrivals.take_refused()
        refused |= {place: (name, "wrong value", why) for place, why in wrong.items()}
        lines = arrivals.lines()
        rows = sum(each.count for each in lines.values())
        if rows + len(wrong) + len(unreadable) != items.count:
            raise AssertionError(
                f"{items.count} items of {name}, {rows} rows: not all accounted for"
            )
        if rows:
            done.told[name] = _told(arrivals, source, lines, room)
    if refused:
        done.refusals += _with_lines(refused, done.batch.gathered, sifting)


def _with_lines(
    refused: dict[Place, tuple[str, str, str]], gathered: Gathered, sifting: "_Sifting"
) -> Iterator[Refusal]:
    """The refusals with what stands there: the line itself, or the item if it holds many."""
    of_lines = {place[:2]: place for place in refused if place[:2] not in sifting.parted}
    for blob, position, line in gathered.lines():
        if place := of_lines.get((blob, position)):
            name, kind, reason = refused[place]
            yield refusal(place, kind, reason, line, format=name)
    for items in sifting.items.values():
        for place, line in items.lines():
            if place in refused and place[:2] in sifting.parted:
                name, kind, reason = refused[place]
                yield refusal(place, kind, reason, line, format=name)


class _Sifting:
    """Lines taken apart into items, each in the spelling of the format that claims it.

    ``parted`` are the places of lines that hold many records, or records of another spelling.
    """

    def __init__(self, done: Read, folder: Path) -> None:
        self._done = done
        self._folder = folder
        self._decode = msgspec.json.Decoder().decode
        self._encode = msgspec.json.Encoder().encode
        self._files: dict[str, IO[bytes]] = {}
        self.items: dict[str, Sifted] = {}
        self.parted: set[tuple[str, int]] = set()

    def run(self) -> None:
        """Goes through all lines of the batch."""
        with ExitStack() as open_files:
            self._open_files = open_files
            for blob, position, line in self._done.batch.gathered.lines():
                if line.strip():
                    self._line(blob, position, line)

    def _line(self, blob: str, position: int, line: bytes) -> None:
        try:
            value = self._decode(line)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            self._refuse((blob, position, 1), error, line)
            return
        records = list(unbatched(value))
        if len(records) != 1 or records[0] is not value:
            self.parted.add((blob, position))
        item = 0
        for record in records:
            item = self._record(record, (blob, position, item), line)
        if not records:
            self._done.aside[blob, "an empty batch"] += 1

    def _record(self, record: object, before: Place, line: bytes) -> int:
        """Takes one record apart; gives the number of its last item."""
        blob, position, item = before
        if not isinstance(record, dict):
            self._refuse((blob, position, item + 1), TypeError("not an object"), line)
            return item + 1
        said = lowered(record)
        name = format_of(said, self._done.batch.format)
        if name is None:
            self._unclaimed(said, (blob, position, item + 1), line)
            return item + 1
        source = sources()[name]
        if source.items:
            self.parted.add((blob, position))
        told = item
        try:
            for each in source.items(said) if source.items else (record,):
                told += 1
                self._item(each, source, name, (blob, position, told), line)
        except WRONG_SHAPE as error:
            told += 1
            self._refuse((blob, position, told), error, line, name)
        if told == item:
            self._done.aside[blob, kind_of(said) or name] += 1
        return told

    def _item(self, item: Record, source: Source, name: str, place: Place, line: bytes) -> None:
        try:
            shaped = msgspec.convert(fitted(item, source.record), source.record, strict=False)
            spelled = self._encode(shaped) + b"\n"
        except WRONG_SHAPE as error:
            raw = self._encode(item) if place[:2] in self.parted else line
            self._refuse(place, error, raw, name)
            return
        self._file(name).write(spelled)
        self.items[name].told.append(place)

    def _file(self, name: str) -> IO[bytes]:
        if name not in self._files:
            self.items[name] = Sifted(self._folder / f"{name}.json")
            file = self.items[name].path.open("wb")
            self._files[name] = self._open_files.enter_context(file)
        return self._files[name]

    def _unclaimed(self, record: Record, place: Place, line: bytes) -> None:
        """A record of a kind that nothing uses is set aside; one that names no kind is refused."""
        if kind := kind_of(record):
            self._done.aside[place[0], kind] += 1
        else:
            self._refuse(place, LookupError("no format knows this record"), line)

    def _refuse(self, place: Place, error: Exception, raw: bytes, name: str | None = None) -> None:
        kind, reason = _why(error)
        self._done.refusals.append(refusal(place, kind, reason, raw, format=name))


def _why(error: Exception) -> tuple[str, str]:
    match error:
        case msgspec.ValidationError():
            return "wrong type", str(error)
        case msgspec.DecodeError():
            return "not JSON", str(error)
        case UnicodeError():
            return "not UTF-8", str(error)
        case RecursionError():
            return "too deep", "the record is nested too deeply"
        case KeyError():
            return "wrong shape", f"no {error.args[0]}"
        case _:
            return "wrong shape", str(error)


def _added(
    items: Sifted, source: Source, arrivals: Arrivals, folder: Path
) -> Iterator[tuple[Place, str]]:
    """Adds the items to the table; gives each that the engine cannot read, and why."""
    try:
        arrivals.add(items, source)
    except UnreadableError as error:
        if items.count == 1:
            yield items.told[0], str(error).partition("\n")[0]
            return
        for half in _halves(items, folder):
            yield from _added(half, source, arrivals, folder)


def _halves(items: Sifted, folder: Path) -> Iterator[Sifted]:
    lines = items.lines()
    for count in (items.count // 2, items.count - items.count // 2):
        with NamedTemporaryFile(dir=folder, delete=False) as file:
            half = Sifted(Path(file.name))
            for place, line in islice(lines, count):
                file.write(line)
                half.told.append(place)
        yield half
