"""How fast backend calls are counted by second, and how fast ports are told from the counts.

Requests of one day to 30 destinations are made as the lake keeps them. Counting is held against the
barest scan of the columns that it uses; both run in turns, each in a process of its own. Only
ratios within one run tell something: machines differ, and are shared.
"""

import argparse
import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.measure import (
    Taken,
    alone,
    machine,
    median_processor_seconds,
    median_seconds,
    peak_mb,
    table,
    taken,
)

THREADS = 2
DAY = datetime.fromisoformat("2026-03-01")
GATEWAY = "/subscriptions/0/providers/microsoft.apimanagement/service/apim-benchmark"
# What queries/traffic/request_kinds.sql asks of a request with a call, and when that was.
USED = (
    "time, resource_id, instance, backend_host, backend_port, backend_protocol, backend_status, "
    "backend_ms, total_ms, status, success, errors, error_reason, error_message, error_ip, "
    "error_port, weight"
)
# One call in a hundred waits 21 s for a connection and gets none; the others take 40 to 420 ms.
MADE = """
select
    timestamp '2026-03-01' + to_microseconds(
        least(
            (i * 86400000000::hugeint // $rows)::bigint + (hash(i) % 5000000)::bigint,
            86399999999
        )
    ) as time,
    '$gateway' as resource_id,
    'host' || (hash(i, 1) % 30) || '.example' as backend_host,
    443 as backend_port,
    'HTTP/1.1' as backend_protocol,
    case when hash(i, 2) % 100 > 0 then 200 end as backend_status,
    case when hash(i, 2) % 100 > 0 then 40 + hash(i, 3) % 380 else 21000 end as backend_ms,
    case when hash(i, 2) % 100 > 0 then 50 + hash(i, 3) % 400 else 21010 end as total_ms,
    case when hash(i, 2) % 100 > 0 then 200 else 500 end as status,
    hash(i, 2) % 100 > 0 as success,
    0 as errors,
    case when hash(i, 2) % 100 = 0 then 'BackendConnectionFailure' end as error_reason,
    case
        when hash(i, 2) % 100 = 0
            then 'A connection attempt failed because the connected party did not properly respond'
    end as error_message,
    1.0 as weight,
    'blob' as blob,
    i as position,
    1 as item
from range($from, $to) as made (i)
"""
ROWS_A_FILE = 5_000_000


def main() -> None:
    """Measures, and prints the medians as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ports", description=__doc__)
    parser.add_argument("--rows", type=float, nargs="+", default=[1e7], help="requests (1e7)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each way (default: 3)")
    arguments = parser.parse_args()
    lines = []
    for rows in map(int, arguments.rows):
        with tempfile.TemporaryDirectory(prefix="gateway-rca-bench-") as folder:
            lines.append(_measured(Path(folder), rows, arguments.rounds))
    print(f"{machine()}\nRounds: {arguments.rounds}; times are medians, memory is the highest.\n")
    head = ("requests", "way", "seconds", "processor seconds", "peak memory (MB)", "to scan")
    print(table(head, [row for rows in lines for row in rows]))


def _measured(folder: Path, rows: int, rounds: int) -> list[tuple[str, ...]]:
    requests, counts = folder / "requests", folder / "counts"
    alone(write, requests, rows)
    runs: dict[str, list[Taken]] = {"scan": [], "count": [], "tell": []}
    for _ in range(rounds):
        shutil.rmtree(counts, ignore_errors=True)
        runs["scan"].append(alone(scan, requests))
        runs["count"].append(alone(count, requests, counts))
        runs["tell"].append(alone(tell, counts))
    bare = median_seconds(runs["scan"])
    names = {
        "scan": "bare scan of the columns used",
        "count": "counting by second, written",
        "tell": "ports by minute of the day, from the counts",
    }
    return [
        (
            f"{rows:,}",
            names[way],
            f"{median_seconds(done):.2f}",
            f"{median_processor_seconds(done):.2f}",
            f"{peak_mb(done):,.0f}",
            f"{median_seconds(done) / bare:.1f}" if way == "count" else "",
        )
        for way, done in runs.items()
    ]


def write(folder: Path, rows: int) -> None:
    """Makes the requests of a day, in files as the lake has them."""
    import duckdb

    from pipeline.datasets import datasets

    folder.joinpath("date=2026-03-01").mkdir(parents=True)
    with duckdb.connect(config={"threads": THREADS, "memory_limit": "2GB"}) as connection:
        for first in range(0, rows, ROWS_A_FILE):
            made = MADE.replace("$rows", str(rows)).replace("$gateway", GATEWAY)
            last = min(first + ROWS_A_FILE, rows)
            made = made.replace("$from", str(first)).replace("$to", str(last))
            named = {row[0] for row in connection.execute(f"describe {made}").fetchall()}
            columns = ", ".join(
                f"{each.name if each.name in named else 'null'}::{each.type} as {each.name}"
                for each in datasets()["requests"].columns
                if each.name != "date"
            )
            path = folder / "date=2026-03-01" / f"{first}.parquet"
            connection.execute(
                f"copy (select {columns} from ({made})) to '{path}' (format parquet, "
                "compression zstd, compression_level 1)"
            )


def _files(folder: Path) -> list[str]:
    return sorted(map(str, folder.rglob("*.parquet")))


def scan(requests: Path) -> Taken:
    """Reads the columns with DuckDB, and nothing more."""
    import duckdb

    columns = ", ".join(f"max({name.strip()})" for name in USED.split(","))
    sql = f"select {columns} from read_parquet({_files(requests)})"
    return taken(lambda: duckdb.connect(config={"threads": THREADS}).execute(sql).fetchall())


def count(requests: Path, counts: Path) -> Taken:
    """Counts calls by second as landing does, and writes the counts."""
    from pipeline.roll_up import counted

    return taken(lambda: counted(_files(requests), 1, {"activity": counts}))


def tell(counts: Path) -> Taken:
    """Tells the ports to each destination, by minute of the day, from the counts."""
    import polars as pl

    from pipeline.ask import without_topology
    from pipeline.datasets import datasets
    from pipeline.engines.duckdb import DuckDB
    from pipeline.limits import way_out
    from pipeline.query import queries
    from pipeline.transforms.occupancy import ports_by_minute
    from pipeline.window import Window

    def told() -> None:
        engine = DuckDB(threads=THREADS)
        without_topology(engine)
        engine.attach("activity", datasets()["activity"], _files(counts))
        day = Window(DAY, DAY + timedelta(days=1))
        bound = {"gateway": GATEWAY, "start": day.start, "stop": day.stop, "hold_s": 240}
        calls = pl.DataFrame(engine.ask(queries()["calls_in_flight"], bound))
        found = ports_by_minute(calls, day, way_out(GATEWAY, None, DAY).holds)
        if found.height != 30 * 24 * 60:
            raise AssertionError(f"{found.height} minutes told")

    return taken(told)


if __name__ == "__main__":
    main()
