"""Call counts: when the calls of some days began and ended, as the files of those days tell it.

What ``calls_in_flight`` tells of any window, in half the time for who reads many days one by one:
which places there are is asked again only on a day that has a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl
import pyarrow as pa

from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.query import queries
from pipeline.window import MINUTE, Window

COUNTS = "activity"
PLACES = "places"
LISTS = {"seconds": "second", "started": "started", "ended": "ended"}
# Counts are sorted by place where fewer than so many stand together: sorting copies them.
TOGETHER = 64


@dataclass(slots=True)
class CallCounts:
    """The counts of a gateway's calls; ``files`` are those of all days."""

    engine: Engine
    files: Sequence[str]
    gateway: str
    _places: pa.Table | None = field(default=None, init=False)

    def of(self, days: Window) -> pl.DataFrame:
        """The calls that began on days: instance, destination and ending, and lists of seconds, and
        of how many calls began and ended in each.
        """
        first, last = days.start.date(), (days.stop - MINUTE).date()
        own = [each for each in self.files if first <= _day(each) <= last]
        self.engine.attach(COUNTS, datasets()[COUNTS], own)
        bound = {"gateway": self.gateway, "start": days.start, "stop": days.stop}
        if self._places is None:
            self._look_for_places(bound)
        counted = self._counted(bound)
        if counted["place"].null_count:
            self._look_for_places(bound)
            counted = self._counted(bound)
        return _listed(pl.DataFrame(self._places), counted)

    def _look_for_places(self, bound: dict[str, object]) -> None:
        self._places = self.engine.ask(queries()["places_called"], bound)
        self.engine.hold(PLACES, self._places)

    def _counted(self, bound: dict[str, object]) -> pa.Table:
        return self.engine.ask(queries()["calls_by_second"], bound)


def _listed(places: pl.DataFrame, counted: pa.Table) -> pl.DataFrame:
    """Counts as lists, a row wherever counts of one place stand together, as they do in files."""
    if np.count_nonzero(np.diff(counted["place"])) > counted.num_rows // TOGETHER:
        counted = counted.sort_by("place")
    place = counted["place"].to_numpy()
    begins = np.flatnonzero(np.diff(place, prepend=0))
    offsets = pa.array(np.append(begins, len(place)))
    told: pl.DataFrame = places.select("instance", "destination", "ending")[place[begins] - 1]
    return told.with_columns(
        pl.Series(name, pa.LargeListArray.from_arrays(offsets, counted[column].combine_chunks()))
        for name, column in LISTS.items()
    )


def _day(file: str) -> date:
    """The day in a file's path."""
    return date.fromisoformat(file.rpartition("/date=")[2].partition("/")[0])
