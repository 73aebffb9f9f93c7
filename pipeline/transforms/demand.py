"""Why port demand rose: traffic, slowness, retries and lost reuse, in parts that add up.

By Little's law, the ports that calls want are their arrivals, times the share of them that opens a
connection, times the time that each keeps its port: that of the answer and the hold time after it.
The logarithm of how many times that rose is the sum of the logarithms of its factors, and each
factor's part of the sum is its share in the rise.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from pipeline.transforms.incidents import Run
from pipeline.transforms.latency import LEAST_CALLS, baseline
from pipeline.window import MINUTE, Window, floor

# Below this, demand did not rise by more than it does from hour to hour.
LEAST_RISE = 1.2
# Flow logs have no row of minutes in which nothing began.
SLACK = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class Rise:
    """How demand for ports to a destination rose from its usual time to its highest.

    ``times`` is demand then over demand usually, the other numbers its factors, whose product it
    is. ``reuse`` is null where nothing measured tells of it; it is then taken as unchanged.
    """

    destination: str
    usual: Window
    highest: Window
    times: float
    traffic: float
    slowness: float
    retries: float
    reuse: float | None

    @property
    def shares(self) -> dict[str, float]:
        """Each factor's part of the rise; they add up to 1, and one that fell is negative."""
        factors = {
            "traffic": self.traffic,
            "slowness": self.slowness,
            "retries": self.retries,
            "lost_reuse": self.reuse or 1.0,
        }
        return {name: math.log(each) / math.log(self.times) for name, each in factors.items()}


def rise(
    demand_by_minute: pl.DataFrame,
    connections: pl.DataFrame,
    destination: str | None,
    run: Run,
    window: Window,
    hold_s: float,
) -> Rise | None:
    """The rise of demand towards a destination; null where none can be told, or none was.

    ``connections`` holds minute and connections, new ones to the destination as they were measured.
    """
    usual = baseline(run, window)
    if destination is None or usual is None:
        return None
    calls = demand_by_minute.filter(pl.col("destination") == destination)
    if not _cover(connections, usual, run):
        connections = connections.clear()
    highest = _highest(calls, connections, run, hold_s)
    before, during = (_level(calls, connections, each) for each in (usual, highest))
    if before is None or during is None:
        return None
    reuse = during.opened / before.opened if before.opened and during.opened else None
    answer_s = [each.answer_s for each in (before, during)]
    kept = [hold_s + (each if all(answer_s) and each else 0.0) for each in answer_s]
    factors = {
        "traffic": during.operations / before.operations,
        "retries": (during.calls / during.operations) / (before.calls / before.operations),
        "slowness": kept[1] / kept[0],
        "reuse": reuse,
    }
    times = math.prod(each for each in factors.values() if each is not None)
    return Rise(destination, usual, highest, times, **factors) if times >= LEAST_RISE else None  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _Level:
    """Means of a period: per minute, but for ``answer_s`` and ``opened`` (connections a call)."""

    calls: float
    operations: float
    answer_s: float | None
    opened: float | None


def _level(calls: pl.DataFrame, connections: pl.DataFrame, window: Window) -> _Level | None:
    within = pl.col("minute").is_between(window.start, window.stop, closed="left")
    told = calls.filter(within)
    total, repeats, answered, answered_ms = (
        float(told[name].sum()) for name in ("calls", "repeats", "answered", "answered_ms")
    )
    if total < LEAST_CALLS:
        return None
    minutes = (window.stop - window.start) / MINUTE
    opened = float(connections.filter(within)["connections"].sum())
    return _Level(
        calls=total / minutes,
        operations=(total - repeats) / minutes,
        answer_s=answered_ms / answered / 1000 if answered >= LEAST_CALLS else None,
        opened=opened / total if opened else None,
    )


def _cover(connections: pl.DataFrame, usual: Window, run: Run) -> bool:
    """Whether new connections are told from the usual time to the end of the run."""
    if connections.is_empty():
        return False
    first, last = connections["minute"].min(), connections["minute"].max()
    return bool(first <= usual.start + SLACK and last >= run.last - SLACK)  # type: ignore[operator]


def _highest(calls: pl.DataFrame, connections: pl.DataFrame, run: Run, hold_s: float) -> Window:
    """The hold time with most port time asked for: what began in it holds ports at its end."""
    length = max(1, math.ceil(hold_s / 60))
    begun = connections if connections.height else calls.rename({"calls": "connections"})
    asked: dict[datetime, float] = defaultdict(float)
    for minute, count in begun.select("minute", "connections").iter_rows():
        asked[minute] += count * hold_s
    for minute, answered_ms in calls.select("minute", "answered_ms").iter_rows():
        asked[minute] += answered_ms / 1000
    first = floor(run.start - timedelta(seconds=hold_s))
    begins = [first + step * MINUTE for step in range((floor(run.last) - first) // MINUTE + 1)]
    most = max(
        begins, key=lambda begin: sum(asked[begin + step * MINUTE] for step in range(length))
    )
    return Window(most, most + length * MINUTE)
