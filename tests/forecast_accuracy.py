"""Measures forecasts on generated histories: `python -m tests.forecast_accuracy > docs/…`.

Rules and constants were chosen on seeds from 0 to 999; what is written here is of other seeds.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from pipeline.transforms.forecast import Crossing, forecast
from tests.histories import KINDS, History, history

SEEDS = range(5000, 5200)
LEVEL = 0.8
PAGE = Path(__file__).parents[1] / "docs" / "accuracy-capacity.md"


@dataclass(frozen=True, slots=True)
class Try:
    """What was forecast of one history."""

    history: History
    crossing: Crossing | None

    @property
    def silent(self) -> bool:
        """Too little history: nothing was said."""
        return self.crossing is None

    @property
    def covered(self) -> bool:
        """Whether the interval holds the true day; beyond the horizon is a day like another."""
        low, high, truth = map(self._place, (self._said.low, self._said.high, None))
        truth = _far(self.history.crossing)
        return low <= truth <= high

    @property
    def near(self) -> bool:
        """Whether the median is within a fifth of the true lead time."""
        truth = _far(self.history.crossing)
        return abs(self._place(self._said.median) - truth) <= max(0.2 * truth, 1)

    @property
    def invented(self) -> bool:
        """A date where none is."""
        return self._said.median is not None

    @property
    def _said(self) -> Crossing:
        if self.crossing is None:
            raise ValueError("nothing was said")
        return self.crossing

    def _place(self, day: date | None) -> float:
        return _far(None if day is None else (day - self.history.end).days)


def _far(day: int | None) -> float:
    return float("inf") if day is None else float(day)


def tried(kind: str, seeds: Iterable[int]) -> list[Try]:
    """Forecasts of histories of a kind, one a seed."""
    found = []
    for seed in seeds:
        own = history(kind, np.random.default_rng([list(KINDS).index(kind), seed]))
        said = forecast(own.values, own.first)
        found.append(Try(own, said.crossing(LEVEL) if said else None))
    return found


def table(seeds: Iterable[int]) -> list[str]:
    """A line for each kind of history."""
    seeds = list(seeds)
    lines = [
        "| history | forecasts | true day known | interval holds it | median within a fifth | "
        "crossing missed | date invented |",
        "|---|---|---|---|---|---|---|",
    ]
    every: list[Try] = []
    for kind in KINDS:
        found = tried(kind, seeds)
        every += found
        lines.append(_line(kind.replace("_", " "), found))
    return [*lines, _line("**all**", every)]


def _line(name: str, found: list[Try]) -> str:
    told = [each for each in found if not each.silent]
    crossing = [each for each in told if each.history.crossing is not None]
    others = [each for each in told if each.history.crossing is None]
    return (
        f"| {name} | {len(told)} | {len(crossing)} | {_share([e.covered for e in crossing])} | "
        f"{_share([e.near for e in crossing])} | {_share([not e.invented for e in crossing])} | "
        f"{_share([e.invented for e in others])} |"
    )


def _share(which: list[bool]) -> str:
    return f"{sum(which)} of {len(which)} ({np.mean(which):.0%})" if which else "none there"


if __name__ == "__main__":
    print("\n".join(table(range(*map(int, sys.argv[1:])) if sys.argv[1:] else SEEDS)))
