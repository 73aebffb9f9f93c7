"""Diagnose: from the queries' answers to findings; frames in, values out, no clock, no lake."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from pipeline import limits
from pipeline.answer import Answer
from pipeline.config import Slo
from pipeline.exhibit import numbered
from pipeline.finding import (
    Caller,
    Combination,
    Companion,
    Destination,
    Event,
    Evidence,
    Exhaustion,
    GatewayTime,
    Hypothesis,
    Impact,
    Incident,
    LatencyShift,
    Mechanism,
    Ports,
    Sample,
    Snat,
    Span,
    Status,
    Trigger,
    Verdict,
    Way,
)
from pipeline.hypotheses import hypotheses
from pipeline.hypothesis import Case
from pipeline.transforms import companions, latency, localisation
from pipeline.transforms.grid import Series, level, series
from pipeline.transforms.incidents import Run
from pipeline.transforms.overhead import overhead
from pipeline.transforms.ports import Bounds, bounds
from pipeline.transforms.trigger import LAST_MINUTES, trigger
from pipeline.transforms.ways import Ways, ways
from pipeline.window import MINUTE, Window, floor, iso
from pipeline.wording import factor, lag, share

DIMENSIONS = ["destination", "api", "operation", "region", "subscription"]
HEALTHY_SHARE = 0.02
LEAST_CALLS = 20
MOST_DESTINATIONS = 12
LIKELY = 0.7
SIGNIFICANT = 0.05
# What moved with the failures is looked for this far around them.
NEAR = timedelta(hours=6)
# A step smaller than this is no event, however surely it is one.
MATERIAL = 1.25

# What no gateway log can show, and what could.
CANNOT_SEE = (
    "Port counters (SnatConnectionCount, UsedSnatPorts, a Load Balancer health event): none was "
    "read, so exhaustion of ports can be excluded or left open, never confirmed.",
    "Which unit served a request: gateway logs do not say. Bounds are for the unluckiest unit.",
    "Side calls (send-request), and retries inside the gateway's policies: they hold ports that "
    "neither bound counts.",
    "Changes to the configuration: no activity log was read.",
)


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is known of one incident: its run, its way out, and the answers, by query."""

    run: Run
    window: Window
    way: limits.Way
    answers: Mapping[str, Answer]
    number: int

    def frame(self, query: str) -> pl.DataFrame:
        """A query's rows, those of other gateways left out."""
        frame = self.answers[query].frame
        return (
            frame.filter(pl.col("gateway") == self.run.gateway)
            if "gateway" in frame.columns
            else frame
        )

    def facts(self) -> dict[str, Any]:
        """What hypotheses and figures may ask for, by the names of their parameters."""
        run = self.run
        during = _during(self.frame("hosts"))
        return {
            "run": run,
            "window": self.window,
            "way": self.way,
            "ways": ways(self.frame("failures_by_minute"), run),
            "ports": bounds(self.frame("ports_by_minute"), run, self.way),
            "latency": latency.shifts(self.frame("backend_time_by_minute"), run, self.window),
            "overhead": overhead(self.frame("overhead_by_minute"), run, self.window),
            "calls_during": during,
            "healthy": [
                name
                for name, (calls, failed) in during.items()
                if calls >= LEAST_CALLS and failed / calls < HEALTHY_SHARE
            ],
            **{name: self.frame(name) for name in self.answers},
        }


def incident(seen: Seen, slo: Slo) -> Incident:
    """The finding on one incident."""
    run = seen.run
    facts = seen.facts()
    died: Ways = facts["ways"]
    cases = {name: each.tried(facts) for name, each in hypotheses().items()}
    ranked = _ranked(cases, seen.number)
    top = ranked[0]
    targets = _destinations(seen, facts)
    worst = targets[0].name if targets and targets[0].failures else None
    why_trigger = trigger(
        top.id, worst, seen.frame("calls_by_minute"), facts["latency"], run, seen.window
    )
    return Incident(
        id=f"{run.gateway.rpartition('/')[2]}-{run.start:%Y%m%dT%H%MZ}",
        gateway=run.gateway,
        start=_time(run.start),
        end=iso(run.end),
        threshold=run.threshold,
        verdict=_mechanism(top, cases[top.id], why_trigger),
        snat=_snat(facts),
        destinations=targets,
        instances=[],
        hypotheses=ranked,
        impact=_impact(seen, slo),
        demand=None,
        mitigations=None,
        ways=_ways(died),
        combinations=_combinations(seen.frame("failures_by_attributes")),
        companions=_companions(seen, worst),
        latency=[_shift(each) for each in facts["latency"]][:MOST_DESTINATIONS],
        gateway_time=GatewayTime(
            p95_before_ms=facts["overhead"].before_ms,
            p95_during_ms=facts["overhead"].during_ms,
            negative_share=facts["overhead"].negative_share,
        ),
        failing_callers=[
            Caller(
                caller_ip=row["caller_ip"],
                subscription=row["subscription"],
                requests=round(row["requests"]),
                failures=round(row["failures"]),
            )
            for row in seen.frame("failing_callers").iter_rows(named=True)
        ],
        samples=_samples(seen.frame("failure_samples")),
        timeline=_timeline(seen, facts, why_trigger, worst),
        cannot_see=list(CANNOT_SEE),
        do_first=[hypotheses()[each.id].do_first for each in _open(ranked)],
    )


