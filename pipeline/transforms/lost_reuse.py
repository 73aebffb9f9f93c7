"""Lost reuse: whether calls began to open more connections each before a gateway failed."""

import polars as pl

from pipeline.transforms.departures import SPREADS
from pipeline.transforms.incidents import Run
from pipeline.transforms.latency import LEAD_OUT
from pipeline.transforms.spread import spread_of
from pipeline.window import MINUTE, floor

LAST_MINUTES = 2
LEAST_USUAL_MINUTES = 5
# Fewer calls or connections in the last minutes tell nothing of a share.
ENOUGH = 50
TIMES = 1.5
# Connections a call more than usual; less is no loss that could fill a pool by itself.
MATERIAL = 0.1


def lost_reuse(calls: pl.DataFrame, opened: pl.DataFrame, run: Run) -> str | None:
    """The loss in a sentence, or null where none was measured before the first failure.

    ``calls`` (minute, calls) and ``opened`` (minute, connections) are of the same destinations.
    Only minutes that both tell of count, and only whole ones before the first failure.
    """
    both = (
        calls.group_by("minute")
        .agg(pl.col("calls").sum())
        .filter(pl.col("calls") > 0)
        .join(opened.group_by("minute").agg(pl.col("connections").sum()), on="minute")
        .with_columns(each=pl.col("connections") / pl.col("calls"))
        .sort("minute")
    )
    onset = floor(run.start)
    usual = both.filter(pl.col("minute") < onset - LEAD_OUT)["each"]
    final = both.filter(pl.col("minute").is_between(onset - LAST_MINUTES * MINUTE, onset, "left"))
    if usual.len() < LEAST_USUAL_MINUTES or final.height < LAST_MINUTES:
        return None
    made, asked = float(final["connections"].sum()), float(final["calls"].sum())
    level = float(usual.median())  # type: ignore[arg-type]
    now = made / asked
    risen = now >= TIMES * level and now - level >= max(MATERIAL, SPREADS * spread_of(usual))
    if not risen or min(made, asked) < ENOUGH:
        return None
    return (
        f"{now:.2f} new connections a call in the last {LAST_MINUTES} whole minutes before the "
        f"first failure, {level:.2f} usually: calls reused connections less than before."
    )
