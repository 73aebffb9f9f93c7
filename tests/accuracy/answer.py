"""What the product says of an export, by the command that a person would type."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from pipeline.cli import main
from tests.accuracy.label import Label


@dataclass(frozen=True, slots=True)
class Ports:
    """Bounds of the ports that were held at the peak; ``scope`` is unit or total."""

    scope: str
    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The incident reported that lies where the true one does, and how many lie elsewhere.

    ``mechanism`` and all about it are null where no incident was reported there. ``ranked`` are the
    hypotheses with their probabilities, the likeliest first; ``why`` is what speaks most against
    the true one, or for what was named in its place.
    """

    mechanism: str | None
    status: str | None = None
    ranked: tuple[tuple[str, float], ...] = ()
    trigger: str | None = None
    snat: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    host: str | None = None
    address: str | None = None
    ports: Ports | None = None
    invented: int = 0
    pieces: int = 0
    why: str = ""

    @property
    def probability(self) -> float:
        """Of what was named first."""
        return self.ranked[0][1] if self.ranked else 0.0


def answer(export: Path, true: Label) -> Answer:
    """What the command says of the exports in a folder.

    A command that fails raises: that is no wrong answer but a fault of the product.
    """
    output = export.with_name(f"{export.name}.findings.json")
    typed = ["incident", str(export), "--format", "json", "--output", str(output)]
    result = CliRunner().invoke(main, typed)
    if result.exit_code != 0:
        raise RuntimeError(f"gateway-rca {' '.join(typed)}: exit {result.exit_code}") from (
            result.exception
        )
    return read(json.loads(output.read_text()), true)


def read(findings: dict[str, Any], true: Label) -> Answer:
    """The answer in a findings document."""
    ends = _moment(findings["window"]["end"])
    there = {each["id"]: _overlap(each, ends, true) for each in findings["incidents"]}
    at_all = [each for each in findings["incidents"] if there[each["id"]] > timedelta(0)]
    invented = len(findings["incidents"]) - len(at_all)
    if not at_all:
        return Answer(None, invented=invented)
    one = max(at_all, key=lambda each: there[each["id"]])
    worst = one["destinations"][0] if one["destinations"] else None
    bounds = next((each["ports"] for each in one["destinations"] if _is(each, true)), None)
    return Answer(
        mechanism=one["verdict"]["mechanism"],
        status=one["verdict"]["status"],
        ranked=tuple((each["id"], each["probability"]) for each in one["hypotheses"]),
        trigger=one["verdict"]["trigger"],
        snat=one["snat"]["verdict"],
        start=_moment(one["start"]),
        end=_moment(one["end"] or findings["window"]["end"]),
        host=worst and worst["host"],
        address=_address(worst) if worst else None,
        ports=bounds and Ports(bounds["scope"], bounds["lower_peak"], bounds["upper_peak"]),
        invented=invented,
        pieces=len(at_all),
        why=_why(one["hypotheses"], true),
    )


def _overlap(incident: dict[str, Any], ends: datetime, true: Label) -> timedelta:
    """For how long a reported incident and the true one went on together."""
    if true.start is None or true.end is None:
        return timedelta(0)
    start, end = _moment(incident["start"]), _moment(incident["end"]) if incident["end"] else ends
    return min(end, true.end) - max(start, true.start)


def _address(destination: dict[str, Any]) -> str | None:
    return f"{destination['ip']}:{destination['port']}" if destination["ip"] else None


def _is(destination: dict[str, Any], true: Label) -> bool:
    """Whether a destination is the true one: by its address, or where none is told by its host."""
    return (_address(destination) or true.address) == true.address and (
        destination["ip"] is not None or destination["host"] in true.hosts
    )


def _why(hypotheses: list[dict[str, Any]], true: Label) -> str:
    """The place of the true hypothesis, and the evidence that weighs most against it."""
    place, own = next(
        (place, each) for place, each in enumerate(hypotheses, 1) if each["id"] == true.mechanism
    )
    lowest = min(own["evidence"], key=lambda each: each["weight"], default=None)
    told = f"place {place}, {own['verdict']}"
    if lowest is None:
        return f"{told}: nothing that was read tells of it"
    return f"{told}: {lowest['says']}"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
