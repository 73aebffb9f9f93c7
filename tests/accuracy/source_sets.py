"""Which of the exports are at hand: all of them, or one kind less."""

from tests.simulation.azure_logs import CONTAINER
from tests.simulation.other_sources import CHANGES, METRICS
from tests.simulation.sample import Files
from tests.simulation.topology import SETTINGS_NAME

ALL = "all sources"
LOGS_ALONE = "gateway logs alone"
LEFT_OUT: dict[str, tuple[str, ...]] = {
    ALL: (),
    LOGS_ALONE: (*METRICS, CHANGES, SETTINGS_NAME),
    "no metrics": METRICS,
    "no topology": (SETTINGS_NAME,),
    "no activity log": (CHANGES,),
}


def at_hand(files: Files, sources: str) -> Files:
    """The files of a set of sources."""
    out = LEFT_OUT[sources]
    return {path: raw for path, raw in files.items() if not path.startswith(out)}


def gateway_lines(files: Files) -> list[bytes]:
    """The lines of the gateway logs alone."""
    logs = (raw for path, raw in files.items() if path.startswith(CONTAINER))
    return [line for raw in logs for line in raw.split(b"\r\n") if line]
