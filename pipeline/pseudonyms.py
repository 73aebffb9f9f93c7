"""Pseudonyms: a report for others, in which no host, address, caller, resource or id is named.

What is a name is known by the columns that it comes from, not by its looks. The same name has the
same pseudonym over the whole document, its figures and attachments. Diagnosis knows nothing of it:
it saw the names, so that its verdict is the same.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape, unescape
from typing import Any

import msgspec
import polars as pl

from pipeline.config import Settings
from pipeline.figure import Drawing
from pipeline.incident_finding import Findings
from pipeline.wording import plain, short

# Columns of answers that hold names, and what to call these.
RESOURCES = {"gateway", "resource_id"}
PLACES = {"destination", "called"}
NAMED = {
    "host": "host",
    "ip": "address",
    "caller": "caller",
    "caller_ip": "address",
    "source_ip": "address",
    "instance": "instance",
    "subscription": "subscription",
    "api": "api",
    "operation": "operation",
    "region": "region",
    "correlation_id": "request",
    "message": "message",
    "text": "message",
    "example_reason": "message",
    "blob": "blob",
    "example_blob": "blob",
}
# Machine codes, unless a gateway of someone's own writes something else there.
CODES = {"reason"}
CODE = re.compile(r"[A-Za-z]\w{0,63}")
# Columns whose texts are words of Azure's or of this product's.
HARMLESS = {
    "caller_kind", "category", "cause", "counter", "dataset", "ending", "event", "fault", "format",
    "kind", "measure", "near", "new_value", "old_value", "outcome", "protocol", "resource_type",
    "revision", "said", "statistic", "status", "what",
}  # fmt: skip
# Fields of the findings that hold such words.
OWN_WORDS = {
    "schema_version", "kind", "generator", "basis", "from", "scope", "verdict", "status",
    "direction", "trigger", "mechanism", "query", "sha256", "figure", "dataset", "format",
    "outcome", "fault",
}  # fmt: skip
ADDRESS = re.compile(r"[\d.]+|[\da-fA-F:]*:[\da-fA-F:.]*")
PORT = re.compile(r":\d+$")
# Lengths that figures shorten names to.
SHORTENED = (40, 44, 48)
# Shorter names are replaced where they stand alone: in a sentence they would be any word.
SHORTEST = 4
TEXT = re.compile(r">([^<]+)<")


class Names:
    """Every name that is known, by each form in which it may be written."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}
        self._counted: dict[str, int] = {}

    def add(self, kind: str, name: str | None) -> str:
        """Gives a name its pseudonym; one that is known already keeps the one it has."""
        if not name or not name.strip():
            return ""
        known = self._of.get(name.lower())
        if known is None:
            self._counted[kind] = self._counted.get(kind, 0) + 1
            known = f"{kind}-{self._counted[kind]}"
        self._write(name, known)
        return known

    def place(self, destination: str | None) -> None:
        """A destination: a host or an address, and its port."""
        if not destination:
            return
        port = PORT.search(destination)
        host = PORT.sub("", destination).strip("[]")
        known = self.add("address" if ADDRESS.fullmatch(host) else "host", host)
        self._write(destination, known + (port[0] if port else ""))

    def resource(self, id_: str | None) -> None:
        """A resource's id: each of the names in it, so that what kind it is can still be read."""
        if not id_:
            return
        parts = id_.strip("/").split("/")
        if len(parts) < 8 or parts[0].lower() != "subscriptions":
            self.add("resource", id_)
            return
        self.add("azure-subscription", parts[1])
        self.add("group", parts[3])
        for name in parts[7::2]:
            self.add("resource", name)

    def _write(self, name: str, known: str) -> None:
        for form in {name, plain(name), name.replace(" ", "-"), escape(name)}:
            self._of[form.lower()] = known
            for length in SHORTENED:
                self._of[short(form, length).lower()] = known

    def within(self, texts: Iterable[str]) -> "Replacing":
        """What replaces the names in these texts."""
        everything = "\n".join(texts).lower()
        return Replacing({form: name for form, name in self._of.items() if form in everything})


