"""Scores: what became of each trial, counted, with intervals."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median, quantiles

from tests.accuracy.answer import Answer
from tests.accuracy.label import Label

Z_95 = 1.959964
BINS = (0.0, 0.5, 0.7, 0.9, 0.97, 1.0)


class Grade(StrEnum):
    """What became of a trial."""

    RIGHT = "right"
    WRONG = "wrong"
    UNDECIDED = "undecided"
    NOT_FOUND = "not found"
    QUIET = "quiet"
    INVENTED = "invented"


@dataclass(frozen=True, slots=True)
class Trial:
    """A family drawn with a seed, its truth, and what was said with a set of sources."""

    family: str
    seed: int
    sources: str
    label: Label
    answer: Answer

    @property
    def grade(self) -> Grade:
        """Right takes the true mechanism, named as confirmed or likely."""
        if self.label.mechanism is None:
            return Grade.INVENTED if self.answer.invented else Grade.QUIET
        if self.answer.mechanism is None:
            return Grade.NOT_FOUND
        if self.answer.status == "undecided":
            return Grade.UNDECIDED
        return Grade.RIGHT if self.first else Grade.WRONG

    @property
    def first(self) -> bool:
        """Whether the true mechanism stands first, whatever the status."""
        return self.answer.mechanism is not None and self.answer.mechanism == self.label.mechanism

    @property
    def among_three(self) -> bool:
        """Whether the true mechanism is among the first three."""
        return self.label.mechanism in [name for name, _ in self.answer.ranked[:3]]

    @property
    def destination_found(self) -> bool | None:
        """Whether the worst destination is the true one; null where none is to blame."""
        if self.label.address is None or self.answer.mechanism is None:
            return None
        if self.answer.address:
            return self.answer.address == self.label.address
        return self.answer.host in self.label.hosts

    @property
    def peak_inside(self) -> bool | None:
        """Whether the true peak lies within the bounds; null where there are none."""
        held, ports = self.label.held, self.answer.ports
        if held is None or ports is None:
            return None
        true = held.unit if ports.scope == "unit" else held.total
        return ports.lower <= true <= ports.upper

    @property
    def start_off_s(self) -> float | None:
        """Seconds between the start reported and the true one."""
        if self.answer.start is None or self.label.start is None:
            return None
        return abs((self.answer.start - self.label.start).total_seconds())

    @property
    def end_off_s(self) -> float | None:
        """Seconds between the end reported and the true one."""
        if self.answer.end is None or self.label.end is None:
            return None
        return abs((self.answer.end - self.label.end).total_seconds())


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many, with Wilson's 95 % interval."""

    count: int
    of: int

    @property
    def share(self) -> float | None:
        """Null of none."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval; of none, anything is possible."""
        if not self.of:
            return 0.0, 1.0
        share, squared = self.count / self.of, Z_95**2
        scale = 1 + squared / self.of
        middle = (share + squared / (2 * self.of)) / scale
        half = Z_95 * math.sqrt(share * (1 - share) / self.of + squared / (4 * self.of**2)) / scale
        # At either end the bound is the end itself, which rounding would miss.
        low = 0.0 if self.count == 0 else max(0.0, middle - half)
        high = 1.0 if self.count == self.of else min(1.0, middle + half)
        return low, high


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers whose probability lies in a range: how sure they were, and how often right."""

    low: float
    high: float
    said: float
    right: Rate


def rate(trials: Iterable[Trial], judged: Callable[[Trial], bool | None]) -> Rate:
    """How often a judgement holds, among trials of which it can be passed."""
    passed = [verdict for verdict in map(judged, trials) if verdict is not None]
    return Rate(sum(passed), len(passed))


def with_incident(trials: Iterable[Trial]) -> list[Trial]:
    """Trials in which something happened."""
    return [each for each in trials if each.label.mechanism is not None]


def without_incident(trials: Iterable[Trial]) -> list[Trial]:
    """Trials in which nothing happened."""
    return [each for each in trials if each.label.mechanism is None]


def grades(trials: Iterable[Trial]) -> Counter[Grade]:
    """How many trials ended in which way."""
    return Counter(each.grade for each in trials)


def confusion(trials: Iterable[Trial]) -> Counter[str]:
    """What was named first, with its status; most often first."""
    return Counter(
        f"{each.answer.mechanism} ({each.answer.status})"
        if each.answer.mechanism
        else "no incident"
        for each in trials
    )


def brier(trials: Iterable[Trial]) -> float | None:
    """Mean squared distance of the first probability from what came true; null of none."""
    squares = [
        (each.answer.probability - each.first) ** 2 for each in trials if each.answer.mechanism
    ]
    return sum(squares) / len(squares) if squares else None


def reliability(trials: Iterable[Trial]) -> list[Bin]:
    """How often what was named first was true, by how sure the answer was."""
    named = [each for each in trials if each.answer.mechanism]
    bins = []
    for low, high in pairwise(BINS):
        own = [
            each
            for each in named
            if low <= each.answer.probability < high or each.answer.probability == high == BINS[-1]
        ]
        if own:
            said = sum(each.answer.probability for each in own) / len(own)
            bins.append(Bin(low, high, said, Rate(sum(each.first for each in own), len(own))))
    return bins


def false_confirmed(trials: Iterable[Trial]) -> Rate:
    """Reports that say ports ran out where none was wanting, of those where none was."""
    return rate(
        trials,
        lambda each: (
            None
            if each.label.ran_out or each.answer.snat is None
            else each.answer.snat == "confirmed"
        ),
    )


def false_excluded(trials: Iterable[Trial]) -> Rate:
    """Reports that say ports did not run out where they did, of those where they did."""
    return rate(
        trials,
        lambda each: (
            each.answer.snat == "excluded"
            if each.label.ran_out and each.answer.snat is not None
            else None
        ),
    )


def contradicted(trials: Iterable[Trial], whole: str) -> Rate:
    """How often a set of sources and the ``whole`` of them were sure of different things.

    Of pairs of answers to one draw that both name a mechanism as likely or confirmed, those that
    name two; and those of which one confirms that ports ran out while the other excludes it.
    """
    said = {(each.family, each.seed, each.sources): each.answer for each in trials}
    judged = []
    for (family, seed, sources), answer in said.items():
        with_all = said[family, seed, whole]
        pair = (answer, with_all)
        if sources == whole or any(each.mechanism is None for each in pair):
            continue
        both = all(each.status != "undecided" for each in pair)
        flipped = {each.snat for each in pair} == {"confirmed", "excluded"}
        if both or flipped:
            judged.append(flipped or answer.mechanism != with_all.mechanism)
    return Rate(sum(judged), len(judged))


def middle_and_90th(values: Sequence[float]) -> tuple[float, float] | None:
    """Median and 90th percentile; null of none."""
    if not values:
        return None
    if len(values) == 1:
        return values[0], values[0]
    return median(values), quantiles(values, n=10, method="inclusive")[-1]
