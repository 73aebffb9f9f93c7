"""Overdue: the dead man's check, whether a run did well lately and the data came without gaps."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipeline import manifest as manifests
from pipeline.engines.duckdb import DuckDB
from pipeline.lake import Lake
from pipeline.upkeep import HOUR, Coverage, coverage

REQUESTS = "requests"
# Manifests looked through for a run that did well.
MOST_READ = 500


@dataclass(frozen=True, slots=True)
class Watch:
    """What was looked at: a run that did well, or a resource's requests; and whether it is well."""

    about: str
    well: bool
    says: str
    cure: str = ""


def watched(lake: Lake, max_age: timedelta, max_gap: timedelta, now: datetime) -> list[Watch]:
    """Whether a run did well within ``max_age``, and no resource was silent for ``max_gap``."""
    if not lake.exists() and not manifests.latest(lake):
        cure = "run 'gateway-rca run CONFIG'; see the scheduler's log if it should have"
        return [Watch("runs", False, f"no lake is at {lake.location}", cure)]
    found = list(coverage(REQUESTS, lake, DuckDB()))
    silent = [_requests(each, max_age, max_gap, now) for each in found]
    if not found:
        silent = [Watch(REQUESTS, False, "the lake holds none", "see 'gateway-rca doctor'")]
    return [_runs(lake, max_age, now), *silent]


def _runs(lake: Lake, max_age: timedelta, now: datetime) -> Watch:
    tried = 0
    last = ""
    for name in manifests.latest(lake)[:MOST_READ]:
        each = manifests.read(lake, name)
        if now - each.started > max_age:
            break
        if each.outcome == "done":
            return Watch("runs", True, f"the run of {each.started:%Y-%m-%dT%H:%M:%SZ} did well")
        tried += 1
        last = last or "; ".join(each.errors or each.notes) or f"it is {each.outcome}"
    told = f"none did well in the last {_hours(max_age)}"
    if not tried:
        return Watch("runs", False, f"{told}: none began", "see the scheduler and its log")
    cure = "mend that; 'gateway-rca doctor --config CONFIG' helps"
    return Watch("runs", False, f"{told}, of {tried}; the last: {last}", cure)


def _requests(of: Coverage, max_age: timedelta, max_gap: timedelta, now: datetime) -> Watch:
    name = of.resource_id or "resource not told"
    today = now.astimezone(UTC).replace(tzinfo=None)
    end = of.last + HOUR
    cure = "see its diagnostic setting and the storage account"
    if today - end > max_age:
        return Watch(name, False, f"no requests since {end:%Y-%m-%dT%H:%M} UTC", cure)
    holes = [*_holes(of, max_gap, today - max_age)]
    if holes:
        return Watch(name, False, f"no requests {', '.join(holes)}", cure)
    return Watch(name, True, f"requests up to {end:%Y-%m-%dT%H:%M} UTC")


def _holes(of: Coverage, longest: timedelta, since: datetime) -> Iterator[str]:
    for gap in of.gaps:
        stop = gap.last + HOUR
        if stop > since and stop - gap.first >= longest:
            yield f"from {gap.first:%Y-%m-%dT%H:%M} to {stop:%Y-%m-%dT%H:%M} UTC"


def _hours(age: timedelta) -> str:
    return f"{age.total_seconds() / 3600:.0f} h"
