"""How fast logs land, beside the barest way to bring the same columns into Parquet.

Both ways, and the report on what landed, run in turns, each in a process of its own, so that its
peak memory is its own. Only ratios within one run tell something: machines differ, and are shared.
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.gateway_logs import written

MEGABYTE = 1_000_000
THREADS = 2


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run took: wall time without imports, time on all processors, most memory held."""

    seconds: float
    processor_seconds: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Result:
    """The runs of all ways on one set of logs; ``ratio`` is 1.0 where landing is as fast as bare.

    ``processor_ratio`` compares the time on all processors, which neighbours disturb less.
    """

    megabytes: float
    records: int
    blobs: int
    land: list[Taken]
    bare: list[Taken]
    incident: list[Taken]
    ratio: float
    processor_ratio: float


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="gateway-rca-bench-") as folder:
        result = measured(
            Path(folder),
            round(arguments.gigabytes * 1000 * MEGABYTE),
            round(arguments.blob_megabytes * MEGABYTE),
            arguments.rounds,
        )
    print(json.dumps(asdict(result), indent=2) if arguments.json else table(result))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.landing", description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=0.3, help="logs to make (default: 0.3)")
    parser.add_argument("--blob-megabytes", type=float, default=4, help="size of a blob (4)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each way (default: 3)")
    parser.add_argument("--json", action="store_true", help="print every run as JSON")
    return parser.parse_args()


def measured(folder: Path, size_bytes: int, blob_bytes: int, rounds: int) -> Result:
    """Makes logs in the folder and runs all ways over them in turns."""
    exports, lake, output = folder / "exports", folder / "lake", folder / "output"
    logs = written(exports, size_bytes, blob_bytes)
    runs: dict[str, list[Taken]] = {"land": [], "bare": [], "incident": []}
    for _ in range(rounds):
        for made in (lake, output):
            shutil.rmtree(made, ignore_errors=True)
        output.mkdir()
        runs["bare"].append(_alone(bare, exports, output / "bare.parquet"))
        runs["land"].append(_alone(land, exports, lake))
        runs["incident"].append(_alone(incident, lake, output / "rca.json"))
    return Result(
        megabytes=sum(each.stat().st_size for each in exports.rglob("*.json")) / MEGABYTE,
        records=logs.hours * logs.records_an_hour,
        blobs=logs.hours,
        land=runs["land"],
        bare=runs["bare"],
        incident=runs["incident"],
        ratio=_seconds(runs["bare"]) / _seconds(runs["land"]),
        processor_ratio=_processor_seconds(runs["bare"]) / _processor_seconds(runs["land"]),
    )


def _alone(way: Callable[[Path, Path], Taken], source: Path, target: Path) -> Taken:
    """What a way takes in a new process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(way, source, target).result()


def land(exports: Path, lake: Path) -> Taken:
    """Lands the exports in a fresh lake."""
    from pipeline.lake import Lake
    from pipeline.land import land as landed

    return _taken(lambda: landed([str(exports)], Lake(lake)))


def bare(exports: Path, output: Path) -> Taken:
    """Reads the same fields with DuckDB, all at once, and writes them as sorted Parquet."""
    import duckdb

    from pipeline.sources.apim_gateway_logs import apim_gateway_logs

    sql = Path(__file__).with_name("bare.sql").read_text(encoding="utf-8")
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in apim_gateway_logs.columns().items())
    for name, value in (
        ("$blobs", f"'{exports}/**/*.json'"),
        ("$columns", f"{{{columns}}}"),
        ("$output", f"'{output}'"),
    ):
        sql = sql.replace(name, value)
    return _taken(lambda: duckdb.connect(config={"threads": THREADS}).execute(sql))


def incident(lake: Path, output: Path) -> Taken:
    """Writes the report on what landed, as JSON, HTML and PDF."""
    from pipeline.config import Settings
    from pipeline.lake import Lake
    from pipeline.report import Format
    from pipeline.run import incident_report

    outputs = {each: output.with_suffix(f".{each}") for each in Format}
    return _taken(
        lambda: incident_report(
            [], Lake(lake), (None, None), Settings(), outputs, lambda _: None, lambda _: None
        )
    )


def _taken(work: Callable[[], object]) -> Taken:
    began, began_processor = time.perf_counter(), time.process_time()
    work()
    return Taken(
        time.perf_counter() - began,
        time.process_time() - began_processor,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE,
    )


def _seconds(runs: list[Taken]) -> float:
    return statistics.median(run.seconds for run in runs)


def _processor_seconds(runs: list[Taken]) -> float:
    return statistics.median(run.processor_seconds for run in runs)


def table(result: Result) -> str:
    """The medians as Markdown, with what is needed to run it again."""
    rows = [
        _row("`land` into a fresh lake", result.land, result.megabytes),
        _row("bare DuckDB, Parquet by time", result.bare, result.megabytes),
        _row("`incident` on that lake", result.incident, None),
    ]
    return "\n".join(
        [
            f"{result.megabytes:,.0f} MB of logs, {result.records:,} records in {result.blobs:,} "
            f"blobs; rounds: {len(result.land)}; times are medians, peak memory is the highest.",
            f"{_machine()}; {datetime.now(UTC):%Y-%m-%d}.",
            "",
            "| way | seconds | MB/s | processor seconds | peak memory (MB) |",
            "|---|---:|---:|---:|---:|",
            *rows,
            "",
            f"Ratio bare / land: {result.ratio:.2f} (processor time {result.processor_ratio:.2f}); "
            "1.0 means as fast.",
        ]
    )


def _row(name: str, runs: list[Taken], megabytes: float | None) -> str:
    seconds = _seconds(runs)
    speed = f"{megabytes / seconds:,.0f}" if megabytes else ""
    return (
        f"| {name} | {seconds:.2f} | {speed} | {_processor_seconds(runs):.2f} "
        f"| {max(run.peak_mb for run in runs):,.0f} |"
    )


def _machine() -> str:
    parts = ("duckdb", "deltalake", "pyarrow", "polars")
    versions = ", ".join(f"{part} {version(part)}" for part in parts)
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, "
        f"Python {platform.python_version()}, {versions}"
    )


if __name__ == "__main__":
    main()
