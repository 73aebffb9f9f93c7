"""Call counts: when the calls of some days began and ended, as the files of those days tell it.

What ``calls_in_flight`` tells of any window, in half the time for who reads many days one by one:
which places there are is asked again only on a day that has one never seen before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.parquet import day_of
from pipeline.query import queries
from pipeline.window import MINUTE, Window

Places = npt.NDArray[np.int64]
COUNTS = "activity"
PLACES = "places"
TOLD_APART = ("instance", "called", "port", "ending")
LISTS = {"seconds": "second", "started": "started", "ended": "ended"}
# Counts are sorted by place where fewer than so many stand together: sorting copies them.
TOGETHER = 64


@dataclass(slots=True)
class CallCounts:
    """The counts of a gateway's calls; ``files`` are those of all days."""

    engine: Engine
    files: Sequence[str]
    gateway: str
    _places: pl.DataFrame = field(default_factory=pl.DataFrame, init=False)

    def of(self, days: Window) -> pl.DataFrame:
        """The calls that began on days: instance, destination and ending, and lists of seconds, and
        of how many calls began and ended in each.
        """
        first, last = days.start.date(), (days.stop - MINUTE).date()
        own = [each for each in self.files if first <= day_of(each) <= last]
        self.engine.attach(COUNTS, datasets()[COUNTS], own)
        bound = {"gateway": self.gateway, "start": days.start, "stop": days.stop}
        if self._places.is_empty():
            self._look_for_places(bound)
        counted = self._counted(bound)
        if counted["place"].null_count:
            self._look_for_places(bound)
            counted = self._counted(bound)
        return _listed(self._places, counted)

    def _look_for_places(self, bound: dict[str, object]) -> None:
        """Adds those of more days to those that are known: most come back."""
        found = pl.DataFrame(self.engine.ask(queries()["places_called"], bound))
        known = pl.concat([self._places, found]) if self._places.width else found
        told_apart = known.unique(TOLD_APART, keep="first", maintain_order=True)
        self._places = told_apart.with_columns(place=pl.int_range(1, pl.len() + 1, dtype=pl.Int32))
        self.engine.hold(PLACES, self._places.to_arrow())

    def _counted(self, bound: dict[str, object]) -> pa.Table:
        return self.engine.ask(queries()["calls_by_second"], bound)


def _listed(places: pl.DataFrame, counted: pa.Table) -> pl.DataFrame:
    """Counts as lists, a row wherever counts of one place stand together, as they do in files."""
    begins, numbers = _runs(counted)
    if len(begins) > counted.num_rows // TOGETHER:
        counted = counted.sort_by("place")
        begins, numbers = _runs(counted)
    offsets = pa.array(np.append(begins, counted.num_rows))
    told: pl.DataFrame = places.select("instance", "destination", "ending")[numbers - 1]
    return told.with_columns(
        pl.Series(name, pa.LargeListArray.from_arrays(offsets, counted[column].combine_chunks()))
        for name, column in LISTS.items()
    )


def _runs(counted: pa.Table) -> tuple[Places, Places]:
    """Where the counts of another place begin, and the number of that place."""
    numbers = counted["place"].to_numpy()
    begins = np.flatnonzero(np.diff(numbers, prepend=0))
    return begins, numbers[begins]
