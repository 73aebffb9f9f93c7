"""How fast each kind of export lands: what is spelled as documented, and what is taken apart.

Each kind in a process of its own and a fresh lake; all kinds in turns.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.exports import KINDS
from benchmarks.measure import (
    MEGABYTE,
    Taken,
    alone,
    machine,
    median_processor_seconds,
    median_seconds,
    peak_mb,
    table,
    timed,
)

HEADER = (
    *("export", "MB stored", "rows", "seconds", "rows/s", "MB/s"),
    *("processor seconds", "peak memory (MB)"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """The runs of a kind of export: what is stored, and the rows that it holds."""

    kind: str
    megabytes: float
    rows: int
    runs: list[Taken]


def main() -> int:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="gateway-rca-bench-") as folder:
        results = measured(
            Path(folder),
            arguments.kinds or list(KINDS),
            round(arguments.megabytes * MEGABYTE),
            arguments.rounds,
        )
    if arguments.json:
        print(json.dumps([asdict(each) for each in results], indent=2))
    else:
        print(machine(), "", table(HEADER, map(_row, results)), sep="\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.formats", description=__doc__)
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(KINDS)}; default: all")
    parser.add_argument("--megabytes", type=float, default=50, help="of each kind (default: 50)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each kind (default: 3)")
    parser.add_argument("--json", action="store_true", help="print every run as JSON")
    said = parser.parse_args()
    if unknown := set(said.kinds) - set(KINDS):
        parser.error(f"no such kind: {', '.join(sorted(unknown))}")
    return said


def measured(folder: Path, kinds: list[str], size: int, rounds: int) -> list[Result]:
    """Makes an export of each kind and lands them in turns."""
    results = []
    for kind in kinds:
        export = folder / kind
        export.mkdir()
        rows = alone(write, kind, export, size)
        stored = sum(each.stat().st_size for each in export.rglob("*") if each.is_file())
        results.append(Result(kind, stored / MEGABYTE, rows, []))
    for turn in range(rounds):
        for each in results:
            lake = folder / f"lake-{each.kind}-{turn}"
            rows, took = alone(landed, folder / each.kind, lake)
            if rows != each.rows:
                raise AssertionError(f"{each.kind}: {rows} rows landed of {each.rows}")
            each.runs.append(took)
    return results


def write(kind: str, folder: Path, size: int) -> int:
    """Makes an export; gives the number of its rows."""
    return KINDS[kind].write(folder, size)


def landed(export: Path, lake: Path) -> tuple[int, Taken]:
    """Lands an export in a fresh lake; gives the number of rows there."""
    from pipeline.lake import Lake
    from pipeline.land import land

    landing, took = timed(lambda: land([str(export)], Lake(lake)))
    return landing.rows.total(), took


def _row(result: Result) -> tuple[str, ...]:
    seconds = median_seconds(result.runs)
    return (
        KINDS[result.kind].about,
        f"{result.megabytes:,.0f}",
        f"{result.rows:,}",
        f"{seconds:.2f}",
        f"{result.rows / seconds:,.0f}",
        f"{result.megabytes / seconds:,.1f}",
        f"{median_processor_seconds(result.runs):.2f}",
        f"{peak_mb(result.runs):,.0f}",
    )


if __name__ == "__main__":
    sys.exit(main())
