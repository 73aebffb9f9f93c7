"""Reuse: what part of the calls go over a connection that is open already."""

from dataclasses import dataclass

import polars as pl

from pipeline.transforms.incidents import Run

# Fewer calls or connections tell nothing of a share.
ENOUGH = 100
MOST_OF_A_DAY = 0.9 * 24 * 60


@dataclass(frozen=True, slots=True)
class Reuse:
    """The share (0 to 1) of calls that open no connection; ``says`` tells where it comes from."""

    share: float
    says: str
    measured: bool


def reuse(
    calls_by_minute: pl.DataFrame,
    flow_ports_by_minute: pl.DataFrame,
    connections: pl.DataFrame,
    run: Run,
    assumed: float,
) -> Reuse:
    """Connections that were opened, a call, up to the end of the run; by the best data there is.

    ``flow_ports_by_minute`` tells the flows that began, ``connections`` (minute, connections) the
    counter of new ones. Only minutes of which both are told count.
    """
    calls = calls_by_minute.filter(
        pl.col("minute") <= run.last, pl.col("destination").is_not_null()
    )
    begun = flow_ports_by_minute.filter(pl.col("begun") > 0)
    for opened, keys, name in (
        (begun.rename({"begun": "connections"}), ["destination", "minute"], "flow logs"),
        (connections, ["minute"], "the counter of new SNAT connections"),
    ):
        by_key = opened.group_by(keys).agg(pl.col("connections").sum())
        both = calls.group_by(keys).agg(pl.col("calls").sum()).join(by_key, on=keys)
        total, made = float(both["calls"].sum()), float(both["connections"].sum())
        if min(total, made) >= ENOUGH:
            share = max(0.0, 1 - made / total)
            return Reuse(
                share,
                f"measured: {name} tell of {made:,.0f} connections for {total:,.0f} calls",
                measured=True,
            )
    return _assumed(assumed)


def by_days(traffic_by_day: pl.DataFrame, connections: pl.DataFrame, assumed: float) -> Reuse:
    """The same over whole days: calls of each (day, calls) against new connections by minute.

    Only days of which most minutes were counted are compared.
    """
    counted = (
        connections.group_by(pl.col("minute").dt.truncate("1d").alias("day"))
        .agg(pl.col("connections").sum(), pl.len().alias("minutes"))
        .filter(pl.col("minutes") >= MOST_OF_A_DAY)
    )
    calls = traffic_by_day.group_by("day").agg(pl.col("calls").sum())
    both = calls.join(counted, on="day")
    total, made = float(both["calls"].sum()), float(both["connections"].sum())
    if min(total, made) < ENOUGH:
        return _assumed(assumed)
    return Reuse(
        max(0.0, 1 - made / total),
        f"measured: the counter of new SNAT connections tells of {made:,.0f} connections for "
        f"{total:,.0f} calls",
        measured=True,
    )


def _assumed(share: float) -> Reuse:
    says = "assumed: nothing measured tells how many calls reuse a connection"
    return Reuse(share, says, measured=False)
