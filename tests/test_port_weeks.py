"""Ports of a long history, told day by day, are those that one look at all of it would tell."""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from pipeline.ask import ask, without_topology
from pipeline.datasets import datasets
from pipeline.engines.duckdb import DuckDB
from pipeline.lake import Lake
from pipeline.limits import way_out
from pipeline.port_weeks import port_weeks
from pipeline.transforms.occupancy import PEAKS, carried, ports_by_minute
from pipeline.window import Window
from tests.weeks import GATEWAY, START, weeks

WAY = way_out(GATEWAY, None, START)


def told(lake: Lake, history: Window) -> list[tuple[Window, pl.DataFrame]]:
    engine = DuckDB()
    without_topology(engine)
    return list(port_weeks(engine, lake.files("activity"), WAY, history))


def at_once(lake: Lake, window: Window) -> pl.DataFrame:
    engine = DuckDB()
    without_topology(engine)
    engine.attach("activity", datasets()["activity"], lake.files("activity"))
    bound = {"gateway": GATEWAY, "start": window.start, "stop": window.stop, "hold_s": 240}
    calls = ask(engine, ["calls_in_flight"], bound)["calls_in_flight"].frame
    return ports_by_minute(calls, window, WAY.holds)


def test_days_told_one_after_the_other_are_those_told_at_once(tmp_path: Path) -> None:
    lake = weeks(
        tmp_path / "lake",
        {
            "pay.example": lambda day: 100.0 + day,
            "now-and-then.example": lambda day: 50.0 if day % 3 else None,
        },
        range(11),
    )
    history = Window(START + timedelta(days=1), START + timedelta(days=10, hours=7))
    found = told(lake, history)
    assert [week.stop - week.start for week, _ in found] == [
        timedelta(days=7),
        timedelta(days=2, hours=7),
    ]
    for week, minutes in found:
        whole = at_once(lake, week).sort("destination", "minute")
        both = whole.join(minutes, on=["destination", "minute"], how="left", suffix="_by_day").sort(
            "destination", "minute"
        )
        # Days without a call have one row, of nothing held, for what follows is as that.
        by_day = both.select(pl.col(f"{each}_by_day").fill_null(0.0).alias(each) for each in PEAKS)
        assert_frame_equal(by_day, whole.select(PEAKS))


def test_a_day_without_calls_holds_nothing_though_the_one_before_did(tmp_path: Path) -> None:
    lake = weeks(
        tmp_path / "lake",
        {
            "pay.example": lambda _: 100.0,
            "once.example": lambda day: 50.0 if day == 1 else None,
        },
        range(4),
    )
    ((_, minutes),) = told(lake, Window(START, START + timedelta(days=4)))
    later = minutes.filter(
        pl.col("destination") == "once.example:443",
        pl.col("minute") >= START + timedelta(days=2, minutes=5),
    )
    assert later.height > 0
    assert later.select(pl.sum_horizontal(pl.col(PEAKS).sum())).item() == 0


def test_a_call_longer_than_its_day_is_carried_over_and_let_go_once_over() -> None:
    noon = datetime.fromisoformat("2026-03-10T12:00")
    second = int((noon - datetime.fromisoformat("1970-01-01")).total_seconds())
    calls = pl.DataFrame(
        {
            "instance": [None],
            "destination": ["a:443"],
            "ending": ["answered"],
            "seconds": [[second, second + 86_000]],
            "started": [[2.0, 0.0]],
            "ended": [[0.0, 2.0]],
        },
        schema_overrides={"instance": pl.String},
    )
    midnight = noon + timedelta(hours=12)
    left = carried(calls, midnight, WAY.holds)
    day = Window(midnight, midnight + timedelta(days=1))
    assert_frame_equal(
        ports_by_minute(left, day, WAY.holds), ports_by_minute(calls, day, WAY.holds)
    )
    assert carried(left, day.stop, WAY.holds).is_empty()
