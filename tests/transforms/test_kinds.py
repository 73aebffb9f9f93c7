"""Kinds: what SQL says of one request of a kind is what it says of each."""

from datetime import time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ask import without_topology
from pipeline.datasets import datasets
from pipeline.engines.duckdb import DuckDB
from pipeline.query import queries
from pipeline.transforms.kinds import READ, TEXTS, by_kind
from tests.tables import on_day

SCHEMA = datasets()["requests"].arrow_schema
TOLD = (
    "resource_id",
    "instance",
    "api",
    "caller",
    "called",
    "port",
    "host",
    "ending",
    "result",
    "weight",
)
# Of each column that is read, values that SQL tells apart, and two that it does not.
VALUES: dict[str, tuple[object, ...]] = {
    "resource_id": ("gw", "app", None),
    "instance": ("a", "b", None),
    "api": ("orders", "stock", None),
    "subscription": ("shop", None),
    "caller_ip": ("192.0.2.1", "192.0.2.2", None),
    "backend_host": ("pay.example.net", "api.example.net", None),
    "backend_protocol": ("HTTP/1.1", "HTTP/2", None),
    "backend_port": (443, 8443, None),
    "backend_status": (200, 403, 500, None),
    "status": (0, 200, 499, 500, 503, None),
    "success": (True, False, None),
    "errors": (0, 1, 2, None),
    "error_reason": ("BackendConnectionFailure", "ClientConnectionFailure", "10060", "0", None),
    "error_message": (
        "The connected party did not properly respond",
        "the target machine actively refused it",
        "The remote name could not be resolved",
        "Only one usage of each socket address is permitted",
        None,
    ),
    "error_ip": ("203.0.113.7", None),
    "error_port": (8443, None),
    "weight": (1.0, 2.5),
    "backend_ms": (0, 90_000, None),
    "total_ms": (7, None),
}
ROWS = st.lists(
    st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()}),
    min_size=1,
    max_size=40,
)


@pytest.fixture(scope="module")
def engine() -> DuckDB:
    """An engine without topology; to open it takes longer than to ask it."""
    engine = DuckDB(threads=1)
    without_topology(engine)
    return engine


def table(rows: list[dict[str, object]]) -> pa.Table:
    """Requests that came second by second, each at a position of its own."""
    told = [
        {**row, "time": on_day(time(10, 0, number)), "position": number}
        for number, row in enumerate(rows)
    ]
    return pa.Table.from_pylist(told, SCHEMA)


def judged(engine: DuckDB, requests: pa.Table) -> dict[int, tuple[object, ...]]:
    """How each request ended, by its position."""
    engine.hold("requests", requests)
    answer = engine.ask(queries()["request_kinds"], {}).to_pylist()
    return {row["kind"]: tuple(row[name] for name in TOLD) for row in answer}


def as_read(requests: pa.Table, by_number: bool) -> pa.Table:
    """The columns that are read, texts told by number as Parquet may keep them, or as they are."""
    read = requests.select(READ)
    for name in TEXTS if by_number else ():
        told = read[name].dictionary_encode()
        read = read.set_column(read.schema.get_field_index(name), name, told)
    return read


@settings(deadline=None, max_examples=40)
@given(ROWS, st.integers(1, 4), st.booleans())
def test_each_request_ended_as_its_kind_did(
    engine: DuckDB, rows: list[dict[str, object]], at_once: int, by_number: bool
) -> None:
    requests = table(rows)
    parts = [requests.slice(start, at_once) for start in range(0, len(rows), at_once)]
    found = by_kind(as_read(part, by_number) for part in parts)
    by_itself, of_kinds = judged(engine, requests), judged(engine, found.kinds)
    assert [of_kinds[kind] for kind in found.kind] == [by_itself[n] for n in range(len(rows))]
    assert found.began_us.tolist() == requests["time"].cast(pa.int64()).to_pylist()
    lasted = [
        row["backend_ms"] if row["backend_ms"] is not None else row["total_ms"] for row in rows
    ]
    assert found.busy_ms.tolist() == [each or 0 for each in lasted]


def test_requests_that_differ_in_nothing_that_matters_are_of_one_kind() -> None:
    alike = {"resource_id": "gw", "subscription": "shop", "status": 200, "weight": 1.0}
    rows = [
        {**alike, "caller_ip": f"192.0.2.{n}", "backend_ms": n, "total_ms": n} for n in range(9)
    ]
    found = by_kind([as_read(table(rows), by_number=True)])
    assert found.kinds.num_rows == 1
    assert found.kind.tolist() == [0] * 9


def test_more_kinds_than_one_number_tells_are_told_apart_all_the_same() -> None:
    """Numbers far apart in many columns: their product is more than any integer holds."""
    far = (-(2**31) + 1, 2**31 - 1)
    rows: list[dict[str, object]] = [
        {"backend_port": port, "status": status, "errors": errors, "error_port": port}
        for port in far
        for status in far
        for errors in far
    ]
    found = by_kind([as_read(table(rows), by_number=True)])
    assert found.kind.tolist() == list(range(8))
