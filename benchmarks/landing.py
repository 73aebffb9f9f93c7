"""How fast logs land, beside the barest way to bring the same columns into Parquet.

All ways, and the report on what landed, run in turns, each in a process of its own, so that its
peak memory is its own. Only ratios within one run tell something: machines differ, and are shared.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.gateway_logs import written
from benchmarks.measure import (
    MEGABYTE,
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
HERE = Path(__file__).parent
RIVALS = {"polars": "Polars streaming", "chdb": "chdb (ClickHouse)"}
NAMES = {
    "land": "`land` into a fresh lake",
    "bare": "bare DuckDB",
    **{name: f"bare {engine}" for name, engine in RIVALS.items()},
    "incident": "`incident` on that lake",
}


@dataclass(slots=True)
class Result:
    """The runs of all ways on one set of logs; ``missing`` tells why a rival did not run."""

    megabytes: float
    records: int
    blobs: int
    runs: dict[str, list[Taken]]
    versions: dict[str, str]
    missing: dict[str, str]

    @property
    def ratio(self) -> float:
        """1.0 where landing is as fast as the bare way."""
        return median_seconds(self.runs["bare"]) / median_seconds(self.runs["land"])

    @property
    def processor_ratio(self) -> float:
        """The same of the time on all processors, which neighbours disturb less."""
        bare, land = self.runs["bare"], self.runs["land"]
        return median_processor_seconds(bare) / median_processor_seconds(land)


def main() -> int:
    arguments = _arguments()
    rivals = list(RIVALS) if arguments.rivals else []
    with tempfile.TemporaryDirectory(prefix="gateway-rca-bench-") as folder:
        result = measured(
            Path(folder),
            round(arguments.gigabytes * 1000 * MEGABYTE),
            round(arguments.blob_megabytes * MEGABYTE),
            arguments.rounds,
            rivals,
            arguments.rivals_python,
        )
    print(as_json(result) if arguments.json else told(result))
    peak = peak_mb(result.runs["land"])
    if arguments.most_mb and peak > arguments.most_mb:
        print(f"land held {peak:,.0f} MB, more than {arguments.most_mb:,.0f}", file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.landing", description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=0.3, help="logs to make (default: 0.3)")
    parser.add_argument("--blob-megabytes", type=float, default=4, help="size of a blob (4)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each way (default: 3)")
    parser.add_argument("--rivals", action="store_true", help="run Polars and chdb, too")
    parser.add_argument(
        "--rivals-python",
        default=sys.executable,
        help="the interpreter that has polars and chdb (default: this one)",
    )
    parser.add_argument("--most-mb", type=float, help="fail (exit 1) if land holds more memory")
    parser.add_argument("--json", action="store_true", help="print every run as JSON")
    return parser.parse_args()


def measured(
    folder: Path, size_bytes: int, blob_bytes: int, rounds: int, rivals: list[str], python: str
) -> Result:
    """Makes logs in the folder and runs all ways over them in turns."""
    exports, lake, output = folder / "exports", folder / "lake", folder / "output"
    logs = written(exports, size_bytes, blob_bytes)
    records = logs.hours * logs.records_an_hour
    fields = folder / "fields.parquet"
    alone(write_fields, fields)
    result = Result(
        megabytes=sum(each.stat().st_size for each in exports.rglob("*.json")) / MEGABYTE,
        records=records,
        blobs=logs.hours,
        runs={},
        versions={},
        missing={},
    )
    for _ in range(rounds):
        for made in (lake, output):
            shutil.rmtree(made, ignore_errors=True)
        output.mkdir()
        _add(result, "bare", alone(bare, exports, output / "bare.parquet"))
        _add(result, "land", alone(land, exports, lake))
        for name in rivals:
            if name not in result.missing:
                _rival(result, name, python, (exports, fields, output / f"{name}.parquet"))
        _add(result, "incident", alone(incident, lake, output / "rca.json"))
        alone(check, output, records)
    return result


def _add(result: Result, way: str, run: Taken) -> None:
    result.runs.setdefault(way, []).append(run)


def _rival(result: Result, name: str, python: str, paths: tuple[Path, ...]) -> None:
    """Runs a rival in its interpreter, or says why it did not run there."""
    command = [python, str(HERE / "rivals.py"), name, *map(str, paths)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (subprocess.CalledProcessError, OSError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip()
        result.missing[name] = said.splitlines()[-1]
        return
    run = json.loads(done.stdout.splitlines()[-1])
    result.versions[name] = run.pop("version")
    _add(result, name, Taken(**run))


def land(exports: Path, lake: Path) -> Taken:
    """Lands the exports in a fresh lake."""
    from pipeline.lake import Lake
    from pipeline.land import land as landed

    return taken(lambda: landed([str(exports)], Lake(lake)))


def bare(exports: Path, output: Path) -> Taken:
    """Reads the same fields with DuckDB, all at once, and writes them as sorted Parquet."""
    import duckdb

    from pipeline.sources.apim_gateway_logs import apim_gateway_logs

    sql = (HERE / "bare.sql").read_text(encoding="utf-8")
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in apim_gateway_logs.columns().items())
    for name, value in (
        ("$blobs", f"'{exports}/**/*.json'"),
        ("$columns", f"{{{columns}}}"),
        ("$output", f"'{output}'"),
    ):
        sql = sql.replace(name, value)
    return taken(lambda: duckdb.connect(config={"threads": THREADS}).execute(sql))


def write_fields(path: Path) -> None:
    """Tells the rivals which fields to read: an empty Parquet file of them."""
    import duckdb

    from pipeline.sources.apim_gateway_logs import apim_gateway_logs

    columns = ", ".join(f'"{name}" {kind}' for name, kind in apim_gateway_logs.columns().items())
    with duckdb.connect() as connection:
        connection.execute(f"create table fields ({columns})")
        connection.execute(f"copy fields to '{path}' (format parquet)")


def incident(lake: Path, output: Path) -> Taken:
    """Writes the report on what landed, as JSON, HTML and PDF."""
    from pipeline.config import Settings
    from pipeline.lake import Lake
    from pipeline.report import Format
    from pipeline.run import incident_report

    outputs = {each: output.with_suffix(f".{each}") for each in Format}
    return taken(
        lambda: incident_report(
            [], Lake(lake), (None, None), Settings(), outputs, lambda _: None, lambda _: None
        )
    )


def check(output: Path, records: int) -> None:
    """Sees that all bare ways did the same work: all records, the same columns, in their order."""
    import duckdb

    with duckdb.connect() as connection:
        names = set()
        for file in sorted(output.glob("*.parquet")):
            read = connection.read_parquet(str(file))
            names.add(tuple(read.columns))
            rows = read.aggregate("count(*), count(nullif(resource_id, ''))").fetchall()
            if rows != [(records, records)]:
                raise AssertionError(f"{file.name} holds {rows} rows of {records}")
        if len(names) != 1:
            raise AssertionError("the bare ways write other columns")


def as_json(result: Result) -> str:
    """Every run, and the ratios."""
    ratios = {"ratio": result.ratio, "processor_ratio": result.processor_ratio}
    return json.dumps(asdict(result) | ratios, indent=2)


def told(result: Result) -> str:
    """The medians as Markdown, with what is needed to run it again."""
    runs = result.runs
    ways = [name for name in NAMES if name in runs]
    versions = "".join(f", {name} {version}" for name, version in result.versions.items())
    lines = [
        f"{result.megabytes:,.0f} MB of logs, {result.records:,} records in {result.blobs:,} "
        f"blobs; rounds: {len(runs['land'])}; times are medians, peak memory is the highest.",
        machine(),
        *([f"Rivals: {versions.removeprefix(', ')}."] if versions else []),
        *(f"{NAMES[name]} did not run: {why}" for name, why in result.missing.items()),
        "",
        table(
            ("way", "seconds", "MB/s", "processor seconds", "peak memory (MB)"),
            [_row(name, runs[name], result.megabytes) for name in ways],
        ),
        "",
        f"Ratio bare / land: {result.ratio:.2f} (processor time {result.processor_ratio:.2f}); "
        "1.0 means as fast.",
    ]
    return "\n".join(lines)


def _row(name: str, runs: list[Taken], megabytes: float) -> tuple[str, ...]:
    seconds = median_seconds(runs)
    return (
        NAMES[name],
        f"{seconds:.2f}",
        "" if name == "incident" else f"{megabytes / seconds:,.0f}",
        f"{median_processor_seconds(runs):.2f}",
        f"{peak_mb(runs):,.0f}",
    )


if __name__ == "__main__":
    sys.exit(main())
