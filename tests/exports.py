"""Exports as tests need them: lines of some logs, blobs of them, and what a lake then holds."""

import atexit
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from pipeline.ask import without_topology
from pipeline.datasets import datasets
from pipeline.engines.duckdb import DuckDB
from pipeline.lake import Lake
from pipeline.land import land
from pipeline.landed import Landing
from pipeline.location import delta
from pipeline.query import queries
from pipeline.transforms.counts import by_minute, by_second
from pipeline.transforms.kinds import Requests

MORNING = datetime(2026, 3, 10, 8, tzinfo=UTC)
GATEWAY = "/SUBSCRIPTIONS/0/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/CONTOSO"
NETWORK = "/SUBSCRIPTIONS/0/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.NETWORK/VIRTUALNETWORKS/HUB"
TABLES = ("requests", "quarantine", "landings")
# What tells a log's events; the others tell how they came here.
TOLD = tuple(name for name, each in datasets().items() if each.identity)
Row = dict[str, Any]


def record(number: int, /, **changes: object) -> Row:
    """A gateway log record, its own by its number; ``properties`` among the changes are added."""
    told: Any = changes.pop("properties", {})
    moment = MORNING + timedelta(seconds=number, microseconds=275_087)
    return {
        "isRequestSuccess": True,
        "time": f"{moment:%Y-%m-%dT%H:%M:%S.%f}5Z",
        "category": "GatewayLogs",
        "durationMs": 170,
        "callerIpAddress": "198.51.100.22",
        "correlationId": f"c{number}",
        "location": "West Europe",
        "resourceId": GATEWAY,
        "properties": {
            "method": "GET",
            "url": f"https://api.contoso.example/stock/{number}",
            "responseCode": 200,
            "backendTime": 167,
            "backendUrl": "https://stock.contoso.example/items",
            **told,
        },
        **changes,
    }


def line(number: int, /, **changes: object) -> bytes:
    """The record as a log writes it, without a line end."""
    return json.dumps(record(number, **changes), separators=(",", ":")).encode()


def lines(*numbers: int) -> bytes:
    """The content of a blob: a line for each number."""
    return b"".join(line(number) + b"\n" for number in numbers)


def metric(number: int) -> Row:
    """A platform metric of a minute, one record of a diagnostic setting's."""
    return {
        "count": 3,
        "total": 3 * number,
        "minimum": 0,
        "maximum": number,
        "average": number,
        "resourceId": GATEWAY,
        "time": f"{MORNING + timedelta(minutes=number):%Y-%m-%dT%H:%M:%S}.0000000Z",
        "metricName": "BackendDuration",
        "timeGrain": "PT1M",
    }


def change(number: int) -> Row:
    """What somebody did, as the activity log tells it."""
    return {
        "time": f"{MORNING + timedelta(seconds=number):%Y-%m-%dT%H:%M:%S}.0000000Z",
        "resourceId": GATEWAY,
        "operationName": "MICROSOFT.APIMANAGEMENT/SERVICE/WRITE",
        "category": "Administrative",
        "resultType": "Success",
        "correlationId": f"change{number}",
        "level": "Information",
        "properties": {"eventCategory": "Administrative"},
    }


def flow(number: int, tuples: int = 2) -> Row:
    """A minute of a virtual network's flow log, and the tuples in it."""
    moment = int((MORNING + timedelta(minutes=number)).timestamp() * 1000)
    told = [
        f"{moment + each},10.0.0.4,198.51.100.7,{50_000 + each},443,6,O,B,NX,0,0,0,0"
        for each in range(tuples)
    ]
    return {
        "time": f"{MORNING + timedelta(minutes=number):%Y-%m-%dT%H:%M:%S}.0000000Z",
        "flowLogVersion": 4,
        "macAddress": "000D3A000001",
        "category": "FlowLogFlowEvent",
        "targetResourceID": NETWORK,
        "flowRecords": {"flows": [{"flowGroups": [{"rule": "out", "flowTuples": told}]}]},
    }


def batch(*records: Row) -> bytes:
    """Records as Event Hubs batch them, and as block blobs of flow logs hold them."""
    return json.dumps({"records": records}, separators=(",", ":")).encode()


