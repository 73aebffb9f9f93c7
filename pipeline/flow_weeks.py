"""Flow weeks: ports to each destination under review as flow logs measured them.

Of busy networks there are too many tuples to read them all: then it is the hours in which gateways
were fullest by their own logs that are read, and only their minutes are covered.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

import polars as pl

from pipeline.ask import ask
from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.lake import Lake
from pipeline.level import Level
from pipeline.limits import Way
from pipeline.measured import Measured
from pipeline.transforms.flow_minutes import (
    borne_out,
    by_source,
    covered,
    estimated,
    fullest,
    worth_reading,
)
from pipeline.transforms.ports import ADDRESS
from pipeline.window import Window

FLOWS = "flows"
DAY = timedelta(days=1)
# About five seconds of processor time.
MOST_TUPLES = 500_000
Key = tuple[str, str, str, str]


def flow_weeks(
    engine: Engine, lake: Lake, ways: Mapping[str, Way], found: Iterable[Level], review: Window
) -> tuple[dict[Key, Measured], str | None]:
    """What flow logs tell of the levels that logs of calls tell of ports, by resource.

    Where they are there and tell nothing, why. A destination that several gateways call is left
    out: whose a flow was, no flow log says.
    """
    files = lake.files_between(FLOWS, "time", review.start - DAY, review.stop + DAY)
    if not files:
        return {}, None
    engine.attach(FLOWS, datasets()[FLOWS], files)
    bound = {"start": review.start, "stop": review.stop}
    told = ask(engine, ["flow_minutes"], bound)["flow_minutes"].frame
    if told.is_empty():
        return {}, None
    timers: dict[tuple[int, int], list[Level]] = {}
    for level in _alone(found):
        way = ways[level.resource.gateway]
        timers.setdefault((int(way.hold_s.value), int(way.idle_s.value)), []).append(level)
    measured: dict[Key, Measured] = {}
    spans: list[Window] = []
    for (hold_s, idle_s), own in sorted(timers.items()):
        fullness = pl.concat([_fullness(each) for each in _by_address(own) or own])
        chosen = worth_reading(told, fullness, review, MOST_TUPLES // len(timers))
        for span in chosen:
            asked = {"start": span.start, "stop": span.stop, "hold_s": hold_s, "idle_s": idle_s}
            flows = ask(engine, ["flow_ports_by_minute"], asked)["flow_ports_by_minute"].frame
            there = covered(told, span)
            for level in own:
                _add(measured, level, flows, there, ways[level.resource.gateway])
        spans += chosen
    kept = {key: each for key, each in measured.items() if each.minutes.height}
    return kept, None if kept else _why_none(bool(timers), bool(spans))


def _why_none(called: bool, read: bool) -> str:
    if not called:
        return (
            "flow logs are not used: whose a flow was they do not say, where several gateways call "
            "the same destinations"
        )
    if not read:
        return (
            f"flow logs are not used: they tell of more than {MOST_TUPLES:,} tuples in the fullest "
            "hour, more than a review reads"
        )
    return (
        "flow logs are not used: they tell of no destination as gateway logs name it, or of fewer "
        "connections than calls were made; ips under [[destination]] name the addresses of a host"
    )


def _alone(found: Iterable[Level]) -> Iterator[Level]:
    """Ports to destinations that one gateway alone calls."""
    calling: dict[str, list[Level]] = {}
    for level in found:
        if level.resource.kind == "ports" and level.minutes:
            calling.setdefault(str(level.resource.destination), []).append(level)
    for levels in calling.values():
        if len(levels) == 1:
            yield levels[0]


def _by_address(levels: Iterable[Level]) -> list[Level]:
    """Those whose address is known: flow logs name no host."""
    return [
        each
        for each in levels
        if ADDRESS.fullmatch(str(each.resource.destination).rpartition(":")[0])
    ]


def _fullness(level: Level) -> pl.DataFrame:
    return level.by_minute().select("minute", share=pl.col("estimate") / level.resource.limit)


def _add(
    measured: dict[Key, Measured],
    level: Level,
    flows: pl.DataFrame,
    there: pl.DataFrame,
    way: Way,
) -> None:
    own = flows.filter(pl.col("destination") == level.resource.destination)
    if own.is_empty() or there.is_empty():
        return
    sources = by_source(own, there)
    most = math.inf if way.guaranteed else level.resource.limit
    minutes = borne_out(fullest(sources, shared=way.shared), level.by_minute())
    kept = {
        source: estimated(rows.join(minutes, on="minute", how="semi"), most)
        for source, rows in ({} if way.shared else sources).items()
    }
    scope = "total" if way.shared else "instance"
    measured.setdefault(level.resource.key, Measured(scope)).add(estimated(minutes, most), kept)
