"""Port bounds against the true occupancy of simulated gateways, second by second.

``python -m tests.port_coverage --seeds 1 2 3`` lands the logs of every scenario and holds what the
product makes of them against the leases that the simulation kept. Of a second, the lower bound and
the estimate are held against the ports held at its start, the upper bound against the most held at
any moment of it. Only seconds count in which a port was held or the upper bound is above none.

Nothing is tuned: where the truth lies outside, the table says so, and how much of it is due to
calls that no record tells of.
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.ask import ask, tell_topology
from pipeline.config import Settings, settings
from pipeline.datasets import datasets
from pipeline.engines.duckdb import DuckDB
from pipeline.lake import Lake
from pipeline.land import land
from pipeline.limits import Way, reuse_assumed, way_out
from pipeline.storage import SETTINGS_NAME
from pipeline.transforms import incidents
from pipeline.transforms.occupancy import ports_by_minute
from pipeline.transforms.ports import bands
from pipeline.transforms.reuse import Reuse
from pipeline.window import Window, floor, to_the_ms
from tests.simulation import topology
from tests.simulation.arrivals import Rate
from tests.simulation.azure_logs import RESOURCE_ID
from tests.simulation.connection import needs_port
from tests.simulation.delivery import BATCH_S, deliver
from tests.simulation.dirt import soil
from tests.simulation.exchange import Outcome
from tests.simulation.gateway_errors import FORWARD_REQUEST
from tests.simulation.occupancy import per_second
from tests.simulation.ports import Lease
from tests.simulation.run import Run, run
from tests.simulation.sample import write
from tests.simulation.scenario import HOUR_S, START, Scenario, draw, scenario_names

Floats = NDArray[np.float64]
GATEWAY = RESOURCE_ID.lower()
# The product's times are UTC without a zone.
EPOCH = START.replace(tzinfo=None)
SECOND = timedelta(seconds=1)
MINUTE_S = 60
SIDE_CALLED = "payments-auth"


# --- what is simulated, and what of it is logged ---


def every_one(actual: Run, _: np.random.Generator) -> Iterable[Outcome]:
    """Every request."""
    return actual.outcomes


def half(actual: Run, rng: np.random.Generator) -> Iterable[Outcome]:
    """Half of the requests, drawn by lot."""
    return (each for each in actual.outcomes if rng.random() < 0.5)


def four_fifths_of_batches(actual: Run, rng: np.random.Generator) -> Iterator[Outcome]:
    """A batch is what ended on a unit within a minute."""
    arrives: dict[tuple[int, int], bool] = {}
    for each in actual.outcomes:
        batch = (int(each.ended // BATCH_S), each.unit)
        if batch not in arrives:
            arrives[batch] = bool(rng.random() < 0.8)
        if arrives[batch]:
            yield each


def all_but_side_calls(actual: Run, _: np.random.Generator) -> Iterable[Outcome]:
    """As if policies called one of the hosts, which leaves no record of its own."""
    return (
        each for each in actual.outcomes if each.call.api is None or each.call.api.id != SIDE_CALLED
    )


def after_an_hour(actual: Run, _: np.random.Generator) -> Iterable[Outcome]:
    """The export begins in the midst of traffic."""
    return (each for each in actual.outcomes if each.started >= HOUR_S)


def after_slow_policies(actual: Run, _: np.random.Generator) -> Iterable[Outcome]:
    """As if each request had come five seconds sooner, and policies had held it up."""
    return (replace(each, started=max(0.0, each.started - 5.0)) for each in actual.outcomes)


World = Callable[[Scenario], Scenario]


def as_drawn(scenario: Scenario) -> Scenario:
    """The scenario itself."""
    return scenario


def pooled_for(seconds: float) -> World:
    """The scenario with connections that are kept for so long after their last call."""

    def changed(scenario: Scenario) -> Scenario:
        return replace(scenario, world=replace(scenario.world, pool_idle_s=seconds))

    return changed


def little_traffic(scenario: Scenario) -> Scenario:
    """An eighth of the traffic and of the ports: as long a story, and as tight."""
    units = tuple(replace(unit, ports=unit.ports // 8) for unit in scenario.world.units)
    return replace(
        scenario,
        world=replace(scenario.world, units=units),
        background=_thinner(scenario.background),
        surges=tuple(replace(each, rate=_thinner(each.rate)) for each in scenario.surges),
    )


def _thinner(rate: Rate) -> Rate:
    return Rate(tuple((time, height / 8) for time, height in rate.points))


def then_silence(scenario: Scenario) -> Scenario:
    """Half an hour of the usual traffic, then next to none for another half."""
    usual, trickle, stops = scenario.background.points[0][1], 0.02, HOUR_S / 2
    points = ((0.0, usual), (stops, usual), (stops + 10.0, trickle), (HOUR_S, trickle))
    return replace(scenario, background=Rate(points), surges=())


@dataclass(frozen=True, slots=True)
class Variation:
    """A scenario with one thing changed: in the world, in what is logged, in what is stated.

    ``stated`` is a text of the settings and what stands in its place.
    """

    about: str
    world: World = as_drawn
    logged: Callable[[Run, np.random.Generator], Iterable[Outcome]] = every_one
    stated: tuple[str, str] = ("", "")


AS_SIMULATED = Variation("as simulated")
SAMPLED = ("sampling    = 1.0", "sampling    = 0.5")
NAT = ("load_balancer", "nat_gateway")
NOT_POOLED = pooled_for(0.0)
VARIED = "snat_burst"
VARIATIONS = {
    "no keep-alive": Variation("connections are closed after each call", NOT_POOLED),
    "no keep-alive, slow policies": Variation(
        "the same, and a request waits 5 s before it is forwarded", NOT_POOLED, after_slow_policies
    ),
    "long keep-alive": Variation("idle connections are kept for 230 s", pooled_for(230.0)),
    "little traffic": Variation("an eighth of the traffic and of the ports", little_traffic),
    "then silence": Variation("no surge; after half an hour, traffic stops", then_silence),
    "sampled, stated": Variation("half of the requests are logged", logged=half, stated=SAMPLED),
    "sampled, not stated": Variation("the same, and settings say that all are", logged=half),
    "batches lost": Variation("a fifth of the batches is lost", logged=four_fifths_of_batches),
    "side calls": Variation(f"calls to {SIDE_CALLED} are not logged", logged=all_but_side_calls),
    "export begins late": Variation("the first hour is missing", logged=after_an_hour),
    "wrong way out": Variation("settings say NAT gateway: 65 s of hold, one pool", stated=NAT),
}


# --- the truth ---


@dataclass(frozen=True, slots=True)
class Truth:
    """Ports held to a destination, by second: at its start, and the most at any moment of it.

    ``unit_*`` is of the unit that holds most then, ``all_*`` of all units together.
    """

    unit_at: Floats
    unit_most: Floats
    all_at: Floats
    all_most: Floats


def truths(leases: Iterable[Lease], first: int, seconds: int) -> dict[str, Truth]:
    """By ip:port, for so many seconds from a second on since the start."""
    owned: dict[str, dict[int, list[Lease]]] = {}
    for lease in leases:
        owned.setdefault(str(lease.endpoint), {}).setdefault(lease.unit, []).append(lease)
    stop = first + seconds
    told = {}
    for destination, by_unit in owned.items():
        units = [_held(own, stop) for own in by_unit.values()]
        all_at, all_most = _held([each for own in by_unit.values() for each in own], stop)
        told[destination] = Truth(
            unit_at=np.max([at for at, _ in units], axis=0)[first:],
            unit_most=np.max([most for _, most in units], axis=0)[first:],
            all_at=all_at[first:],
            all_most=all_most[first:],
        )
    return told


def _held(leases: Sequence[Lease], seconds: int) -> tuple[Floats, Floats]:
    """Ports held at the start of each second, and the most at any moment of it."""
    at = np.sum([*per_second(leases, seconds).values()], axis=0).astype(np.float64)
    times = np.array([lease.taken for lease in leases] + [lease.freed for lease in leases])
    steps = np.repeat([1.0, -1.0], len(leases))
    # A port that comes free makes room before the next is taken.
    order = np.lexsort((steps, times))
    levels = np.cumsum(steps[order])
    within = times[order] < seconds
    most = at.copy()
    np.maximum.at(most, times[order][within].astype(np.int64), levels[within])
    return at, most


# --- what the product says ---


@dataclass(frozen=True, slots=True)
class Levels:
    """Calls to a destination, by second: in flight and surely connected; holding a port at most."""

    connected: Floats
    held: Floats


@dataclass(frozen=True, slots=True)
class Said:
    """What the product says of a landed scenario, by destination.

    ``levels`` are made here of the counts in the lake, by second of the window; ``kept`` are those
    of connections that are kept open for a while after each call. ``peaks`` are the product's
    own, ``bands`` its own bands, both by minute.
    """

    window: Window
    way: Way
    levels: dict[str, Levels]
    kept: dict[str, Levels]
    peaks: dict[str, pl.DataFrame]
    bands: dict[str, pl.DataFrame]

    @property
    def pools(self) -> int:
        """Pools of ports that calls are spread over."""
        return 1 if self.way.shared else self.way.units

    @property
    def first(self) -> int:
        """The second that the window opens in, since the start."""
        return (_opens(self.window) - EPOCH) // SECOND

    @property
    def seconds(self) -> int:
        """Seconds of the window, the one that it opens in included."""
        return _seconds(self.window)


def said(export: Path, lake: Lake, kept_s: int) -> Said:
    """Lands an export, and asks as the product does for the whole window of its data.

    ``kept_s`` is how long the simulated gateway keeps idle connections, which the product is not
    told.
    """
    landing = land([str(export)], lake)
    assert landing.complete, landing.unreadable
    stated = settings(export / SETTINGS_NAME)
    engine = DuckDB()
    for name in ("requests", "activity"):
        engine.attach(name, datasets()[name], lake.files(name))
    assert not tell_topology(engine, stated), "the address of every host is stated"
    extent = ask(engine, ["extent"], {})["extent"].frame
    begins, ends = _moment(extent["first_start"].min()), _moment(extent["last_start"].max())
    window = to_the_ms(Window(begins, ends + timedelta(microseconds=1)))
    way = way_out(GATEWAY, stated.stated(GATEWAY), window.start)
    asked = {
        "gateway": GATEWAY,
        "start": window.start,
        "stop": window.stop,
        "hold_s": int(way.hold_s.value),
    }
    counted = ask(engine, ["calls_in_flight"], asked)["calls_in_flight"].frame
    peaks = ports_by_minute(counted, window, way.holds)
    assert peaks["instance"].null_count() == peaks.height, "these logs tell no instance"
    reuse = Reuse(float(reuse_assumed().value), "assumed", measured=False)
    activity = pl.read_parquet(lake.files("activity"), hive_partitioning=False)
    drawn = bands(peaks, pl.DataFrame(), _all_of(window), window, way, reuse, {})
    return Said(
        window=window,
        way=way,
        levels=levels(activity, stated, way, window),
        kept=levels(activity, stated, way, window, kept_s),
        peaks={str(key): rows for (key,), rows in peaks.group_by(["destination"])},
        bands={band.destination: band.minutes for band in drawn},
    )


def _moment(value: object) -> datetime:
    assert isinstance(value, datetime)
    return value.replace(tzinfo=None)


def _opens(window: Window) -> datetime:
    return window.start.replace(microsecond=0)


def _seconds(window: Window) -> int:
    return -((_opens(window) - window.stop) // SECOND)


def _all_of(window: Window) -> incidents.Run:
    """The window as a run of bad minutes: bands are drawn around one."""
    return incidents.Run(
        gateway=GATEWAY,
        counted="failed",
        start=window.start,
        last=window.stop,
        end=window.stop,
        bad_minutes=0,
        longest_bad_run=0,
        failures=0.0,
        usual_rate=0.0,
        spread=0.0,
        worst_minute=floor(window.start),
        worst_rate=0.0,
    )


def levels(
    activity: pl.DataFrame, stated: Settings, way: Way, window: Window, kept_s: int = 0
) -> dict[str, Levels]:
    """Levels by second of the window, from nothing but the counts of calls begun and over.

    A call is connected from the second after the one that it began in until it is over, if it was
    answered; it holds a port from the second that it began in until the hold of its ending is over.
    With ``kept_s`` that hold begins so many seconds after the call: the product knows of none.
    """
    [gateway] = stated.gateway
    weight = 1 / (gateway.sampling or 1)
    known = {name: each for each in stated.destination for name in (each.host, *each.ips)}
    after_fin = int(way.holds.after_fin.value)
    after_rst = int(way.holds.after_rst.value)
    half_open = int(way.holds.half_open.value)
    hold_after = {"reset": after_rst, "refused": after_rst, "unanswered": half_open}
    found: dict[str, Levels] = {}
    for row in activity.iter_rows(named=True):
        destination = known[row["called"]]
        if destination.path != "public":
            continue
        # The data begins with the window: there is no place before the first.
        place = (_moment(row["time"]) - _opens(window)) // SECOND
        steps = found.setdefault(
            f"{destination.ips[0]}:{row['port']}",
            Levels(np.zeros(_seconds(window)), np.zeros(_seconds(window))),
        )
        started, ended = row["started"] * weight, row["ended"] * weight
        _step(steps.held, place, started)
        _step(steps.held, place + kept_s + hold_after.get(row["ending"], after_fin), -ended)
        if row["ending"] == "answered":
            _step(steps.connected, place + 1, started)
            _step(steps.connected, place, -ended)
    return {
        destination: Levels(np.cumsum(steps.connected), np.cumsum(steps.held))
        for destination, steps in found.items()
    }


def _step(steps: Floats, place: int, by: float) -> None:
    assert place >= 0
    if place < len(steps):
        steps[place] += by


def minutes(told: Said) -> Iterator[tuple[datetime, slice]]:
    """The minutes of the window, with the places of their seconds."""
    place = 0
    while place < told.seconds:
        second = _opens(told.window) + place * SECOND
        upto = min(place + MINUTE_S - second.second, told.seconds)
        yield floor(second), slice(place, upto)
        place = upto


def assert_peaks_agree(told: Said) -> None:
    """Minute peaks of the levels by second are those of the product."""
    assert set(told.levels) == set(told.peaks) == set(told.bands)
    for destination, own in told.levels.items():
        peaks = told.peaks[destination].sort("minute")
        for row, (minute, seconds) in zip(peaks.iter_rows(named=True), minutes(told), strict=True):
            here = (own.connected[seconds].max(), own.held[seconds].max())
            there = (row["connected_peak"], row["held_peak"])
            assert row["minute"] == minute, destination
            assert np.allclose(here, there, rtol=0, atol=1e-6), (destination, minute, here, there)


# --- what no record tells ---


def goes_out(outcome: Outcome) -> bool:
    """Whether a request was forwarded on a way that takes a port."""
    api = outcome.call.api
    if api is None or api.destination is None or not needs_port(api.destination):
        return False
    failed_there = outcome.error is not None and outcome.error.source == FORWARD_REQUEST
    return outcome.backend_called or failed_there


def destination_of(outcome: Outcome) -> str:
    """Where a request that goes out is sent to."""
    api = outcome.call.api
    assert api is not None
    assert api.destination is not None
    return str(api.destination.endpoint)


def names_destination(outcome: Outcome) -> bool:
    """Whether the record of a request tells where it went: in its URL, or in the error's text."""
    said_so = outcome.error is not None and destination_of(outcome) in outcome.error.message
    return outcome.backend_called or said_so


