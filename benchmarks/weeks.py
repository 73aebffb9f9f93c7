"""Made-up weeks of counts, as a lake holds them: to many destinations, some busy, some hardly."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.datasets import datasets
from pipeline.lake import Lake, ParquetFile
from pipeline.parquet import written

GATEWAY = "/subscriptions/0/resourcegroups/rg/providers/microsoft.apimanagement/service/contoso"
START = date(2026, 1, 5)
DAY_S, MINUTE_S = 86_400, 60
CALLERS = 5
# Each destination has so much of the traffic of the one before it.
NEXT = 0.85
# The quiet hours have so much of the peak's traffic, weekends so much of a weekday's.
QUIET, WEEKEND = 0.2, 0.6
GROWTH_A_DAY = 0.004
Calls = npt.NDArray[np.int64]


def made(folder: Path, days: int, destinations: int, calls_a_day: float) -> int:
    """Writes a lake of so many days, always the same; gives the rows of ``activity``."""
    lake, rng = Lake(folder), np.random.default_rng(1)
    hosts = [f"host{number}.example" for number in range(destinations)]
    files: dict[str, list[ParquetFile]] = {"activity": [], "minutes": []}
    versions = {name: lake.told_apart(name, [])[0] for name in files}
    for number in range(days):
        calls = _calls(rng, number, destinations, calls_a_day)
        day = START + timedelta(days=number)
        for name, table in (("activity", _activity), ("minutes", _minutes)):
            files[name].append(_written(lake, name, day, table(calls, day, hosts)))
    for name, each in files.items():
        lake.commit(name, each, lake.room(name, folder), [], versions[name])
    return sum(each.rows for each in files["activity"])


def _calls(rng: np.random.Generator, day: int, destinations: int, calls_a_day: float) -> Calls:
    """How many calls begin in each second, a row for each destination: most of them about noon."""
    seconds = np.arange(DAY_S)
    shape = QUIET + (1 - QUIET) * np.exp(-(((seconds - DAY_S / 2) / (DAY_S / 8)) ** 2))
    parts = NEXT ** np.arange(destinations)
    busy = (1 + GROWTH_A_DAY * day) * (WEEKEND if (START + timedelta(day)).weekday() > 4 else 1.0)
    rates = np.outer(parts / parts.sum(), shape / shape.sum()) * calls_a_day * busy
    return rng.poisson(rates)


def _activity(calls: Calls, day: date, hosts: Sequence[str]) -> pa.Table:
    """Calls that take a second, as they are counted by second."""
    ahead = np.zeros((len(hosts), 1), np.int64)
    started, ended = np.hstack([calls, ahead]), np.hstack([ahead, calls])
    which, seconds = np.nonzero(started + ended)
    host = pa.DictionaryArray.from_arrays(pa.array(which.astype(np.int32)), pa.array(hosts))
    return pa.table(
        {
            "time": np.datetime64(day, "us") + seconds.astype("timedelta64[s]"),
            "called": host,
            "host": host,
            "started": started[which, seconds].astype(float),
            "ended": ended[which, seconds].astype(float),
        }
    )


def _minutes(calls: Calls, day: date, hosts: Sequence[str]) -> pa.Table:
    """The same calls as they are counted by minute; callers take turns, second by second."""
    turns = calls.reshape(len(hosts), DAY_S // MINUTE_S, MINUTE_S // CALLERS, CALLERS).sum(axis=2)
    which, minutes, caller = np.nonzero(turns)
    host = pa.DictionaryArray.from_arrays(pa.array(which.astype(np.int32)), pa.array(hosts))
    return pa.table(
        {
            "time": np.datetime64(day, "us") + minutes.astype("timedelta64[m]"),
            "called": host,
            "caller": pa.array([f"caller-{each}" for each in range(CALLERS)]).take(caller),
            "requests": turns[which, minutes, caller].astype(float),
        }
    )


# What is the same for all rows, and what follows from others.
ADDED = {
    "activity": f"'{GATEWAY}' as resource_id, null as instance, 443 as port, "
    "'answered' as ending, 1 as counted",
    "minutes": f"'{GATEWAY}' as resource_id, 'api-' || called as api, 443 as port, "
    "0.0 as failures, 0.0 as starved, requests as calls, requests as timed, "
    "100 * requests as backend_ms, 100 * requests as busy_ms, 1 as counted",
}


def _written(lake: Lake, name: str, day: date, rows: pa.Table) -> ParquetFile:
    """The rows of a day as a file of the lake's, not committed."""
    dataset = datasets()[name]
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.register("drawn", rows)
        told = f"select *, {ADDED[name]} from drawn"
        columns = ", ".join(
            f"{each.name}::{each.type} as {each.name}"
            for each in dataset.columns
            if each.name != "date"
        )
        room = lake.room(name, Path())
        return written(connection, f"(select {columns} from ({told}))", dataset, f"{day}", room)
