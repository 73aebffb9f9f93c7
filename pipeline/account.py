"""The account of one incident: destinations, impact, ways of failing, as findings."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import polars as pl

from pipeline import limits
from pipeline.config import Slo
from pipeline.finding import Span
from pipeline.incident_finding import (
    Caller,
    Combination,
    Companion,
    Destination,
    DurationMode,
    GatewayTime,
    Impact,
    LatencyShift,
    Ports,
    Sample,
    Way,
)
from pipeline.seen import Seen
from pipeline.transforms import companions, latency, localisation
from pipeline.transforms.fingerprints import Mode
from pipeline.transforms.grid import Series, level, series
from pipeline.transforms.overhead import Overhead
from pipeline.transforms.ports import Bounds
from pipeline.transforms.ways import Ways
from pipeline.window import Window, floor, iso, told
from pipeline.wording import lag

DIMENSIONS = [
    "destination",
    "api",
    "revision",
    "operation",
    "region",
    "instance",
    "subscription",
    "caller_ip",
    "protocol",
]
MOST_DESTINATIONS = 12
SIGNIFICANT = 0.05
# What moved with the failures is looked for this far around them.
NEAR = timedelta(hours=6)


def destinations(seen: Seen, facts: Mapping[str, Any]) -> list[Destination]:
    """Destinations called during the incident, most failures first."""
    found = [
        _destination(seen, str(name), frame, facts)
        for (name,), frame in seen.frame("hosts").group_by(["destination"], maintain_order=True)
    ]
    return sorted(found, key=lambda each: (-each.failures, -each.requests, each.name))[
        :MOST_DESTINATIONS
    ]


def _destination(
    seen: Seen, name: str, hosts: pl.DataFrame, facts: Mapping[str, Any]
) -> Destination:
    run = seen.run
    names = [host for host in hosts["host"].to_list() if host]
    address, port = _parted(name)
    calls = seen.frame("calls_by_minute").filter(pl.col("destination") == name)
    during = calls.filter(pl.col("minute").is_between(floor(run.start), run.last))
    peak = during.sort("peak_per_s", "minute", descending=[True, False]).row(0, named=True)
    usual = latency.baseline(run, seen.window)
    before = (
        calls.filter(pl.col("minute").is_between(usual.start, usual.stop, closed="left"))
        if usual
        else calls.clear()
    )
    held = next((each for each in facts["ports"] if each.destination == name), None)
    return Destination(
        name=name,
        host=names[0] if names else None,
        hosts=names,
        ip=None if address in names else address,
        port=port,
        requests=round(hosts["calls"].sum()),
        failures=round(hosts["failures"].sum()),
        first_failure=iso(hosts["first_failure"].min()),  # type: ignore[arg-type]
        ports=_ports(held, seen.way) if held else None,
        peak_per_s=peak["peak_per_s"],
        peak_at=iso(peak["peak_at"]),
        mean_per_s_in_peak_minute=peak["mean_per_s"],
        usual_per_s=before["mean_per_s"].median() if before.height else None,  # type: ignore[arg-type]
    )


def _parted(destination: str) -> tuple[str, int | None]:
    """Host or address, and the port; what tells of no port is a host as it stands."""
    address, _, port = destination.rpartition(":")
    return (address, int(port)) if address and port.isdecimal() else (destination, None)


def _ports(held: Bounds, way: limits.Way) -> Ports:
    return Ports(
        scope="total" if way.shared else "unit",
        lower_peak=held.lower_peak,
        estimate_peak=held.estimate_peak,
        upper_peak=held.upper_peak,
        limit=held.limit,
        limit_from=f"{way.ports.origin}: {way.ports.source}",
        peak_at=iso(held.peak_at),
        demand_peak=held.demand_peak,
        basis=held.basis,  # type: ignore[arg-type]
        instance=held.instance,
        sharing=held.sharing,
    )


def impact(seen: Seen, slo: Slo) -> Impact:
    """Who was hit, and how much."""
    row = seen.frame("impact").row(0, named=True)
    hit = (
        seen.frame("failures_by_attributes")
        .group_by("api")
        .agg(pl.col("failures").sum())
        .filter((pl.col("failures") > 0) & pl.col("api").is_not_null())
        .sort("failures", "api", descending=[True, False])
    )
    return Impact(
        requests=round(row["requests"]),
        failed=round(row["failed"]),
        operations_failed=round(row["operations_failed"]),
        failure_rate=row["failed"] / row["requests"] if row["requests"] else 0.0,
        apis=hit["api"].to_list(),
        callers=row["callers_hit"],
        callers_seen=row["callers"],
        aborted=round(row["aborted"]),
        rejected=round(row["rejected"]),
        error_budget_used=_budget(seen, slo, row["failed"]),
        longest_bad_minute_run=seen.run.longest_bad_run,
    )


def _budget(seen: Seen, slo: Slo, failed: float) -> float | None:
    """Failures as a share of those that the objective allows in its window, at this traffic."""
    if slo.availability is None or slo.window_days is None:
        return None
    minutes = seen.frame("requests_by_minute")
    a_minute = float(minutes["requests"].sum()) / max(minutes.height, 1)
    allowed = (1 - slo.availability) * a_minute * slo.window_days * 24 * 60
    return failed / allowed if allowed else None


def ways(died: Ways) -> list[Way]:
    """How requests failed, the most frequent way first."""
    grouped = (
        died.frame.group_by("outcome", "reason", "fault", "backend_status")
        .agg(pl.col("requests").sum())
        .sort("requests", "reason", "fault", "backend_status", descending=[True] + [False] * 3)
    )
    return [
        Way(
            outcome=row["outcome"],
            reason=row["reason"],
            fault=row["fault"],
            backend_status=row["backend_status"],
            requests=round(row["requests"]),
            share=row["requests"] / died.failures,
        )
        for row in grouped.iter_rows(named=True)
    ]


def combinations(seen: Seen) -> list[Combination]:
    """What the failures have in common: the smallest set that explains those beyond the usual."""
    cells = seen.frame("failures_by_attributes").with_columns(
        expected=pl.col("requests") * seen.run.usual_rate
    )
    return [
        Combination(
            attributes=each.attributes,
            requests=round(each.requests),
            failures=round(each.failures),
            share_of_failures=each.share_of_failures,
            share_of_requests=each.share_of_requests,
            rate_inside=each.rate_inside,
            rate_outside=each.rate_outside,
            same=each.same,
        )
        for each in localisation.common(cells, DIMENSIONS)
    ]


def moved_along(seen: Seen, worst: str | None) -> list[Companion]:
    """Series that moved with the failures, the closest first; those that did not are left out."""
    near = Window(
        max(seen.window.start, seen.run.start - NEAR), min(seen.window.stop, seen.run.last + NEAR)
    )
    minutes = seen.frame("requests_by_minute")
    failures: Series = sum(
        (series(minutes, near, each, 0) for each in seen.run.counted.split(",")),
        start=series(minutes, near, "requests", 0) * 0,
    )
    found = []
    for name, moved in _candidates(seen, near, worst).items():
        matched = companions.match(failures, moved)
        if matched is None or matched.p_value > SIGNIFICANT:
            continue
        found.append(
            Companion(
                series=name,
                lag_min=matched.lag_min,
                low_min=matched.low_min,
                high_min=matched.high_min,
                correlation=round(matched.correlation, 3),
                p_value=round(matched.p_value, 4),
                says=f"{name} moved {'with' if matched.correlation > 0 else 'against'} the "
                f"failures, {lag(matched.low_min, matched.high_min)}.",
            )
        )
    return sorted(found, key=lambda each: (-abs(each.correlation), each.series))


def _candidates(seen: Seen, near: Window, worst: str | None) -> dict[str, Series]:
    minutes = seen.frame("requests_by_minute")
    calls = seen.frame("calls_by_minute")
    busiest = (
        calls.group_by("destination")
        .agg(pl.col("calls").sum())
        .sort("calls", "destination", descending=[True, False])
    )
    found = {
        f"New calls to {name}": series(
            calls.filter(pl.col("destination") == name), near, "calls", 0
        )
        for name in busiest["destination"].to_list()[:6]
    }
    found["Distinct callers"] = series(minutes, near, "callers", 0)
    if worst is not None:
        held = seen.ports_by_minute().filter(pl.col("destination") == worst)
        found[f"Calls in flight to {worst}"] = level(held, near, "in_flight_peak")
        answered = seen.frame("backend_time_by_minute").filter(
            pl.col("succeeded") & (pl.col("destination") == worst)
        )
        found[f"BackendTime of successes at {worst} (p95)"] = series(answered, near, "p95_ms", 0)
    statuses = seen.frame("failures_by_minute").filter(pl.col("backend_status") >= 400)
    found["Error statuses from backends"] = series(statuses, near, "requests", 0)
    return found


def shifts(found: list[latency.Shift]) -> list[LatencyShift]:
    """How BackendTime of successes moved, the largest rise first."""
    return [_shift(each) for each in found[:MOST_DESTINATIONS]]


def gateway_time(found: Overhead) -> GatewayTime:
    """The gateway's own time, before and during."""
    return GatewayTime(
        p95_before_ms=found.before_ms,
        p95_during_ms=found.during_ms,
        negative_share=found.negative_share,
    )