def _during(hosts: pl.DataFrame) -> dict[str, tuple[float, float]]:
    """Calls and failures of each destination during a run."""
    summed = hosts.group_by("destination").agg(pl.col("calls").sum(), pl.col("failures").sum())
    return {name: (calls, failed) for name, calls, failed in summed.sort("destination").iter_rows()}


def _ranked(cases: Mapping[str, Case], number: int) -> list[Hypothesis]:
    """All hypotheses, the most probable first; probabilities sum to 1, the excluded have none."""
    scores = {
        name: math.log(hypotheses()[name].prior) + sum(each.weight for each in case.evidence)
        for name, case in cases.items()
        if case.verdict is not Verdict.EXCLUDED
    }
    highest = max(scores.values())
    odds = {name: math.exp(score - highest) for name, score in scores.items()}
    total = sum(odds.values())
    return sorted(
        (
            Hypothesis(
                id=name,
                probability=round(odds.get(name, 0.0) / total, 4),
                verdict=case.verdict,
                evidence=[
                    Evidence(
                        says=each.says,
                        direction=each.direction,
                        weight=each.weight,
                        figure=each.figure and numbered(each.figure, number),
                    )
                    for each in case.evidence
                ],
                would_decide=case.would_decide,
                about=hypotheses()[name].about,
            )
            for name, case in cases.items()
        ),
        key=lambda each: (-each.probability, each.id),
    )


def _open(ranked: list[Hypothesis]) -> list[Hypothesis]:
    """The hypotheses to act on: the likeliest, and those that come near it."""
    return [
        each
        for each in ranked[:3]
        if each.verdict is not Verdict.EXCLUDED and each.probability >= 0.15
    ]


def _mechanism(top: Hypothesis, case: Case, why: tuple[Trigger, str]) -> Mechanism:
    supported = top.verdict is Verdict.SUPPORTED and top.probability >= LIKELY
    return Mechanism(
        mechanism=top.id,
        trigger=why[0],
        trigger_why=why[1],
        amplifiers=None,
        status=Status.CONFIRMED
        if supported and case.recorded
        else Status.LIKELY
        if supported
        else Status.UNDECIDED,
        probability=top.probability,
    )


def _snat(facts: Mapping[str, Any]) -> Snat:
    """Excluded where no destination that failed can have come up to the limit; else left open.

    A destination whose calls all went well did not want for a port, whatever its bound.
    """
    way: limits.Way = facts["way"]
    failed = {name: failures for name, (_, failures) in facts["calls_during"].items()}
    held: list[Bounds] = [each for each in facts["ports"] if failed.get(each.destination)]
    unplaced: float = facts["ways"].unplaced
    if unplaced:
        return Snat(
            verdict=Exhaustion.UNDECIDED,
            why=f"{unplaced:,.0f} failed calls do not say where they went, so that their ports "
            "cannot be bounded, and no port counter was read that could decide.",
        )
    if not held:
        return Snat(
            verdict=Exhaustion.EXCLUDED,
            why="No call that failed is known to have left by a public path, and only those hold "
            "translation ports.",
        )
    over = [each for each in held if not each.excluded]
    named = max(over or held, key=lambda each: (failed[each.destination], each.upper_peak))
    if not over:
        return Snat(
            verdict=Exhaustion.EXCLUDED,
            why="Even if every call had taken a port of its own, all on one unit, "
            f"{named.destination} would have held {named.upper_peak:,} ports at its peak"
            f"{_sharing(named)}; {named.limit:,} {_there(way)}.",
        )
    return Snat(
        verdict=Exhaustion.UNDECIDED,
        why=f"{named.destination} held between {named.lower_peak:,} and {named.upper_peak:,} ports "
        f"at its peak{_sharing(named)}, if all on one unit; {named.limit:,} {_there(way)}. The "
        "limit lies "
        f"{'below' if named.lower_peak >= named.limit else 'inside'} this band, and no port "
        "counter was read that could decide.",
    )


def _sharing(bound: Bounds) -> str:
    if not bound.sharing:
        return ""
    return f" ({bound.sharing} hosts of unknown address counted in, which may be on the same ip)"


def _there(way: limits.Way) -> str:
    return "are there" if way.documented else "are assumed to be there"


