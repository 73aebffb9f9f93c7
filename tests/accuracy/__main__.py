"""Command line: `python -m tests.accuracy`, which writes docs/accuracy.md."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.accuracy.page import page
from tests.accuracy.score import Trial
from tests.accuracy.trials import trials
from tests.simulation.scenario import scenario_names

PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"
REPORTED_ON = (301, 302)


def main(arguments: Sequence[str]) -> int:
    """Tries what is asked for and writes the page; 0 when it is written."""
    asked = parser().parse_args(arguments)
    families = sorted(asked.families or scenario_names())
    tried = list(tried_all(families, asked.seeds, asked.jobs))
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    asked.output.write_text(page(tried, asked.seeds), encoding="utf-8")
    print(f"written: {asked.output}", file=sys.stderr)
    return 0


def tried_all(families: Sequence[str], seeds: Sequence[int], jobs: int) -> Iterator[Trial]:
    """The trials of all families and seeds, in order, however many run at once."""
    wanted = [(family, seed) for family in families for seed in seeds]
    begun = time.monotonic()
    # Each begins afresh: the engines' threads do not outlive a fork.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        found = pool.map(trials, *zip(*wanted, strict=True))
        for (family, seed), own in zip(wanted, found, strict=True):
            said = "; ".join(f"{each.sources}: {each.grade}" for each in own)
            print(f"{time.monotonic() - begun:6.0f} s {family} {seed}: {said}", file=sys.stderr)
            yield from own


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog="python -m tests.accuracy",
        description="Diagnose simulated exports, and write how often it was right.",
        epilog="example:\n  python -m tests.accuracy --families quiet snat_burst --seeds 1 2 3 "
        "--output out/accuracy.md",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument(
        "--families", nargs="+", choices=scenario_names(), metavar="NAME", help="default: all"
    )
    result.add_argument(
        "--seeds",
        nargs="+",
        type=int,
        default=list(REPORTED_ON),
        metavar="N",
        help="1 to 3 are for developing (default: %(default)s)",
    )
    result.add_argument("--jobs", type=int, default=1, metavar="N", help="draws tried at once")
    result.add_argument(
        "--output", type=Path, default=PAGE, metavar="FILE", help="default: docs/accuracy.md"
    )
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
