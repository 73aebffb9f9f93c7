"""Reuse: what part of the calls go over a connection that is open already."""

from dataclasses import dataclass

import polars as pl

from pipeline.transforms.incidents import Run

# Fewer calls or connections tell nothing of a share.
ENOUGH = 100


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
    return Reuse(
        assumed, "assumed: nothing measured tells how many calls reuse a connection", False
    )