def untold_calls(actual: Run, logged: Run, lost: frozenset[str]) -> list[Outcome]:
    """Calls that went out, of which no record that can be read tells where to."""
    read = {each.correlation_id for each in logged.outcomes} - lost
    return [
        each
        for each in actual.outcomes
        if goes_out(each) and not (each.correlation_id in read and names_destination(each))
    ]


def held_by(calls: Iterable[Outcome], told: Said, kept_s: int = 0) -> dict[str, Floats]:
    """What the upper bound of each second would be for calls, by destination."""
    hold = int(told.way.holds.after_fin.value) + kept_s
    steps: dict[str, Floats] = {}
    for call in calls:
        own = steps.setdefault(destination_of(call), np.zeros(told.seconds))
        _step(own, max(0, math.floor(call.started) - told.first), 1.0)
        _step(own, max(0, math.ceil(call.ended) + hold - told.first), -1.0)
    return {destination: np.cumsum(own) for destination, own in steps.items()}


# --- the two held against each other ---


@dataclass(frozen=True, slots=True)
class Held:
    """Truth and bounds in ports, place by place; a place is a second or a minute of a destination.

    ``at`` is what the lower bound and the estimate are held against, ``most`` what the upper one
    is: both of the unit that holds most then. ``all_*`` is the same of all units together.
    The upper bound would have ``untold`` more, had all calls been told, and ``unknown`` more, had
    it been known as well how long idle connections are kept.
    """

    at: Floats
    most: Floats
    lower: Floats
    upper: Floats
    estimate: Floats
    all_at: Floats
    all_most: Floats
    all_lower: Floats
    untold: Floats
    unknown: Floats

    @property
    def below(self) -> Floats:
        """Ports by which the truth of the unluckiest unit is below the lower bound."""
        return np.maximum(self.lower - self.at, 0)

    @property
    def above(self) -> Floats:
        """Ports by which the truth of the unluckiest unit is above the upper bound."""
        return np.maximum(self.most - self.upper, 0)

    @property
    def all_below(self) -> Floats:
        """Ports by which the truth of all units is below the lower bound of all."""
        return np.maximum(self.all_lower - self.all_at, 0)

    @property
    def all_above(self) -> Floats:
        """Ports by which the truth of all units is above the upper bound."""
        return np.maximum(self.all_most - self.upper, 0)

    @property
    def within(self) -> float:
        """The share of places at which the truth of the unluckiest unit is between the bounds."""
        return float(np.mean((self.below == 0) & (self.above == 0)))

    @property
    def all_within(self) -> float:
        """The share of places at which the truth of all units is between the bounds."""
        return float(np.mean((self.all_below == 0) & (self.all_above == 0)))

    @property
    def all_within_told(self) -> float:
        """The same, had all calls been told."""
        return float(np.mean((self.all_below == 0) & (self.all_above <= self.untold)))

    @property
    def all_within_known(self) -> float:
        """The same, had it been known as well how long idle connections are kept."""
        return float(np.mean((self.all_below == 0) & (self.all_above <= self.unknown)))


