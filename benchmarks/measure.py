"""What a piece of work takes: seconds, processor time and memory, alone in a new process."""

import multiprocessing
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

MEGABYTE = 1_000_000
PARTS = ("duckdb", "deltalake", "pyarrow", "polars")
Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run took: wall time without imports, time on all processors, most memory held."""

    seconds: float
    processor_seconds: float
    peak_mb: float


def alone(work: Callable[..., Given], *arguments: object) -> Given:
    """What the work gives in a new process, whose memory holds nothing else."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def timed(work: Callable[[], Given]) -> tuple[Given, Taken]:
    """What the work gives and takes."""
    began, began_processor = time.perf_counter(), time.process_time()
    given = work()
    return given, Taken(
        time.perf_counter() - began, time.process_time() - began_processor, _peak_mb()
    )


def taken(work: Callable[[], object]) -> Taken:
    """What the work takes."""
    return timed(work)[1]


def _peak_mb() -> float:
    """The most memory that this process held.

    Of a process that was just made, the system's own account tells its maker's peak, if larger.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (each for each in status.read_text().splitlines() if each.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / MEGABYTE
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MEGABYTE


def median_seconds(runs: Iterable[Taken]) -> float:
    return statistics.median(run.seconds for run in runs)


def median_processor_seconds(runs: Iterable[Taken]) -> float:
    return statistics.median(run.processor_seconds for run in runs)


def peak_mb(runs: Iterable[Taken]) -> float:
    """The highest peak of all runs."""
    return max(run.peak_mb for run in runs)


def machine() -> str:
    """What the numbers were measured on, in one line."""
    versions = ", ".join(f"{part} {version(part)}" for part in PARTS)
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, "
        f"Python {platform.python_version()}, {versions}; {datetime.now(UTC):%Y-%m-%d}."
    )


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows as Markdown: the first column holds words, all others numbers."""
    line = ["---", *["---:"] * (len(header) - 1)]
    cells = [" | ".join(row) for row in (header, *rows)]
    return "\n".join(f"| {row} |" for row in (cells[0], " | ".join(line), *cells[1:]))