class Replacing:
    """Replaces names by their pseudonyms, longest first, in one pass."""

    def __init__(self, of: Mapping[str, str]) -> None:
        self._of = of
        long = sorted((form for form in of if len(form) >= SHORTEST), key=lambda each: -len(each))
        words = "|".join(re.escape(form) for form in long)
        self._found = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE) if long else None

    def __call__(self, text: str) -> str:
        """The text with pseudonyms."""
        if (alone := self._of.get(text.lower())) is not None:
            return alone
        if self._found is None:
            return text
        return self._found.sub(lambda name: self._of.get(name[0].lower(), "withheld"), text)

    def deep(self, value: Any) -> Any:
        """The same of all texts in it; words of the product's own stay."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self.deep(each) for each in value]
        if isinstance(value, dict):
            return {
                key: each if key in OWN_WORDS and isinstance(each, str) else self.deep(each)
                for key, each in value.items()
            }
        return value

    def drawing(self, drawn: Drawing) -> Drawing:
        """A figure with pseudonyms in its texts and numbers."""
        readings = None
        if drawn.readings:
            told = msgspec.json.decode(drawn.readings)
            series = {self(name): values for name, values in told["series"].items()}
            readings = msgspec.json.encode({**told, "series": series}).decode()
        return Drawing(
            TEXT.sub(lambda text: f">{escape(self(unescape(text[1])), quote=False)}<", drawn.svg),
            self(drawn.alt),
            None if drawn.rows is None else drawn.rows.rename(self._columns(drawn.rows)),
            readings,
        )

    def _columns(self, rows: pl.DataFrame) -> dict[str, str]:
        return {name: self(name) for name in rows.columns}


def applied(
    findings: Findings,
    drawings: Mapping[str, Drawing],
    frames: Iterable[pl.DataFrame],
    settings: Settings,
) -> tuple[Findings, dict[str, Drawing]]:
    """The findings and figures with pseudonyms for every name in the frames they were made from."""
    names = _names(findings, frames, settings)
    said = msgspec.to_builtins(findings)
    texts = [*_texts(said), *(unescape(each.svg) for each in drawings.values())]
    texts += [
        column
        for each in drawings.values()
        if each.rows is not None
        for column in each.rows.columns
    ]
    replacing = names.within([*texts, *(each.alt for each in drawings.values())])
    return (
        msgspec.convert(replacing.deep(said), Findings),
        {name: replacing.drawing(each) for name, each in drawings.items()},
    )


def _names(findings: Findings, frames: Iterable[pl.DataFrame], settings: Settings) -> Names:
    """Every name, counted in the order in which a reader meets it: the worst destination first."""
    names = Names()
    for incident in findings.incidents:
        names.resource(incident.gateway)
        for each in incident.destinations:
            names.place(each.name)
            for host in each.hosts:
                names.add("host", host)
    for frame in frames:
        _of_frame(names, frame)
    for gateway in settings.gateway:
        names.resource(gateway.resource_id)
        names.resource(gateway.egress_resource_id)
    for destination in settings.destination:
        names.add("host", destination.host)
        for ip in destination.ips:
            names.add("address", ip)
    return names


def _of_frame(names: Names, frame: pl.DataFrame) -> None:
    for column in frame.columns:
        if frame.schema[column] != pl.String or column in HARMLESS:
            continue
        for value in frame[column].drop_nulls().unique(maintain_order=True):
            if column in RESOURCES:
                names.resource(value)
            elif column in PLACES:
                names.place(value)
            elif column not in CODES:
                # A column that nobody classified is taken for names: better too few words.
                names.add(NAMED.get(column, "name"), value)
            elif not CODE.fullmatch(value):
                names.add("message", value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
