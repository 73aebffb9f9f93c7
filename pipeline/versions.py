"""Versions: the state of each table as a report read it, and what became of it since.

So that late rows can be told apart from rows forgotten, and both from code that changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.datasets import datasets
from pipeline.finding import LakeRead, TableRead
from pipeline.lake import Lake
from pipeline.window import Window

DAY = timedelta(days=1)
# Tables that are held beside those of the lake: what they tell was learnt from this one.
TOPOLOGY = frozenset({"destinations", "gateways"})
LEARNT_FROM = "requests"


class Outcome(StrEnum):
    """What became of a figure; the worst comes first."""

    CHANGED = "changed"
    UNCHECKED = "cannot be checked"
    HOLDS = "holds"


@dataclass(frozen=True, slots=True)
class Reason:
    """What became of something, and why it does not hold; of what holds, nothing is to be said."""

    outcome: Outcome
    why: str = ""


def lake_read(lake: Lake, window: Window) -> LakeRead:
    """The lake as it is now, its rows near a window told apart.

    Of a lake that does not outlive the report neither place nor versions say anything later.
    """
    return LakeRead(
        location=lake.named if lake.kept else None,
        tables=[_table(lake, name, window) for name in datasets()],
    )


def _table(lake: Lake, name: str, window: Window) -> TableRead:
    dated = datasets()[name].partition == "date"
    table = lake.table(name)
    if not table:
        return TableRead(dataset=name, version=None, rows=0, rows_near=0 if dated else None)
    actions = pa.table(table.get_add_actions(flatten=True))
    rows = actions["num_records"]
    near = None
    if dated:
        # Ports are held for a while, so that the day before has a part in them.
        first, last = window.start.date() - DAY, window.stop.date()
        near = _sum(rows.filter(_between(actions["partition.date"], first, last)))
    return TableRead(
        dataset=name,
        version=table.version() if lake.kept else None,
        rows=_sum(rows),
        rows_near=near,
    )


def _between(days: pa.ChunkedArray, first: date, last: date) -> pa.ChunkedArray:
    days = days.cast(pa.date32())
    return pc.and_(pc.greater_equal(days, first), pc.less_equal(days, last))


def _sum(counts: pa.ChunkedArray) -> int:
    return int(pc.sum(counts).as_py() or 0)


class Since:
    """What became of the tables since the report read them: why an answer is not as it was."""

    def __init__(self, was: LakeRead | None, now: LakeRead, made_by: str, this: str) -> None:
        self._made_by = made_by
        self._this = this
        self._was = {each.dataset: each for each in was.tables} if was else {}
        self._is = {each.dataset: each for each in now.tables}

    def told(self, tables: frozenset[str]) -> Reason:
        """Why an answer from these tables differs, though the query is the same."""
        if not self._was:
            return Reason(Outcome.CHANGED, "the report does not say how many rows it read")
        read = {LEARNT_FROM if each in TOPOLOGY else each for each in tables}
        pairs = [(self._was[name], self._is[name]) for name in sorted(read & set(self._was))]
        for outcome, tell in (
            (Outcome.UNCHECKED, _forgotten),
            (Outcome.CHANGED, _late),
            (Outcome.CHANGED, _rewritten),
        ):
            if found := [said for was, now in pairs for said in tell(was, now)]:
                return Reason(outcome, "; ".join(found))
        return Reason(
            Outcome.CHANGED,
            "the rows are as many as they were: the report was edited, or the code is another "
            f"(made by {self._made_by}, this is {self._this})",
        )


def _forgotten(was: TableRead, now: TableRead) -> Iterator[str]:
    rows_were, rows_are, where = _rows(was, now)
    if rows_are < rows_were:
        yield f"rows forgotten: {was.dataset} had {rows_were:,}{where}, has {rows_are:,}"


def _late(was: TableRead, now: TableRead) -> Iterator[str]:
    rows_were, rows_are, where = _rows(was, now)
    if rows_are > rows_were:
        yield f"late data: {was.dataset} had {rows_were:,} rows{where}, has {rows_are:,}"
    elif now.rows > was.rows:
        yield (
            f"more data: {was.dataset} had {was.rows:,} rows, has {now.rows:,}, the new ones of "
            "other days"
        )


def _rewritten(was: TableRead, now: TableRead) -> Iterator[str]:
    if None not in (was.version, now.version) and was.version != now.version:
        yield f"{was.dataset} was written since: version {was.version} then, {now.version} now"


def _rows(was: TableRead, now: TableRead) -> tuple[int, int, str]:
    """Rows then and now, near the window where that can be told."""
    if was.rows_near is None or now.rows_near is None:
        return was.rows, now.rows, ""
    return was.rows_near, now.rows_near, " on the days looked at"
