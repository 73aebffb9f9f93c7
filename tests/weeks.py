"""Lakes that hold weeks of counts and no rows, as one whose rows were forgotten."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake

from pipeline.datasets import datasets
from pipeline.lake import Lake

GATEWAY = "/subscriptions/0/resourcegroups/rg/providers/microsoft.apimanagement/service/contoso"
START = datetime(2026, 1, 5)
HOLD_S = 240
REUSE = 0.5
# Calls begin so many seconds apart; more seldom makes less rows.
STEP_S = 60
Peaks = Callable[[int], float | None]
Instances = Callable[[int], dict[str | None, float]]


def weeks(
    lake: Path,
    destinations: dict[str, Peaks],
    days: Iterable[int],
    step_s: int = STEP_S,
    failing: Callable[[datetime], float] = lambda _: 0.0,
    hours: range = range(24),
    instances: Instances = lambda _: {None: 1.0},
    gateway: str = GATEWAY,
) -> Lake:
    """A lake in which the ports to each host peak each day at what its function of the day says.

    The estimate peaks at noon; a day of None has no rows. ``failing`` is the share of the calls of
    a minute that found no connection. ``instances`` has the share of the calls of each on a day.
    """
    home = Lake(lake)
    for name in ("activity", "minutes"):
        home.told_apart(name, [])
    activity, by_minute = [], []
    for day in days:
        for host, peak in destinations.items():
            if (height := peak(day)) is not None:
                seconds, calls = calls_of(height, step_s, hours)
                for instance, share in instances(day).items():
                    own = np.round(calls * share)
                    activity.append(_activity(day, host, seconds, own, instance, gateway))
                by_minute.append(_minutes(day, host, seconds, calls, failing, gateway))
    write(home, "activity", pa.concat_tables(activity))
    write(home, "minutes", pa.concat_tables(by_minute))
    return Lake(lake)


def calls_of(peak: float, step_s: int, hours: range) -> tuple[np.ndarray, np.ndarray]:
    """When calls begin on a day, and how many: half of them open a connection."""
    seconds = np.arange(hours.start * 3600, hours.stop * 3600, step_s)
    shape = 0.3 + 0.7 * np.exp(-(((seconds - 12 * 3600) / (3 * 3600)) ** 2))
    at_once = HOLD_S // step_s + 1
    return seconds, np.maximum(np.round(shape * peak / (1 - REUSE) / at_once), 1.0)


def _activity(
    day: int, host: str, seconds: np.ndarray, calls: np.ndarray, instance: str | None, gateway: str
) -> pa.Table:
    start = START + timedelta(days=day)
    base = np.datetime64(start, "us")
    times = np.concatenate([seconds, seconds + 1])
    rows = len(times)
    return pa.table(
        {
            "date": pa.array([start.date()] * rows),
            "time": base + times.astype("timedelta64[s]"),
            "resource_id": pa.array([gateway] * rows),
            "instance": pa.array([instance] * rows, pa.string()),
            "called": pa.array([host] * rows),
            "port": pa.array([443] * rows, pa.int32()),
            "host": pa.array([host] * rows),
            "ending": pa.array(["answered"] * rows),
            "started": np.concatenate([calls, np.zeros(len(calls))]),
            "ended": np.concatenate([np.zeros(len(calls)), calls]),
            "counted": pa.array([1] * rows),
        }
    )


def _minutes(
    day: int,
    host: str,
    seconds: np.ndarray,
    calls: np.ndarray,
    failing: Callable[[datetime], float],
    gateway: str,
) -> pa.Table:
    start = START + timedelta(days=day)
    minutes, place = np.unique(seconds // 60, return_inverse=True)
    counts = np.bincount(place, calls)
    times = [start + timedelta(minutes=int(minute)) for minute in minutes]
    lost = counts * np.array([failing(time) for time in times])
    rows = len(times)
    return pa.table(
        {
            "date": pa.array([start.date()] * rows),
            "time": pa.array(times, pa.timestamp("us")),
            "resource_id": pa.array([gateway] * rows),
            "api": pa.array([f"api-{host.partition('.')[0]}"] * rows),
            "called": pa.array([host] * rows),
            "port": pa.array([443] * rows, pa.int32()),
            "caller": pa.array(["shop" if minute % 3 else "partner" for minute in minutes]),
            "requests": counts,
            "failures": lost,
            "starved": lost,
            "calls": counts,
            "timed": counts - lost,
            "backend_ms": 100 * (counts - lost),
            "busy_ms": 100 * counts,
            "counted": pa.array([1] * rows),
        }
    )


def write(home: Lake, name: str, rows: pa.Table) -> None:
    table = home.table(name)
    assert table is not None
    schema = pa.schema(
        [
            pa.field(each.name, pa.timestamp("us", "UTC"))
            if pa.types.is_timestamp(each.type)
            else each
            for each in datasets()[name].arrow_schema
        ]
    )
    write_deltalake(table, rows.cast(datasets()[name].arrow_schema).cast(schema), mode="append")
    table.update_incremental()
