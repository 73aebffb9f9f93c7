"""Foretold: forecasts that reviews kept in the lake, and how they fared."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

import polars as pl
import pyarrow as pa

from pipeline.ask import ask
from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.errors import PipelineError
from pipeline.lake import Lake, Span
from pipeline.level import Resource
from pipeline.transforms.forecast import Day, Fared

FORECASTS = "forecasts"
# A weekly review may be a day or two early or late.
LAST_WEEK = timedelta(days=5), timedelta(days=9)
Key = tuple[str, str, str, str]


def keep(lake: Lake, made: date, foretold: Iterable[tuple[Resource, Iterable[Day]]]) -> str | None:
    """Keeps what is foretold, once a review; gives why that could not be, where it could not."""
    name = f"review of {made}"
    rows = [
        {
            "made": made,
            "kind": resource.kind,
            "gateway": resource.gateway,
            "destination": resource.destination,
            "instance": resource.instance,
            "day": each.day,
            "low": each.low,
            "median": each.median,
            "high": each.high,
            "capacity": resource.limit,
            "blob": name,
        }
        for resource, days in foretold
        for each in days
    ]
    if not rows:
        return None
    try:
        lake.append(
            FORECASTS,
            pa.Table.from_pylist(rows, schema=datasets()[FORECASTS].arrow_schema),
            [Span(name, 0, 0, 1)],
        )
    except PipelineError as error:
        return f"the forecast was not kept, so that the next review cannot score it: {error}"
    return None


def fared(
    engine: Engine, lake: Lake, stop: date, peaks: Mapping[Key, Mapping[date, float]]
) -> dict[Key, Fared]:
    """How the forecasts of the review before fared; ``peaks`` are those that came, by day."""
    engine.attach(FORECASTS, datasets()[FORECASTS], lake.files(FORECASTS))
    start = datetime.combine(stop, datetime.min.time())
    bound = {"earliest": start - LAST_WEEK[1], "latest": start - LAST_WEEK[0]}
    told = ask(engine, ["forecasts_made"], bound)["forecasts_made"].frame
    keys = ["kind", "gateway", "destination", "instance"]
    found = {}
    for key, rows in told.with_columns(pl.col(keys).fill_null("")).group_by(keys):
        own: Key = (str(key[0]), str(key[1]), str(key[2]), str(key[3]))
        came = peaks.get(own, {})
        both = [(row, came[row["day"]]) for row in rows.iter_rows(named=True) if row["day"] in came]
        if both:
            errors = pl.Series([abs(row["median"] - peak) / row["capacity"] for row, peak in both])
            found[own] = Fared(
                made=rows["made"][0],
                days=len(both),
                inside=sum(row["low"] <= peak <= row["high"] for row, peak in both),
                median_error=float(errors.median()),  # type: ignore[arg-type]
            )
    return found