def as_line(record: Row) -> bytes:
    """A record as a log writes it, with its line's end."""
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def blob(path: Path, content: bytes) -> Path:
    """Writes a blob, and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def landed(source: Path | str, lake: Path | str) -> Landing:
    """Lands a source as a run of its own does, and checks that no line was lost on the way."""
    landing = land([str(source)], Lake(lake))
    assert_accounted(landing, lake)
    return landing


def rows(lake: Path | str, name: str) -> list[Row]:
    """The rows of a table of the lake, read as anybody's Delta reader does."""
    uri, options = delta(f"{lake}/{name}")
    try:
        table = DeltaTable(uri, storage_options=options)
    except TableNotFoundError:
        return []
    found: list[Row] = table.to_pyarrow_table().to_pylist()
    return sorted(found, key=_place)


def counts(lake: Path | str) -> Counter[tuple[object, ...]]:
    """What the lake tells of backend calls by second: of each kind, how many began and ended."""
    return _summed(_engine(lake, "activity"), "activity")


def recounted(lake: Path | str) -> Counter[tuple[object, ...]]:
    """The same, counted from the requests that are there now."""
    engine = _engine(lake, "requests")
    count(engine)
    return _summed(engine, "activity")


def _engine(lake: Path | str, name: str) -> DuckDB:
    """An engine that knows a table of the lake, and no topology."""
    engine = _opened()
    engine.attach(name, datasets()[name], Lake(lake).files(name))
    return engine


@cache
def _opened() -> DuckDB:
    """One for all lakes: to open it takes longer than to ask it."""
    engine = DuckDB()
    without_topology(engine)
    # What outlives the interpreter is reported as leaked.
    atexit.register(_opened.cache_clear)
    return engine


def count(engine: DuckDB) -> None:
    """Makes the counts of an engine's requests known to it as the dataset that they are landed in.

    Needs the engine to know of no topology.
    """
    told = [datasets()["activity"].empty()]
    for day, counts in _counted(engine, by_second):
        same = {"date": pa.array([day] * counts.num_rows), "counted": [1] * counts.num_rows}
        columns = {**{name: counts[name] for name in counts.column_names}, **same}
        told.append(pa.table({name: columns[name] for name in told[0].column_names}))
    engine.hold("activity", pa.concat_tables([each.cast(told[0].schema) for each in told]))


def _counted(engine: DuckDB, count: Callable[..., pa.Table]) -> Iterator[tuple[date, pa.Table]]:
    """What is counted of an engine's requests, by day, where each row is judged by itself."""
    numbered = "select * replace (row_number() over () - 1 as position) from requests"
    rows = engine.connection.sql(numbered).to_arrow_table()
    engine.hold("requests", rows)
    judged = engine.ask(queries()["request_kinds"], {})
    for day in sorted(set(rows["date"].to_pylist())):
        of_day = rows.filter(pc.equal(rows["date"], pa.scalar(day)))
        took = pc.coalesce(of_day["backend_ms"], of_day["total_ms"], 0)
        began = of_day["time"].cast(pa.int64()).to_numpy()
        requests = Requests(rows, of_day["position"].to_numpy(), began, took.to_numpy())
        yield day, count(day, requests, judged)


def minutes(lake: Path | str) -> Counter[tuple[object, ...]]:
    """What the lake tells of requests by minute: of each kind, how many, and how they ended."""
    return _summed_minutes(_minutes_of(lake))


def minutes_recounted(lake: Path | str) -> Counter[tuple[object, ...]]:
    """The same, counted from the requests that are there now."""
    rows: list[Row] = []
    for day, counts in _counted(_engine(lake, "requests"), by_minute):
        rows += [{"date": day, **row} for row in counts.to_pylist()]
    return _summed_minutes(rows)


def _minutes_of(lake: Path | str) -> list[Row]:
    engine = _engine(lake, "minutes")
    return engine.connection.sql("select * from minutes").to_arrow_table().to_pylist()  # type: ignore[no-any-return]


