"""What the number of blobs costs: landing many small ones, and looking at them again unchanged.

Each is an hour's blob. One series holds blobs of one size, so that bytes grow with their number;
the other holds the same bytes in ever more blobs. At last the same on Azure's storage, as Azurite
plays it on this machine: source and lake both there.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.gateway_logs import written
from benchmarks.measure import MEGABYTE, Taken, alone, machine, table, timed

NUMBERS = (100, 200, 500, 1000, 2000)
UPLOADS = 16
HEADER = ("where", "blobs", "kB each", "MB", "land (s)", "ms a blob", "commits", "again (s)")


@dataclass(frozen=True, slots=True)
class Landed:
    """A run of ``land``: what it took, what it read and passed over, commits in the lake behind."""

    taken: Taken
    read: int
    skipped: int
    rows: int
    commits: int


@dataclass(frozen=True, slots=True)
class Point:
    """Blobs landed in a fresh lake, then looked at again so many times."""

    where: str
    blobs: int
    megabytes: float
    first: Landed
    again: list[Landed]


def main() -> int:
    arguments = _arguments()
    points = []
    print(machine(), "", sep="\n", file=sys.stderr)
    for point in _points(arguments):
        points.append(point)
        print(" | ".join(_row(point)), file=sys.stderr, flush=True)
    if arguments.json:
        print(json.dumps([asdict(point) for point in points], indent=2))
    else:
        print(
            machine(),
            "",
            table((*HEADER, "ms a blob", "new commits"), map(_row, points)),
            sep="\n",
        )
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.blobs", description=__doc__)
    parser.add_argument(
        "--numbers", type=int, nargs="*", default=NUMBERS, help="of blobs (100 … 2000)"
    )
    parser.add_argument("--blob-kilobytes", type=float, default=100, help="size of a blob (100)")
    parser.add_argument("--megabytes", type=float, default=100, help="of the other series (100)")
    parser.add_argument("--azure-blobs", type=int, default=2000, help="on Azurite (2000); 0: none")
    parser.add_argument("--rounds", type=int, default=3, help="times to look again (default: 3)")
    parser.add_argument("--json", action="store_true", help="print every run as JSON")
    return parser.parse_args()


def _points(arguments: argparse.Namespace) -> Iterator[Point]:
    size = round(arguments.blob_kilobytes * 1000)
    for number in arguments.numbers:
        yield _here("one size", number, size, arguments.rounds)
    for number in arguments.numbers:
        size_then = round(arguments.megabytes * MEGABYTE / number)
        yield _here("same bytes", number, size_then, arguments.rounds)
    if arguments.azure_blobs:
        yield _on_azurite(arguments.azure_blobs, size, arguments.rounds)


def _here(series: str, number: int, blob_bytes: int, rounds: int) -> Point:
    with tempfile.TemporaryDirectory(prefix="gateway-rca-bench-") as folder:
        exports = Path(folder, "exports")
        written(exports, number * blob_bytes, blob_bytes)
        return _point(f"here, {series}", exports, str(exports), f"{folder}/lake", rounds)


def _on_azurite(number: int, blob_bytes: int, rounds: int) -> Point:
    """Source and lake in a container of an Azurite that lives for as long."""
    from tests.azurite import ACCOUNT, running

    with tempfile.TemporaryDirectory(prefix="gateway-rca-bench-") as folder, running() as azurite:
        exports = Path(folder)
        written(exports, number * blob_bytes, blob_bytes)
        container = azurite.container()

        def upload(file: Path) -> None:
            container.upload_blob(f"logs/{file.relative_to(exports)}", file.read_bytes())

        with ThreadPoolExecutor(UPLOADS) as pool:
            list(pool.map(upload, _files(exports)))
        os.environ["AZURE_STORAGE_CONNECTION_STRING"] = azurite.connection_string
        at = f"az://{ACCOUNT}/{container.container_name}"
        return _point("Azurite", exports, f"{at}/logs", f"{at}/lake", rounds)


def _point(where: str, exports: Path, source: str, lake: str, rounds: int) -> Point:
    """Lands a source, which holds what is in ``exports``, and then as often again."""
    files = _files(exports)
    first = alone(landed, source, lake)
    again = [alone(landed, source, lake) for _ in range(rounds)]
    for run, read in ((first, len(files)), *((each, 0) for each in again)):
        if (run.read, run.skipped) != (read, len(files) - read):
            raise AssertionError(f"{run.read} blobs read, {run.skipped} passed over")
    megabytes = sum(file.stat().st_size for file in files) / MEGABYTE
    return Point(where, len(files), megabytes, first, again)


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*.json") if file.is_file())


def landed(source: str, lake: str) -> Landed:
    """Lands a source; the time includes listing it."""
    from deltalake import DeltaTable

    from pipeline.datasets import datasets
    from pipeline.lake import Lake
    from pipeline.land import land
    from pipeline.location import delta

    landing, took = timed(lambda: land([source], Lake(lake)))
    commits = 0
    for name in datasets():
        uri, options = delta(f"{lake}/{name}")
        if DeltaTable.is_deltatable(uri, options):
            commits += DeltaTable(uri, storage_options=options).version() + 1
    return Landed(took, landing.read, landing.skipped, landing.rows.total(), commits)


def _row(point: Point) -> tuple[str, ...]:
    again = statistics.median(run.taken.seconds for run in point.again)
    first = point.first
    return (
        point.where,
        f"{point.blobs:,}",
        f"{1000 * point.megabytes / point.blobs:,.0f}",
        f"{point.megabytes:,.0f}",
        f"{first.taken.seconds:.2f}",
        f"{1000 * first.taken.seconds / point.blobs:.2f}",
        f"{first.commits:,}",
        f"{again:.2f}",
        f"{1000 * again / point.blobs:.2f}",
        f"{point.again[-1].commits - first.commits:,}",
    )


if __name__ == "__main__":
    sys.exit(main())
