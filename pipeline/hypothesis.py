"""What a hypothesis is: a mechanism that is tested for and against on one incident's numbers."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pipeline.finding import Direction, Evidence, Verdict
from pipeline.transforms.counters import Counter
from pipeline.transforms.fingerprints import Mode
from pipeline.transforms.through import Through
from pipeline.transforms.ways import Ways
from pipeline.wording import share

# Failures whose text is cut, translated or filed under another reason: a share read from texts is
# trusted this far and no further, which bounds the weight of any one composition at about 3.9.
MISLABELLED = 0.02
# With fewer failures than this, none of a kind is no proof that there are none.
ENOUGH_TO_EXCLUDE = 20
# A mode of lengths that so much of the failures share speaks of all of them.
MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class Case:
    """How a test ended.

    ``recorded`` says that the logs name the mechanism outright for nearly all failures.
    ``would_decide`` is the missing measurement, where the verdict is undecided.
    """

    verdict: Verdict
    evidence: list[Evidence]
    would_decide: str | None = None
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class HypothesisTest:
    """A mechanism of the catalogue; its id is the name of its file, ``name`` is it in a sentence.

    ``prior`` is how often it is the cause of an outbound incident before any evidence, a judgement,
    not a measurement. ``needs`` are the facts it asks for: its parameters' names.
    """

    id: str
    name: str
    about: str
    prior: float
    do_first: str
    test: Callable[..., Case]
    needs: tuple[str, ...] = field(default=())

    def tried(self, facts: Mapping[str, Any]) -> Case:
        """The outcome on an incident's facts."""
        return self.test(**{name: facts[name] for name in self.needs})


def hypothesis(
    about: str, *, name: str, prior: float, do_first: str
) -> Callable[[Callable[..., Case]], HypothesisTest]:
    """Makes a function a hypothesis: its name is the slug, its parameters the facts it needs."""

    def made(test: Callable[..., Case]) -> HypothesisTest:
        return HypothesisTest(
            id=test.__name__,
            name=name,
            about=about,
            prior=prior,
            do_first=do_first,
            test=test,
            needs=tuple(inspect.signature(test).parameters),
        )

    return made


def speaks_for(weight: float, says: str, figure: str | None = None) -> Evidence:
    """Evidence for a mechanism; ``weight`` is a log-likelihood ratio, positive."""
    return Evidence(says=says, direction=Direction.FOR, weight=round(weight, 2), figure=figure)


def speaks_against(weight: float, says: str, figure: str | None = None) -> Evidence:
    """Evidence against a mechanism; ``weight`` is given positive and kept negative."""
    return Evidence(says=says, direction=Direction.AGAINST, weight=-round(weight, 2), figure=figure)


def _weighed(weight: float, says: str, figure: str | None) -> Evidence:
    spoken = speaks_for if weight >= 0 else speaks_against
    return spoken(abs(weight), says, figure)


def _measured(counter: Counter) -> Evidence:
    """What a counter of the way out proves, as evidence."""
    if counter.proves:
        return speaks_for(4.0, counter.says, "T11")
    return speaks_against(4.0, counter.says, "T11")


def counted(counters: list[Counter]) -> list[Evidence]:
    """What the counters of the way out say: the first that proves it, the first that denies it.

    More of them count the same ports, and add nothing.
    """
    spoken = (next((each for each in counters if each.proves is so), None) for so in (True, False))
    return [_measured(each) for each in spoken if each]


def share_speaks(part: float, says: str, figure: str | None = None) -> Evidence:
    """Evidence from the share (0 to 1) of failures that are of a mechanism's kind.

    Its weight is the log odds that a failure drawn from the incident is of the kind.
    """
    return _weighed(math.log((part + MISLABELLED) / (1 - part + MISLABELLED)), says, figure)


def lasted(found: list[Mode], weights: Mapping[str, float]) -> list[Evidence]:
    """What the lengths of failures say, where most are of one mode.

    ``weights`` tell by kind of mode how much that weighs for (positive) or against a mechanism.
    Lengths and texts are of the same records, so none weighs much beside what a text names.
    """
    return [
        _weighed(weights[each.kind], each.says, "F4")
        for each in found
        if each.share >= MOSTLY and each.kind in weights
    ]


def got_through(through: Through | None, cut_off: float, echo: float) -> list[Evidence]:
    """What it says of a mechanism that nothing got through for long, or that failures came back
    in time with the ports' hold; each weight is positive where it speaks for it.
    """
    if through is None:
        return []
    if through.cut_off and through.silence:
        start, stop = through.silence.start, through.silence.stop
        says = (
            f"No call to {through.destination} that began from {start:%H:%M} to {stop:%H:%M} UTC "
            "got through. Ports that ran out come free again "
            f"{through.hold_s:,.0f} s after a connection was closed, and let some through."
        )
        return [_weighed(cut_off, says, "F2")]
    if through.echoes:
        says = (
            f"Failures at {through.destination} came back every {through.hold_s:,.0f} s, for as "
            "long as a closed connection's port is held: the shares that failed in minutes so far "
            f"apart go together (correlation {through.echo:.2f}), and in those half as far they do "
            f"not ({through.off_beat:.2f})."
        )
        return [_weighed(echo, says, "F2")]
    return []


def recorded_case(
    ways: Ways, condition: pl.Expr, kind: str, *, figure: str, would_decide: str
) -> Case:
    """The case of a mechanism that the logs name: by the share of failures that are of its kind.

    ``condition`` tells such failures, ``kind`` says in words what is so about them.
    """
    count = ways.count(condition)
    part = ways.share(count)
    says = f"{count:,.0f} of {ways.failures:,.0f} failures ({share(part)}) {kind}."
    evidence = [share_speaks(part, says, figure)]
    if part >= 0.5:
        return Case(Verdict.SUPPORTED, evidence, recorded=part >= 0.9)
    if count == 0 and ways.told >= ENOUGH_TO_EXCLUDE and ways.told >= 0.9 * ways.failures:
        return Case(Verdict.EXCLUDED, evidence)
    return Case(Verdict.UNDECIDED, evidence, would_decide)
