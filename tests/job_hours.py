"""Three days hour by hour: the scheduled job against Azurite, run at each of 74 hours.

``python -m tests.job_hours`` lets logs of three simulated days arrive, late ones among them, with
an incident in the middle, and runs the job each hour. It ends with an error where not exactly one
incident and one weekly review came of it, or anything was lost, told or landed twice.
"""

import os
import sys
import time
import tomllib
from collections import Counter

import msgspec

from pipeline import azure_blobs, ledger
from pipeline import manifest as manifests
from pipeline.config import Settings
from pipeline.job import run
from pipeline.lake import Lake
from tests import azurite as emulator
from tests.azurite import ACCOUNT, append
from tests.exports import assert_sound
from tests.simulation.days import days
from tests.simulation.scenario import START
from tests.test_job import HOUR, at

LAST_HOUR = 74
# Friday, 03:00 UTC of the days that begin on a Tuesday at eight.
REVIEW = {"weekday": "friday", "hour": 3}


def main() -> int:
    """Runs the job each hour, and prints what came of it; 0 when all is as it must be."""
    begun = time.monotonic()
    with emulator.running() as azurite:
        os.environ["AZURE_STORAGE_CONNECTION_STRING"] = azurite.connection_string
        logs, lake, site = (azurite.container() for _ in range(3))
        place = f"az://{ACCOUNT}"
        told = days(1)
        job = msgspec.convert(
            {
                **tomllib.loads(told.settings),
                "land": {
                    "sources": [f"{place}/{logs.container_name}"],
                    "lake": f"{place}/{lake.container_name}/lake",
                },
                "capacity": REVIEW,
                "publish": [{"kind": "folder", "to": f"{place}/{site.container_name}/reports"}],
            },
            Settings,
        )
        for hour in range(1, LAST_HOUR + 1):
            now = START + hour * HOUR
            for path, content in told.between(now - HOUR, now):
                append(logs, path, content)
            errors = run(job, at(now)).errors
            assert errors == [], (hour, errors)
        home = Lake(f"{place}/{lake.container_name}/lake")
        issued = ledger.entries(home)
        assert_sound(home.location)
        kinds = Counter(each.kind for each in issued if each.revision == 1)
        assert kinds == {"incident": 1, "capacity": 1}, kinds
        [incident] = ledger.newest(each for each in issued if each.kind == "incident").values()
        assert (incident.mechanism, incident.going) == ("backend_unreachable", False)
        assert len(manifests.latest(home)) == LAST_HOUR
        names = [each.name for each in site.list_blobs()]
        folders = {name.rpartition("/")[0] for name in names}
        revisions = [each for each in issued if each.kind == "incident"]
        assert sum("/incident/" in each for each in folders) == len(revisions) + 1
        azure_blobs.close()
    print(
        f"{LAST_HOUR} runs in {time.monotonic() - begun:.0f} s: one incident in "
        f"{len(revisions)} revisions ({', '.join(f'r{each.revision}' for each in revisions)}), one "
        f"weekly review, {LAST_HOUR} manifests; nothing lost, nothing twice"
    )
    for each in revisions:
        print(f"  r{each.revision} {each.issued_at:%m-%d %H:%M} {each.says.splitlines()[-1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
