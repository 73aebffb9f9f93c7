"""Compare: the report's window and another are asked the same, to be laid side by side."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import polars as pl

from pipeline.answer import Answer
from pipeline.ask import ask
from pipeline.comparison import BOUNDS, Side, Sides, comparison
from pipeline.comparison_finding import Comparison
from pipeline.config import Settings
from pipeline.engine import Engine
from pipeline.errors import PipelineError
from pipeline.exhibit import PORTS
from pipeline.limits import Way, reuse_assumed, way_out
from pipeline.transforms import counters
from pipeline.transforms.incidents import Run
from pipeline.transforms.occupancy import ports_by_minute
from pipeline.transforms.ports import bands
from pipeline.transforms.reuse import reuse
from pipeline.window import MINUTE, Window, floor, iso

LONGEST = timedelta(days=31)
DAY = timedelta(days=1)
HELD = pl.Schema(
    [
        ("destination", pl.String()),
        ("minute", pl.Datetime("us")),
        *((each, pl.Float64()) for each in BOUNDS),
        ("limit", pl.Int64()),
    ]
)
OF_A_PERIOD = ("requests_by_minute", "backend_time_by_minute")


@dataclass(frozen=True, slots=True)
class Task:
    """What to compare: two periods of a gateway, and what counts as a failure there."""

    gateway: str
    counted: str
    own: Window
    other: Window

    @property
    def own_side(self) -> Literal["before", "after"]:
        """Which side the report is on."""
        return "before" if self.own.start < self.other.start else "after"

    @property
    def sides(self) -> tuple[Window, Window]:
        """The periods in order of time."""
        first, second = sorted((self.own, self.other), key=lambda each: each.start)
        return first, second


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparison, what it was made from, and what its figure draws."""

    finding: Comparison
    answers: Mapping[str, list[Answer]]
    facts: Mapping[str, object]


def task(run: Run | None, gateway: str, named: Window | None, other: Window) -> Task:
    """What is to be compared: a window that was named, else the incident.

    Raises ``PipelineError`` where there is neither, or the periods cannot be compared.
    """
    if named:
        own = named
    elif run:
        own = Window(floor(run.start), _up(run.last))
    else:
        raise PipelineError(
            "--compare-to: no incident was found to compare with; name the period to compare with "
            "--from and --to"
        )
    own, other = _whole(own), _whole(other)
    for each in (own, other):
        if each.stop - each.start > LONGEST:
            raise PipelineError(
                f"--compare-to: from {iso(each.start)} to {iso(each.stop)} is longer than "
                f"{LONGEST.days} days; name a shorter period"
            )
    if own.start < other.stop and other.start < own.stop:
        raise PipelineError(
            f"--compare-to: {iso(other.start)} to {iso(other.stop)} overlaps with "
            f"{iso(own.start)} to {iso(own.stop)}, which it is to be compared with"
        )
    return Task(gateway, run.counted if run else "failed", own, other)


def _whole(period: Window) -> Window:
    """The whole minutes of a period."""
    return Window(_up(period.start), max(_up(period.start), floor(period.stop)))


def _up(moment: datetime) -> datetime:
    return floor(moment) if moment == floor(moment) else floor(moment) + MINUTE


def compare(engine: Engine, asked: Task, settings: Settings) -> Compared:
    """The two periods side by side."""
    before, after = (_side(engine, period, asked, settings) for period in asked.sides)
    sides = Sides(before[0], after[0])
    finding = comparison(sides, asked.gateway, asked.counted, asked.own_side)
    answers = {name: before[1][name] + after[1][name] for name in before[1]}
    return Compared(finding, answers, {"matched": sides.failing(asked.counted)})


def _side(
    engine: Engine, period: Window, asked: Task, settings: Settings
) -> tuple[Side, Mapping[str, list[Answer]]]:
    """A period, and the answers that it is known by."""
    gateway, stated = asked.gateway, settings.stated(asked.gateway)
    span = {"start": period.start, "stop": period.stop}
    answers = {name: [each] for name, each in ask(engine, OF_A_PERIOD, span).items()}
    held = [pl.DataFrame(schema=HELD)]
    own = {gateway, ((stated and stated.egress_resource_id) or "").lower()}
    addresses = {e.host.lower(): len(e.ips) for e in settings.destination if e.ips}
    # Day by day: what is held at once does not grow with the period.
    for day in _days(period):
        way = way_out(gateway, stated, day.start)
        parameters = {
            "gateway": gateway,
            "start": day.start,
            "stop": day.stop,
            "hold_s": int(way.holds.after_fin.value),
            "idle_s": int(way.idle_s.value),
        }
        told_of_ports = ask(engine, PORTS, parameters)
        for name, answer in told_of_ports.items():
            answers.setdefault(name, []).append(answer)
        frames = {name: answer.frame for name, answer in told_of_ports.items()}
        held += _bands(frames, gateway, day, way, own, addresses)
    (requests,), (latency,) = (
        [each.frame.filter(pl.col("gateway") == gateway) for each in answers[name]]
        for name in OF_A_PERIOD
    )
    return Side(period, requests, latency.filter(pl.col("succeeded")), pl.concat(held)), answers


def _days(period: Window) -> Iterator[Window]:
    start = period.start
    while start < period.stop:
        stop = min(period.stop, start.replace(hour=0, minute=0) + DAY)
        yield Window(start, stop)
        start = stop


def _bands(
    frames: Mapping[str, pl.DataFrame],
    gateway: str,
    day: Window,
    way: Way,
    own: set[str],
    addresses: Mapping[str, int],
) -> Iterator[pl.DataFrame]:
    """Ports by minute of a day to each destination, bounded as those of an incident are."""
    all_day = _all(gateway, day)
    calls = frames["calls_by_minute"].filter(pl.col("gateway") == gateway)
    flows = frames["flow_ports_by_minute"]
    counted = frames["port_counters_by_minute"].filter(pl.col("resource_id").is_in(own))
    opened = counters.new_connections(counted)
    reused = reuse(calls, flows, opened, all_day, float(reuse_assumed().value))
    by_minute = ports_by_minute(frames["calls_in_flight"], day, way.holds)
    for band in bands(by_minute, flows, all_day, day, way, reused, addresses):
        yield band.minutes.select(
            pl.lit(band.destination).alias("destination"),
            "minute",
            *BOUNDS,
            pl.lit(band.limit).alias("limit"),
        ).cast(HELD)


def _all(gateway: str, day: Window) -> Run:
    """The whole day, where ports are looked at around an incident."""
    last = day.stop - MINUTE
    return Run(gateway, "failed", day.start, last, last, 0, 0, 0.0, 0.0, 0.0, day.start, 0.0)
