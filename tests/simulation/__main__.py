"""Command line: `python -m tests.simulation SCENARIO --output DIR`."""

import argparse
import sys
from pathlib import Path

import numpy as np

from tests.simulation.sample import compressed, occupancy_table, sample, write
from tests.simulation.scenario import about, draw, scenario_names


def main(arguments: list[str]) -> int:
    """Simulate what is asked for; 0 when it is written."""
    asked = parser().parse_args(arguments)
    rng = np.random.default_rng(asked.seed)
    scenario = draw(asked.scenario, rng)
    simulated, files = sample(asked.scenario, asked.seed, scenario, rng)
    if asked.gzip:
        files = compressed(files)
    if asked.occupancy:
        files["occupancy.csv"] = occupancy_table(simulated)
    write(files, asked.output)
    print(f"{len(simulated.outcomes)} requests written to {asked.output}", file=sys.stderr)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line, with a list of the scenarios in its help."""
    names = scenario_names()
    width = max(map(len, names))
    shelf = "\n".join(f"  {name:{width}}  {about(name)}" for name in names)
    result = argparse.ArgumentParser(
        prog="python -m tests.simulation",
        description="Simulate an API Management gateway and write its GatewayLogs with the truth.",
        epilog=f"scenarios:\n{shelf}\n\nexample:\n"
        "  python -m tests.simulation snat_burst --seed 1 --gzip --output out/snat_burst",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("scenario", choices=names, metavar="SCENARIO", help="see the list below")
    result.add_argument("--seed", type=int, default=1, help="same seed, same bytes (default: 1)")
    result.add_argument("--output", type=Path, required=True, metavar="DIR", help="where to write")
    result.add_argument("--gzip", action="store_true", help="write PT1H.json.gz")
    result.add_argument(
        "--occupancy",
        action="store_true",
        help="also write occupancy.csv: true ports per second, unit and destination",
    )
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
