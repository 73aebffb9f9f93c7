"""Measured: how full ports to a destination were by flow logs, in the minutes that they cover."""

from dataclasses import dataclass, field

import polars as pl

from pipeline.level import SHOWN, TIME
from pipeline.use import Use

NONE = pl.DataFrame(schema={**dict.fromkeys(SHOWN, pl.Float64), "minute": TIME})


@dataclass(slots=True)
class Measured:
    """Minutes (minute, lower, estimate, upper) that flow logs cover, and only these.

    Where each source has ports of its own, they are of the fullest one at each minute, and
    ``sources`` has what each of them held; else they are of all together.
    """

    scope: str
    minutes: pl.DataFrame = field(default_factory=NONE.clear)
    sources: dict[str, Use] = field(default_factory=dict)

    def add(self, minutes: pl.DataFrame, by_source: dict[str, pl.DataFrame]) -> None:
        """Adds what is told of some minutes, the earlier first."""
        self.minutes = pl.concat([self.minutes, minutes])
        for source, own in by_source.items():
            self.sources.setdefault(source, Use()).add(own)
