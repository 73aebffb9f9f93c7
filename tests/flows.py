"""Flow logs beside the counts of a lake that was made up: each call that opens one, a flow."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

import numpy as np
import pyarrow as pa

from pipeline.datasets import datasets
from pipeline.lake import Lake
from tests.weeks import GATEWAY, START, calls_of, write

ADDRESS = "203.0.113.10"
OTHER_GATEWAY = GATEWAY.replace("contoso", "fabrikam")
SECOND_MS = 1000


def flows(
    lake: Lake,
    days: Iterable[int],
    peak: float,
    sources: Mapping[str, float],
    hours: range = range(24),
    destination: str = ADDRESS,
) -> None:
    """Adds flows of which so many ports are held at the noon of each day by all sources together.

    ``sources`` has the share of each. A flow lasts a second; its port is held for the hold time.
    """
    lake.told_apart("flows", [])
    rows = []
    for day in days:
        # Of each two calls one opens a connection: half of them are flows.
        seconds, calls = calls_of(peak, 60, hours)
        for source, share in sources.items():
            number = np.round(calls * share / 2).astype(int)
            rows += [
                _tuples(day, np.repeat(seconds, number), source, destination, state)
                for state in ("begin", "end")
            ]
    write(lake, "flows", pa.concat_tables(rows))


def _tuples(day: int, seconds: np.ndarray, source: str, destination: str, state: str) -> pa.Table:
    start = START + timedelta(days=day)
    count = len(seconds)
    at = seconds * SECOND_MS + 500 + (SECOND_MS if state == "end" else 0)
    told = {
        "date": pa.array([start.date()] * count),
        "time": np.datetime64(start, "us") + at.astype("timedelta64[ms]"),
        "flow_log": pa.array(["vnet"] * count),
        "source_ip": pa.array([source] * count),
        "source_port": pa.array((np.arange(count) % 60_000 + 1024).astype(np.int32)),
        "destination_ip": pa.array([destination] * count),
        "destination_port": pa.array([443] * count, pa.int32()),
        "protocol": pa.array(["tcp"] * count),
        "direction": pa.array(["outbound"] * count),
        "state": pa.array([state] * count),
        "denied": pa.array([False] * count),
    }
    schema = datasets()["flows"].arrow_schema
    columns = [told.get(each.name, pa.nulls(count, each.type)) for each in schema]
    return pa.table(dict(zip(schema.names, columns, strict=True)))