def durations(found: list[Mode]) -> list[DurationMode]:
    """What the lengths of failing requests look like."""
    return [
        DurationMode(
            kind=each.kind,
            first_second=each.seconds[0],
            last_second=each.seconds[1],
            failures=round(each.failures),
            share=each.share,
            says=each.says,
        )
        for each in found
    ]


def callers(failing_callers: pl.DataFrame) -> list[Caller]:
    """Callers with most failures."""
    return [
        Caller(
            caller_ip=row["caller_ip"],
            subscription=row["subscription"],
            requests=round(row["requests"]),
            failures=round(row["failures"]),
        )
        for row in failing_callers.iter_rows(named=True)
    ]


def _shift(each: latency.Shift) -> LatencyShift:
    return LatencyShift(
        destination=each.destination,
        baseline=Span(start=told(each.baseline.start), end=told(each.baseline.stop))
        if each.baseline
        else None,
        calls_before=each.before.calls,
        calls_during=each.during.calls,
        p50_before_ms=each.before.p50,
        p50_during_ms=each.during.p50,
        p95_before_ms=each.before.p95,
        p95_during_ms=each.during.p95,
        p99_before_ms=each.before.p99,
        p99_during_ms=each.during.p99,
        change_at=iso(each.change_at),
        change_from=iso(each.change_from),
        change_to=iso(each.change_to),
        change_factor=each.change_factor,
    )


def samples(frame: pl.DataFrame) -> list[Sample]:
    """Single requests to look up."""
    return [
        Sample(
            time=told(row["time"]),
            correlation_id=row["correlation_id"],
            destination=row["destination"],
            reason=row["reason"],
            fault=row["fault"],
            backend_status=row["backend_status"],
            status=row["status"],
            elapsed_ms=row["elapsed_ms"],
            message=row["message"],
            alike=round(row["alike"]),
            blob=row["blob"],
            position=row["position"],
        )
        for row in frame.iter_rows(named=True)
    ]
