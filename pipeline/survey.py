"""Survey: what a whole window of the lake holds, and the incidents that are found there."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.answer import Answer
from pipeline.ask import ask, tell_topology
from pipeline.config import Settings
from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.errors import NothingToReportError, PipelineError
from pipeline.lake import Lake
from pipeline.roll_up import keep_up
from pipeline.transforms.incidents import Run, merged, runs
from pipeline.transforms.strands import parted
from pipeline.window import MINUTE, Window, floor, iso, to_the_ms

WHOLE_WINDOW = (
    "requests_by_minute",
    "failures_by_minute",
    "calls_by_minute",
    "backend_time_by_minute",
    "overhead_by_minute",
    "availability_dips",
    "said_unwell",
)
READ = (
    "requests",
    "activity",
    "changes",
    "minutes",
    "flows",
    "metrics",
    "health_events",
    "landings",
    "quarantine",
)
LONGEST_WINDOW = timedelta(days=100)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a whole window holds, and the incidents found there, none of them looked into yet.

    ``named`` says whether the window was asked for, or is all of the data.
    """

    engine: Engine
    lake: Lake
    settings: Settings
    window: Window
    window_from: str
    named: bool
    learnt: dict[str, str]
    whole: dict[str, Answer]
    found: list[Run]


def survey(
    engine: Engine,
    lake: Lake,
    bounds: tuple[datetime | None, datetime | None],
    settings: Settings,
) -> Survey:
    """Asks what concerns the whole window; a side left open is where the data begins or ends.

    Raises ``NothingToReportError`` where the window holds no request.
    """
    keep_up(lake)
    for name in READ:
        engine.attach(name, datasets()[name], lake.files(name))
    learnt = tell_topology(engine, settings)
    window, window_from = _window(engine, bounds)
    whole = ask(engine, WHOLE_WINDOW, {"start": window.start, "stop": window.stop})
    if whole["requests_by_minute"].frame.is_empty():
        extent = ask(engine, ["extent"], {})["extent"].frame
        raise NothingToReportError(
            f"no request from {iso(window.start)} to {iso(window.stop)}; the data goes from "
            f"{iso(extent['first_start'].min())} to {iso(extent['last_start'].max())}"  # type: ignore[arg-type]
        )
    requests, failures = (
        whole[name].frame for name in ("requests_by_minute", "failures_by_minute")
    )
    at_once = runs(
        requests,
        window,
        minimum_failures=settings.incident.minimum_failures,
        minimum_minutes=settings.incident.minimum_minutes,
    )
    found = parted(merged(at_once, failures), requests, failures, window)
    named = any(bounds)
    return Survey(engine, lake, settings, window, window_from, named, learnt, whole, found)


def _window(engine: Engine, bounds: tuple[datetime | None, datetime | None]) -> tuple[Window, str]:
    """The window asked for; a side left open is where the data begins or ends."""
    extent = ask(engine, ["extent"], {})["extent"].frame
    if extent.is_empty():
        raise NothingToReportError(
            "the lake holds no requests; land an export that does (what was forgotten is not "
            "landed again: make another lake for it)"
        )
    start, stop = bounds
    first, last = extent["first_start"].min(), extent["last_start"].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        raise TypeError("the query 'extent' must give times")
    window = Window(start or first, stop or last + timedelta(microseconds=1))
    if window.stop <= window.start and start and stop:
        raise PipelineError(f"--to {iso(stop)} is not after --from {iso(start)}; swap them")
    # Beyond the data there is nothing to look at, and each minute looked at costs something.
    window = Window(max(window.start, floor(first)), min(window.stop, last + MINUTE))
    window = to_the_ms(window)
    if window.stop <= window.start:
        where = f"from {iso(start)} on" if start and start > last else f"before {iso(stop)}"
        raise NothingToReportError(
            f"no request {where}; the data goes from {iso(first)} to {iso(last)}"
        )
    if window.stop - window.start > LONGEST_WINDOW:
        day = _busiest_day(engine, window)
        raise PipelineError(
            f"the window from {iso(window.start)} to {iso(window.stop)} is longer than "
            f"{LONGEST_WINDOW.days} days; name a shorter one. Most requests are of one day: "
            f"--from {day:%Y-%m-%dT00:00} --to {day + timedelta(days=1):%Y-%m-%dT00:00}"
        )
    asked = [name for name, side in (("--from", start), ("--to", stop)) if side]
    return window, " and ".join(asked) if asked else "the data"


def _busiest_day(engine: Engine, window: Window) -> datetime:
    """The day of the window with most requests."""
    days = ask(engine, ["days"], {"start": window.start, "stop": window.stop})["days"].frame
    day = days["day"][0]
    if not isinstance(day, datetime):
        raise TypeError("the query 'days' must give times")
    return day
