"""How long the weekly review takes: 13 weeks of counts to 30 destinations, exports to pages.

A lake is made as landing leaves it, then reviewed to PDF, HTML and JSON in a process of its own;
the child that prints the PDF is told apart. Machines differ, and are shared: processor time says
more than the clock.
"""

import argparse
import resource
import tempfile
from pathlib import Path

from benchmarks.measure import (
    Taken,
    alone,
    machine,
    median_processor_seconds,
    median_seconds,
    peak_mb,
    table,
    timed,
)

UNITS = 8


def main() -> None:
    """Measures, and prints the medians as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("--calls", type=float, nargs="+", default=[1e6], help="a day (1e6)")
    parser.add_argument("--weeks", type=int, default=13, help="weeks of history (13)")
    parser.add_argument("--destinations", type=int, default=30, help="destinations (30)")
    parser.add_argument("--rounds", type=int, default=1, help="reviews of each lake (1)")
    arguments = parser.parse_args()
    rows = []
    for calls in arguments.calls:
        with tempfile.TemporaryDirectory(prefix="gateway-rca-bench-") as folder:
            lake = Path(folder) / "lake"
            counted = alone(make, lake, 7 * arguments.weeks, arguments.destinations, calls)
            found = [alone(review, lake, Path(folder)) for _ in range(arguments.rounds)]
            rows.append(_row(calls, counted, found))
    print(f"{machine()}\nWeeks: {arguments.weeks}; destinations: {arguments.destinations}.\n")
    head = ("calls a day", "rows of counts", "seconds", "processor seconds", "of these the PDF's")
    print(table((*head, "peak memory (MB)"), rows))


def _row(calls: float, counted: int, found: list[tuple[Taken, float]]) -> tuple[str, ...]:
    runs = [run for run, _ in found]
    printing = found[0][1]
    return (
        f"{calls:,.0f}",
        f"{counted:,}",
        f"{median_seconds(runs):.1f}",
        f"{median_processor_seconds(runs) + printing:.1f}",
        f"{printing:.1f}",
        f"{peak_mb(runs):,.0f}",
    )


def make(lake: Path, days: int, destinations: int, calls: float) -> int:
    """Makes the lake; gives the rows of its counts by second."""
    from benchmarks.weeks import made

    return made(lake, days, destinations, calls)


def review(lake: Path, folder: Path) -> tuple[Taken, float]:
    """What a review takes, and the processor time of the process that prints it."""
    from benchmarks.weeks import GATEWAY
    from pipeline.capacity import write_review
    from pipeline.config import Gateway, Settings
    from pipeline.lake import Lake

    settings = Settings(gateway=(Gateway(GATEWAY, units=UNITS, ports_per_unit=1024),))
    written, took = timed(lambda: write_review(Lake(lake), settings, folder / "c.pdf", ()))
    if len(written) != 3:
        raise AssertionError(f"written: {written}")
    child = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, child.ru_utime + child.ru_stime


if __name__ == "__main__":
    main()