def _destinations(seen: Seen, facts: Mapping[str, Any]) -> list[Destination]:
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
    address, _, port = name.rpartition(":")
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
        port=int(port),
        requests=round(hosts["calls"].sum()),
        failures=round(hosts["failures"].sum()),
        first_failure=iso(hosts["first_failure"].min()),  # type: ignore[arg-type]
        ports=_ports(held, seen.way) if held else None,
        peak_per_s=peak["peak_per_s"],
        peak_at=iso(peak["peak_at"]),
        mean_per_s_in_peak_minute=peak["mean_per_s"],
        usual_per_s=before["mean_per_s"].median() if before.height else None,  # type: ignore[arg-type]
    )


def _ports(held: Bounds, way: limits.Way) -> Ports:
    return Ports(
        scope="total" if way.shared else "unit",
        lower_peak=held.lower_peak,
        estimate_peak=None,
        upper_peak=held.upper_peak,
        limit=held.limit,
        limit_from=f"{way.ports.origin}: {way.ports.source}",
        peak_at=iso(held.peak_at),
        demand_peak=None,
        basis="gateway_logs",
    )


def _impact(seen: Seen, slo: Slo) -> Impact:
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


def _ways(died: Ways) -> list[Way]:
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


def _combinations(cells: pl.DataFrame) -> list[Combination]:
    return [
        Combination(
            attributes=each.attributes,
            requests=round(each.requests),
            failures=round(each.failures),
            share_of_failures=each.share_of_failures,
            share_of_requests=each.share_of_requests,
            rate_inside=each.rate_inside,
            rate_outside=each.rate_outside,
        )
        for each in localisation.common(cells, DIMENSIONS)
    ]


def _companions(seen: Seen, worst: str | None) -> list[Companion]:
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
        held = seen.frame("ports_by_minute").filter(pl.col("destination") == worst)
        found[f"Calls in flight to {worst}"] = level(held, near, "in_flight_peak")
        answered = seen.frame("backend_time_by_minute").filter(
            pl.col("succeeded") & (pl.col("destination") == worst)
        )
        found[f"BackendTime of successes at {worst} (p95)"] = series(answered, near, "p95_ms", 0)
    statuses = seen.frame("failures_by_minute").filter(pl.col("backend_status") >= 400)
    found["Error statuses from backends"] = series(statuses, near, "requests", 0)
    return found


def _shift(each: latency.Shift) -> LatencyShift:
    return LatencyShift(
        destination=each.destination,
        baseline=Span(start=_time(each.baseline.start), end=_time(each.baseline.stop))
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


def _samples(frame: pl.DataFrame) -> list[Sample]:
    return [
        Sample(
            time=_time(row["time"]),
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


def _timeline(
    seen: Seen, facts: Mapping[str, Any], why: tuple[Trigger, str], worst: str | None
) -> list[Event]:
    run = seen.run
    number = seen.number
    events = [
        Event(time=_time(run.start), says="The first failed request started.", figure="F1a"),
        Event(
            time=_time(run.worst_minute),
            says=f"The worst minute: {share(run.worst_rate)} of the gateway's requests failed.",
            figure="F1a",
        ),
    ]
    if why[0] is Trigger.TRAFFIC_SURGE:
        before = floor(run.start) - LAST_MINUTES * MINUTE
        events.append(Event(time=_time(before), says=why[1], figure="F1b"))
    for shift in facts["latency"]:
        moved = abs(math.log(shift.change_factor or 1)) >= math.log(MATERIAL)
        if shift.destination == worst and shift.change_from and moved:
            events.append(
                Event(
                    time=_time(shift.change_from),
                    says=f"BackendTime of successful calls to {worst} (p95) became "
                    f"{factor(shift.change_factor)} as long, {_within(shift)}.",
                    figure="F3",
                )
            )
    for bound in facts["ports"]:
        if bound.destination == worst and bound.peak_at:
            events.append(
                Event(
                    time=_time(bound.peak_at),
                    says=f"Most ports may have been held to {worst}: up to {bound.upper_peak:,}.",
                    figure="T2",
                )
            )
    if run.end:
        events.append(
            Event(time=_time(run.end), says="The last failed request ended.", figure="F1a")
        )
    else:
        events.append(
            Event(time=_time(run.last), says="The data ends; failures were still going on.")
        )
    return [
        Event(time=each.time, says=each.says, figure=each.figure and numbered(each.figure, number))
        for each in sorted(events, key=lambda each: each.time)
    ]


def _within(shift: latency.Shift) -> str:
    """The minutes in which a level changed, in words."""
    if shift.change_from == shift.change_to:
        return f"in the minute from {shift.change_from:%H:%M}"
    return f"between {shift.change_from:%H:%M} and {shift.change_to:%H:%M}"


def _time(moment: datetime) -> str:
    return iso(moment) or ""
