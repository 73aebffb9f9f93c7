"""The chain of one incident as findings: what made it worse, and why demand for ports rose."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.finding import Span, Trigger
from pipeline.incident_finding import Demand
from pipeline.seen import Seen
from pipeline.transforms.amplifiers import amplifiers as found_amplifiers
from pipeline.transforms.demand import Rise, rise
from pipeline.transforms.slowness import slowness
from pipeline.window import told
from pipeline.wording import factor

FACTORS = {
    "traffic": "operations asked for",
    "retries": "calls an operation, as far as retries were recognised",
    "slowness": "the time a call keeps its port, the hold time after it included",
    "reuse": "connections opened a call",
}


def amplifiers(
    seen: Seen, facts: Mapping[str, Any], mechanism: str, trigger: Trigger, worst: str | None
) -> dict[str, str]:
    """What made the incident worse, each with the sentence that justifies it."""
    return found_amplifiers(
        mechanism,
        trigger,
        worst,
        seen.frame("demand_by_minute"),
        facts["latency"],
        slowness(seen.frame("answers_by_operation"), worst),
        seen.run,
        seen.window,
    )


def demand(seen: Seen, worst: str | None, holds_ports: bool) -> Demand | None:
    """Why demand for ports to the worst destination rose; null where it did not, or none can tell.

    ``holds_ports`` says whether calls to it take any: a private way needs none.
    """
    if not holds_ports:
        return None
    found = rise(
        seen.frame("demand_by_minute"),
        _connections(seen.frame("flow_ports_by_minute"), worst),
        worst,
        seen.run,
        seen.window,
        float(seen.way.hold_s.value),
    )
    return _told(found) if found else None


def _connections(flows: pl.DataFrame, destination: str | None) -> pl.DataFrame:
    """New connections to a destination by minute, from flow logs."""
    own = flows.filter(pl.col("destination") == destination)
    return own.group_by("minute").agg(pl.col("begun").sum().alias("connections"))


def _told(found: Rise) -> Demand:
    shares = found.shares
    factors = {"traffic": found.traffic, "retries": found.retries, "slowness": found.slowness}
    if found.reuse is not None:
        factors["reuse"] = found.reuse
    parts = "; ".join(f"{FACTORS[name]}: {factor(times)}" for name, times in factors.items())
    unknown = (
        "" if found.reuse is not None else " Reuse was not measured, and is taken as unchanged."
    )
    return Demand(
        traffic=round(shares["traffic"], 4),
        slowness=round(shares["slowness"], 4),
        retries=round(shares["retries"], 4),
        lost_reuse=round(shares["lost_reuse"], 4),
        destination=found.destination,
        times=round(found.times, 4),
        usual=Span(start=told(found.usual.start), end=told(found.usual.stop)),
        highest=Span(start=told(found.highest.start), end=told(found.highest.stop)),
        reuse_measured=found.reuse is not None,
        says=f"Demand for ports to {found.destination} rose to {factor(found.times)} its usual "
        f"level ({found.highest.start:%H:%M} to {found.highest.stop:%H:%M} UTC against "
        f"{found.usual.start:%H:%M} to {found.usual.stop:%H:%M}). Its factors: {parts}.{unknown}",
    )
