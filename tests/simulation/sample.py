"""The files of a sample: blobs, settings, truth and, if wanted, the true port occupancy."""

import csv
import gzip
import io
import json
from datetime import timedelta
from pathlib import Path

import numpy as np

from tests.simulation.delivery import deliver
from tests.simulation.dirt import Dirt, soil
from tests.simulation.occupancy import per_second
from tests.simulation.run import Run, run, without_port_limit
from tests.simulation.scenario import START, Scenario
from tests.simulation.topology import SETTINGS_NAME, settings
from tests.simulation.truth import truth

Files = dict[str, bytes]
TRUTH = "truth.json"


def sample(name: str, seed: int, scenario: Scenario, rng: np.random.Generator) -> tuple[Run, Files]:
    """A run of the scenario and its files by their path; `name` and `seed` go into the truth.

    Where ports ran out, the same is run again without a limit, for the demand that was there.
    """
    actual = run(scenario, rng)
    wanted = actual
    if actual.starved_connects:
        wanted = run(without_port_limit(scenario), np.random.default_rng(seed))
    blobs, dirt = gateway_logs(actual, rng)
    label = truth(name, seed, run=actual, wanted=wanted, epoch=START, dirt=dirt)
    return actual, {
        **blobs,
        TRUTH: (json.dumps(label, indent=2) + "\n").encode(),
        SETTINGS_NAME: settings(scenario.world).encode(),
    }


def gateway_logs(run: Run, rng: np.random.Generator) -> tuple[Files, Dirt]:
    """The blobs of a run's gateway logs, and what went wrong with them."""
    return soil(deliver(run, START, rng), rng)


def compressed(files: Files) -> Files:
    """The same files with the blobs gzipped, as people keep them; Azure does not compress them."""
    return {
        **{f"{path}.gz": gzip.compress(files[path], mtime=0) for path in files if is_blob(path)},
        **{path: raw for path, raw in files.items() if not is_blob(path)},
    }


def is_blob(path: str) -> bool:
    """Whether a file of a sample is one that Azure would have written."""
    return path.endswith("PT1H.json")


def occupancy_table(run: Run) -> bytes:
    """True ports held per second, unit and destination, without the seconds in which none is."""
    seconds = int(max((lease.freed for lease in run.leases), default=0.0)) + 1
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(("time", "unit", "destination", "ports"))
    for (unit, endpoint), counts in sorted(per_second(run.leases, seconds).items()):
        for second in np.flatnonzero(counts).tolist():
            moment = START + timedelta(seconds=second)
            rows.writerow((f"{moment:%Y-%m-%dT%H:%M:%SZ}", unit, endpoint, int(counts[second])))
    return table.getvalue().encode()


def write(files: Files, folder: Path) -> None:
    """Write the files below a folder, the truth beside it: it is no export."""
    for path, raw in files.items():
        place = folder / path if path != TRUTH else folder.with_name(f"{folder.name}.{TRUTH}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(raw)