def _summed_minutes(told: list[Row]) -> Counter[tuple[object, ...]]:
    kinds = ("date", "time", "resource_id", "api", "called", "port", "caller")
    sums = ("requests", "failures", "starved", "calls", "timed", "backend_ms", "busy_ms")
    found: Counter[tuple[object, ...]] = Counter()
    for row in told:
        for each in sums:
            if row[each]:
                found[each, *(row[kind] for kind in kinds)] += row[each]
    return found


def _summed(engine: DuckDB, table: str) -> Counter[tuple[object, ...]]:
    kinds = "date, time, resource_id, instance, called, port, host, ending"
    found: Counter[tuple[object, ...]] = Counter()
    for side in ("started", "ended"):
        told = engine.connection.execute(f"select {kinds}, sum({side}) from {table} group by all")
        found.update({(side, *row[:-1]): row[-1] for row in told.fetchall() if row[-1]})
    return found


def _place(row: Row) -> tuple[str, int, int, int, str]:
    if "position" in row:
        return row["blob"], row["position"], row["item"] or 0, 0, ""
    return row["blob"], row["generation"], row["from_offset"], row["to_offset"], row["format"]


def requests(lake: Path | str) -> list[Row]:
    """The requests that landed, by blob and position."""
    return rows(lake, "requests")


def ids(lake: Path | str) -> list[str]:
    """The correlation ids of the requests, sorted; a request that landed twice stands twice."""
    return sorted(row["correlation_id"] for row in requests(lake))


def content(lake: Path | str) -> dict[str, list[Row]]:
    """All that the lake holds; two runs that differ only in their number hold the same."""
    ledger: dict[str, Counter[str]] = {}
    counts = ("lines", "rows", "duplicates", "quarantined", "set_aside")
    for row in rows(lake, "landings"):
        ledger.setdefault(row["blob"], Counter()).update({count: row[count] for count in counts})
    return {
        **{name: rows(lake, name) for name in (*TOLD, "quarantine")},
        "landings": [{"blob": name, **counted} for name, counted in sorted(ledger.items())],
    }


def events(lake: Path | str) -> dict[str, Counter[tuple[object, ...]]]:
    """By dataset how often each event is told, whichever blob told it."""
    return {name: _events(name, rows(lake, name)) for name in TOLD}


def _events(name: str, told: list[Row]) -> Counter[tuple[object, ...]]:
    identity = datasets()[name].identity
    return Counter(tuple(row[column] for column in identity) for row in told)


def assert_accounted(landing: Landing, lake: Path | str) -> None:
    """Every line is a row, a duplicate, quarantined, set aside or pending; and they are there."""
    assert landing.lines == (
        landing.rows.total()
        + landing.duplicates
        + landing.quarantined.total()
        + landing.set_aside.total()
        + landing.pending
    )
    assert_sound(lake)


def assert_sound(lake: Path | str) -> None:
    """The ledger tells what is there, nothing stands there twice, and no event is told twice.

    What is counted by second and by minute are the requests there, and days forgotten since.
    """
    there = recounted(lake)
    days = {kind[1] for kind in there}
    assert {kind: n for kind, n in counts(lake).items() if kind[1] in days} == there
    by_minute = minutes_recounted(lake)
    of_days = {kind[1] for kind in by_minute}
    assert {kind: n for kind, n in minutes(lake).items() if kind[1] in of_days} == by_minute
    ledger = rows(lake, "landings")
    for row in ledger:
        told = row["rows"] + row["duplicates"] + row["quarantined"] + row["set_aside"]
        assert row["lines"] == told, row
    held = {name: rows(lake, name) for name in (*TOLD, "quarantine")}
    for name, found in held.items():
        said: Counter[str] = Counter()
        for row in ledger:
            if name == "quarantine":
                said[row["blob"]] += row["quarantined"]
            elif row["dataset"] == name:
                said[row["blob"]] += row["rows"]
        assert Counter(row["blob"] for row in found) == +said, name
    for name in TOLD:
        assert max(_events(name, held[name]).values(), default=1) == 1, name
    # What is read again because it was rewritten stands where something else stood before.
    rewritten = {row["blob"] for row in ledger if row["generation"]}
    places = Counter(
        (row["blob"], row["position"], row["item"])
        for each in held.values()
        for row in each
        if row["blob"] not in rewritten
    )
    assert not places or max(places.values()) == 1