def each_of(held: Held, chosen: Callable[[Floats], Floats]) -> Held:
    """The same of each column."""
    return Held(*(chosen(getattr(held, column.name)) for column in fields(Held)))


def together(parts: Sequence[Held]) -> Held:
    """The places of all."""
    columns = [[getattr(part, column.name) for part in parts] for column in fields(Held)]
    return Held(*map(np.concatenate, columns))


def with_ports(held: Held) -> Held:
    """The places at which a port was held, or the upper bound is above none."""
    some = (held.all_most > 0) | (held.upper > 0)
    return each_of(held, lambda column: column[some])


def up(ports: Floats) -> Floats:
    """Rounded up as the product rounds, without what adding up leaves behind the sixth digit."""
    return np.ceil(np.round(ports, 6))


def by_second(
    told: Said, truth: Mapping[str, Truth], missing: Sequence[Outcome], kept_s: int
) -> dict[str, Held]:
    """Bounds of each second against the truth."""
    untold, untold_kept = held_by(missing, told), held_by(missing, told, kept_s)
    none = np.zeros(told.seconds)
    opened = 1 - float(reuse_assumed().value)
    most = math.inf if told.way.guaranteed else float(told.way.ports.value)
    found = {}
    for destination, own in told.levels.items():
        true = truth[destination]
        even = own.connected / told.pools
        found[destination] = with_ports(
            Held(
                at=true.unit_at,
                most=true.unit_most,
                lower=up(even),
                upper=up(own.held),
                estimate=np.maximum(even, np.minimum(opened * own.held / told.pools, most)),
                all_at=true.all_at,
                all_most=true.all_most,
                all_lower=up(own.connected),
                untold=untold.get(destination, none),
                unknown=(
                    told.kept[destination].held - own.held + untold_kept.get(destination, none)
                ),
            )
        )
    return found


