"""Counts read day by day tell the same ports as ``calls_in_flight``, however they lie in files."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipeline.ask import ask, tell_topology
from pipeline.call_counts import CallCounts
from pipeline.config import Destination, Gateway, Settings, Way
from pipeline.datasets import datasets
from pipeline.engines.duckdb import DuckDB
from pipeline.limits import way_out
from pipeline.transforms.occupancy import ports_by_minute
from pipeline.window import Window

GATEWAY = "/subscriptions/0/resourcegroups/rg/providers/microsoft.apimanagement/service/contoso"
START = datetime(2026, 3, 10)
DAY = timedelta(days=1)
WAY = way_out(GATEWAY, None, START)
# What is told apart, with what need not be told at all, and one that needs no port.
PLACES = [
    ("a", "pay.example", 443, "answered"),
    ("a", "pay.example", 443, "reset"),
    ("b", "pay.example", 443, "answered"),
    (None, "pay.example", None, "unanswered"),
    ("a", "now-and-then.example", 8443, "other"),
    ("a", "private.example", 443, "answered"),
]
SETTINGS = Settings(
    gateway=(Gateway(GATEWAY, sampling=0.3),),
    destination=(Destination("private.example", path=Way.PRIVATE_ENDPOINT),),
)


def counts(day: datetime, places: list[tuple[str | None, str, int | None, str]]) -> pl.DataFrame:
    """Calls of up to a minute, so many that few seconds of some hours tell of none."""
    rng = np.random.default_rng(day.day)
    parts = []
    for instance, called, port, ending in places:
        begun = np.sort(rng.integers(0, 86_400, 3_000))
        for seconds, sides in ((begun, (1.0, 0.0)), (begun + rng.integers(1, 60), (0.0, 1.0))):
            parts.append(
                pl.DataFrame({"second": seconds}).select(
                    time=pl.lit(day) + pl.duration(seconds="second"),
                    resource_id=pl.lit(GATEWAY),
                    instance=pl.lit(instance, pl.String),
                    called=pl.lit(called),
                    port=pl.lit(port, pl.Int32),
                    host=pl.lit(called),
                    ending=pl.lit(ending),
                    started=pl.lit(sides[0]),
                    ended=pl.lit(sides[1]),
                    counted=pl.lit(1),
                )
            )
    return pl.concat(parts)


def written(folder: Path, day: datetime, rows: pl.DataFrame) -> str:
    file = folder / f"date={day.date()}" / "counts.parquet"
    file.parent.mkdir(parents=True)
    rows.write_parquet(file)
    return str(file)


@pytest.mark.parametrize("scattered", [False, True], ids=["place by place", "in order of time"])
def test_days_read_one_by_one_tell_what_the_query_for_any_window_tells(
    tmp_path: Path, scattered: bool
) -> None:
    days = [START, START + DAY]
    # The second day has a place that the first one lacks, and lacks one.
    of_days = [counts(START, PLACES[:4]), counts(START + DAY, PLACES[1:])]
    if scattered:
        of_days = [each.sort("time") for each in of_days]
    files = [written(tmp_path, *each) for each in zip(days, of_days, strict=True)]
    engine = DuckDB()
    engine.attach("requests", datasets()["requests"], [])
    tell_topology(engine, SETTINGS)
    reader = CallCounts(engine, files, GATEWAY)
    for day, file in zip(days, files, strict=True):
        window = Window(day, day + DAY)
        read = ports_by_minute(reader.of(window), window, WAY.holds)
        engine.attach("activity", datasets()["activity"], [file])
        bound = {"gateway": GATEWAY, "start": day, "stop": day + 2 * DAY, "hold_s": 240}
        asked = ask(engine, ["calls_in_flight"], bound)["calls_in_flight"].frame
        told = ports_by_minute(asked, window, WAY.holds)
        order = ["instance", "destination", "minute"]
        assert_frame_equal(read.sort(order), told.sort(order))
        assert told.filter(pl.col("held_peak") > 1).height > 0
        assert "private.example:443" not in set(read["destination"])


def test_a_day_without_calls_tells_of_none(tmp_path: Path) -> None:
    engine = DuckDB()
    engine.attach("requests", datasets()["requests"], [])
    tell_topology(engine, SETTINGS)
    reader = CallCounts(engine, [written(tmp_path, START, counts(START, PLACES[:1]))], GATEWAY)
    assert reader.of(Window(START - DAY, START)).is_empty()
    assert reader.of(Window(START, START + DAY)).height > 0
