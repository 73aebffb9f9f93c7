"""Offenders: destinations, APIs and callers that ask for most of the ports, and how often they did.

What somebody asks for is told by Little's law: each call holds a port for as long as it takes and
for the hold time after it.
"""

from dataclasses import dataclass

import polars as pl

# From this share on somebody stands out; so many of each kind are told.
STANDS_OUT = 0.2
MOST = 3
WEEKS = 12


@dataclass(frozen=True, slots=True)
class Offender:
    """Somebody who stands out, and in how many of the last weeks, this one included."""

    kind: str
    name: str
    share: float
    weeks_seen: int
    weeks_known: int


def offenders(
    demand_by_week: pl.DataFrame, destination: str, hold_s: float, weeks: int
) -> list[Offender]:
    """Who stands out at a destination in the last ``weeks``, of one gateway's demand by week.

    The destination itself is held against the whole gateway, an API or caller against the
    destination.
    """
    asked = demand_by_week.with_columns(
        demand=pl.col("calls") * hold_s + pl.col("busy_ms") / 1000,
        recent=pl.col("week") < weeks,
    )
    whole = asked.filter(pl.col("kind") == "destination")
    own = asked.filter(pl.col("destination") == destination)
    found = _standing_out(own.filter(pl.col("kind") == "destination"), whole)
    for kind in ("api", "caller"):
        of_kind = own.filter(pl.col("kind") == kind).drop_nulls("name")
        found += _standing_out(of_kind, own.filter(pl.col("kind") == "destination"))
    return found


def _standing_out(parts: pl.DataFrame, whole: pl.DataFrame) -> list[Offender]:
    by_week = whole.group_by("week").agg(pl.col("demand").sum().alias("all"))
    shares = parts.group_by("week", "name").agg(pl.col("demand").sum()).join(by_week, on="week")
    past = shares.filter(pl.col("week") < WEEKS, pl.col("demand") >= STANDS_OUT * pl.col("all"))
    seen = dict(past.group_by("name").len().iter_rows())
    known = shares.filter(pl.col("week") < WEEKS)["week"].n_unique()
    total = float(whole.filter("recent")["demand"].sum())
    recent = parts.filter("recent").group_by("name").agg(pl.col("demand").sum())
    ranked = recent.sort("demand", "name", descending=[True, False])
    kind = parts["kind"][0] if parts.height else ""
    return [
        Offender(kind, name, min(demand / total, 1.0), seen.get(name, 1), known)
        for name, demand in ranked.head(MOST).iter_rows()
        if total and demand >= STANDS_OUT * total
    ]