def by_minute(told: Said, truth: Mapping[str, Truth]) -> dict[str, Held]:
    """The product's own bands against the truth: peak of the minute against peak of the minute."""
    places = [seconds for _, seconds in minutes(told)]

    def peaks(of_seconds: Floats) -> Floats:
        return np.array([of_seconds[each].max() for each in places])

    found = {}
    for destination, band in told.bands.items():
        true = truth[destination]
        lower = band["lower"].to_numpy()
        found[destination] = with_ports(
            Held(
                at=peaks(true.unit_at),
                most=peaks(true.unit_most),
                lower=up(lower),
                upper=up(band["upper"].to_numpy()),
                estimate=band["estimate"].to_numpy(),
                all_at=peaks(true.all_at),
                all_most=peaks(true.all_most),
                all_lower=up(lower * told.pools),
                untold=np.zeros(len(places)),
                unknown=np.zeros(len(places)),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Compared:
    """A landed scenario, by destination. Of ``calls`` that went out, ``untold`` are not told of."""

    seconds: dict[str, Held]
    minutes: dict[str, Held]
    calls: int
    untold: int


def compared(
    actual: Run, rng: np.random.Generator, variation: Variation = AS_SIMULATED
) -> Compared:
    """What is logged of a run, landed and held against its truth; ``rng`` is as the run left it."""
    rng = deepcopy(rng)
    logged = replace(actual, outcomes=tuple(variation.logged(actual, rng)))
    blobs, dirt = soil(deliver(logged, START, rng), rng)
    text = topology.settings(actual.scenario.world)
    assert variation.stated[0] in text
    # A second more: a record tells how long the call took, not that it began some ms later.
    kept_s = math.ceil(actual.scenario.world.pool_idle_s) + 1
    with tempfile.TemporaryDirectory(prefix="port-coverage-") as folder:
        export = Path(folder) / "export"
        write({**blobs, SETTINGS_NAME: text.replace(*variation.stated).encode()}, export)
        told = said(export, Lake(Path(folder) / "lake"), kept_s)
    assert_peaks_agree(told)
    truth = truths(actual.leases, told.first, told.seconds)
    # Where sampling is stated, what is logged is weighed, and speaks for what is not.
    spoken_of = logged if variation.stated == SAMPLED else actual
    missing = untold_calls(spoken_of, logged, dirt.lost)
    return Compared(
        by_second(told, truth, missing, kept_s),
        by_minute(told, truth),
        sum(map(goes_out, spoken_of.outcomes)),
        len(missing),
    )


def each_compared(
    name: str, seed: int, variations: Mapping[str, Variation]
) -> Iterator[tuple[str, Compared]]:
    """A scenario in each of the variations, by their names; those of one world share its run."""
    runs: dict[World, tuple[Run, np.random.Generator]] = {}
    for called, variation in variations.items():
        if variation.world not in runs:
            rng = np.random.default_rng(seed)
            runs[variation.world] = run(variation.world(draw(name, rng)), rng), rng
        yield called, compared(*runs[variation.world], variation)


# --- told ---

Parts = Sequence[Compared]


def row_of_seconds(parts: Parts) -> dict[str, str]:
    """How often the truth of a second is within the bounds."""
    every = together([held for part in parts for held in part.seconds.values()])
    of_one = {
        destination: together([part.seconds[destination] for part in parts]).all_within
        for destination in parts[0].seconds
    }
    least = min(of_one, key=lambda destination: of_one[destination])
    missing, calls = sum(part.untold for part in parts), sum(part.calls for part in parts)
    return {
        "destination-seconds": f"{len(every.at):,}",
        "calls untold": f"{missing:,} of {calls:,}",
        "one unit: within": percent(every.within),
        "one unit: below": times(every.below),
        "one unit: above": times(every.above),
        "all units: within": percent(every.all_within),
        "all units: below": times(every.all_below),
        "all units: above": times(every.all_above),
        "all units, least of a destination": (
            "the same of each"
            if min(of_one.values()) == max(of_one.values())
            else f"{percent(of_one[least])} ({least})"
        ),
        "all units, had all been told": percent(every.all_within_told),
        "and idle time": percent(every.all_within_known),
    }


def row_of_minutes(parts: Parts) -> dict[str, str]:
    """The same of the product's own bands, by minute; and of the peak of each destination."""
    each = [held for part in parts for held in part.minutes.values()]
    every = together(each)
    peaks = together([each_of(held, lambda column: column.max(keepdims=True)) for held in each])
    return {
        "destination-minutes": f"{len(every.at):,}",
        "one unit: within": percent(every.within),
        "all units: within": percent(every.all_within),
        "peaks": f"{len(peaks.at)}",
        "peaks, one unit: within": percent(peaks.within),
        "peaks, all units: within": percent(peaks.all_within),
    }


def row_of_widths(parts: Parts) -> dict[str, str]:
    """How wide the band of a second is, and how far off the estimate: median, 95th percentile."""
    every = together([held for part in parts for held in part.seconds.values()])
    some, held, all_held = every.lower > 0, every.at > 0, every.all_at > 0
    guessed = every.estimate[held] / every.at[held]
    return {
        "seconds with lower > 0": percent(float(np.mean(some))),
        "upper / lower, there": middle_and_most(every.upper[some] / every.lower[some], 0),
        "upper less truth, one unit": middle_and_most(every.upper - every.at, 0),
        "upper / truth, all units": middle_and_most(
            every.upper[all_held] / every.all_at[all_held], 2
        ),
        "estimate off by": f"{np.median(np.abs(guessed - 1)):.0%}",
        "estimate / truth": f"{np.median(guessed):.2f}",
    }


def percent(share: float) -> str:
    """Rounded down, so that only all is 100 %."""
    return f"{math.floor(round(share * 10_000, 6)) / 100:.2f} %"


def times(by: Floats) -> str:
    """How often, and by how much at most."""
    return f"{np.count_nonzero(by):,} (≤ {by.max():,.0f})" if by.any() else "0"


def middle_and_most(values: Floats, digits: int) -> str:
    """Median and 95th percentile."""
    middle, most = np.quantile(values, [0.5, 0.95])
    return f"{middle:,.{digits}f}, {most:,.{digits}f}"


def tables(found: Mapping[str, Parts]) -> str:
    """Tables in Markdown, one row a scenario: seconds, minutes, widths."""
    return "\n\n".join(
        table({name: row(parts) for name, parts in found.items()})
        for row in (row_of_seconds, row_of_minutes, row_of_widths)
    )


def table(rows: Mapping[str, Mapping[str, str]]) -> str:
    """A table in Markdown, names to the left."""
    names = list(next(iter(rows.values())))
    lines = [
        ["scenario", *names],
        ["---", *("---:" for _ in names)],
        *([scenario, *row.values()] for scenario, row in rows.items()),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """The run."""
    parser = argparse.ArgumentParser(description=__doc__)
    every = scenario_names()
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--scenarios", nargs="+", choices=every, default=every)
    parser.add_argument(
        "--variations",
        nargs="*",
        choices=[*VARIATIONS],
        default=[*VARIATIONS],
        help=f"what to change of {VARIED}, if that is among the scenarios; all by default",
    )
    asked = parser.parse_args()
    plain: dict[str, list[Compared]] = {}
    varied: dict[str, list[Compared]] = {}
    for name in asked.scenarios:
        changes = {each: VARIATIONS[each] for each in asked.variations} if name == VARIED else {}
        for seed in asked.seeds:
            for called, one in each_compared(name, seed, {name: AS_SIMULATED, **changes}):
                (varied if called in changes else plain).setdefault(called, []).append(one)
                print(f"{name}, seed {seed}: {called}", file=sys.stderr, flush=True)
    print(tables(plain))
    if varied:
        print(f"\n{VARIED}, with one thing changed:\n")
        print("\n".join(f"- {called}: {VARIATIONS[called].about}" for called in varied))
        print(f"\n{tables(varied)}")


if __name__ == "__main__":
    main()
