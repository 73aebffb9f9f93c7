"""Summary of capacity: what page 1 says of all resources together; values in, sentences out."""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from pipeline import capacity_finding as finding
from pipeline.answer import Answer
from pipeline.config import Slo
from pipeline.limits import Way
from pipeline.window import Window
from pipeline.wording import factor, last, of, share, short, slug

HOUR = timedelta(hours=1)
SIGNS = ("act", "watch", "unknown", "fine")
# Smaller changes are noise.
WORTH_TELLING = 0.05
SLOWER = 1.25
WINDOW_DAYS = 30


def ranked(resources: list[finding.Resource]) -> list[finding.Resource]:
    """The resources, those to act on first, then by how full they were."""
    return sorted(
        resources,
        key=lambda each: (
            SIGNS.index(each.sign),
            -(each.utilisation.peak if each.utilisation else 0),
            each.id,
        ),
    )


def name(resource: finding.Resource) -> str:
    """A resource as a sentence names it."""
    gateway = short(last(resource.gateway))
    if resource.destination:
        return f"{gateway} to {short(resource.destination)}"
    part = f" ({short(resource.instance)})" if resource.instance else ""
    return f"{gateway}: {slug(resource.kind)}{part}"


def holes(hours: pl.DataFrame, review: Window) -> list[str]:
    """Hours of the weeks reviewed in which no request of a gateway was logged, where most have."""
    found = []
    for (gateway,), rows in hours.group_by(["gateway"], maintain_order=True):
        within = rows.filter(pl.col("hour") >= review.start.replace(minute=0, second=0))
        there = set(within["hour"].to_list())
        missing = [hour for hour in _hours(review) if hour not in there]
        if missing:
            number = len(missing) + len(there)
            spans = _spans(missing)
            shown = "; ".join(
                f"{first:%Y-%m-%d %H:%M} to {stop:%Y-%m-%d %H:%M}" for first, stop in spans[:3]
            )
            more = f" and {len(spans) - 3} more" if len(spans) > 3 else ""
            found.append(
                f"{short(last(str(gateway)))}: no request was logged in {len(missing):,} of "
                f"{of(number, 'hour')} ({shown}{more}, UTC). Whether logs are missing there or "
                "nothing came, nobody can tell from here; peaks in these hours are not seen."
            )
    return found


def _hours(review: Window) -> Iterator[datetime]:
    hour = review.start.replace(minute=0, second=0, microsecond=0)
    while hour < review.stop:
        yield hour
        hour += HOUR


def _spans(hours: list[datetime]) -> list[tuple[datetime, datetime]]:
    spans: list[tuple[datetime, datetime]] = []
    for hour in hours:
        if spans and spans[-1][1] == hour:
            spans[-1] = (spans[-1][0], hour + HOUR)
        else:
            spans.append((hour, hour + HOUR))
    return sorted(spans, key=lambda each: (each[0] - each[1], each[0]))


def come_and_gone(traffic: pl.DataFrame, review: Window) -> tuple[list[str], list[str]]:
    """Destinations called for the first time, and those that were called before and no more."""
    named = traffic.with_columns(
        name=pl.col("gateway").str.split("/").list.last() + pl.lit(" to ") + pl.col("destination")
    )
    recent = pl.col("day") >= review.start.replace(hour=0, minute=0, second=0, microsecond=0)
    now = set(named.filter(recent)["name"].to_list())
    before = set(named.filter(~recent)["name"].to_list())
    return sorted(now - before) if before else [], sorted(before - now)


def reliability(answer: Answer, slo: Slo) -> list[finding.Reliability]:
    """Each API against the objective, for the weeks reviewed and the objective's window."""
    start, stop = answer.parameters["start"], answer.parameters["stop"]
    if not isinstance(start, datetime) or not isinstance(stop, datetime):
        raise TypeError("the query 'reliability' is asked for times")
    return [
        _promise(row, slo.availability, Window(start, stop))
        for row in answer.frame.iter_rows(named=True)
    ]


def _promise(row: Mapping[str, Any], promised: float | None, window: Window) -> finding.Reliability:
    known = window.stop - (row["window_first"] or window.stop)
    lost = _part(row["window_failures"], row["window_requests"])
    failing = _part(row["failures"], row["requests"])
    used = rate = None
    if promised is not None:
        # The budget is that of the whole window, of which only a part may be known.
        part = min(1.0, known / (window.stop - window.start))
        used = None if lost is None else round(lost / (1 - promised) * part, 4)
        rate = None if failing is None else round(failing / (1 - promised), 4)
    return finding.Reliability(
        gateway=row["gateway"],
        api=row["api"],
        requests=round(row["requests"], 3),
        failures=round(row["failures"], 3),
        availability=None if failing is None else round(1 - failing, 6),
        window_requests=round(row["window_requests"], 3),
        window_failures=round(row["window_failures"], 3),
        window_availability=None if lost is None else round(1 - lost, 6),
        window_days_known=math.ceil(known / timedelta(days=1)),
        budget_used=used,
        burn_rate=rate,
    )


def _part(failures: float, requests: float) -> float | None:
    return failures / requests if requests else None


def changed(resources: list[finding.Resource], new: list[str], vanished: list[str]) -> list[str]:
    """What is different from as many weeks before, the most telling first."""
    found = []
    for each in resources:
        now = _peak_by_logs(each)
        before = each.peak_before
        if now is not None and before is not None and abs(now - before) >= WORTH_TELLING:
            verb = "rose" if now > before else "fell"
            found.append(
                (
                    -abs(now - before),
                    f"{name(each)}: the peak {verb} from {share(before)} to {share(now)} of the "
                    "limit.",
                )
            )
        found += [(0.0, says) for says in _shifted(each)]
    told = [says for _, says in sorted(found)]
    told += [f"New destination: {short(each)}." for each in new]
    told += [f"No longer called: {short(each)}." for each in vanished]
    return told


def _peak_by_logs(resource: finding.Resource) -> float | None:
    """The peak by the data that tells of the weeks before as well."""
    readings = [resource.utilisation, *(each.utilisation for each in resource.other_bases)]
    used = readings[-1 if resource.basis == "flow_logs" else 0]
    return used.peak if used else None


def _shifted(resource: finding.Resource) -> Iterator[str]:
    shift = resource.shift
    if shift is None:
        return
    if shift.backend_ms and shift.backend_ms_before:
        times = shift.backend_ms / shift.backend_ms_before
        if times >= SLOWER or times <= 1 / SLOWER:
            yield (
                f"{name(resource)}: BackendTime is {factor(times)} what it was "
                f"({shift.backend_ms_before:,.0f} to {shift.backend_ms:,.0f} ms on average)."
            )
    per, before = shift.ports_per_1000_requests, shift.ports_per_1000_requests_before
    if per and before and (per / before >= SLOWER or per / before <= 1 / SLOWER):
        yield (
            f"{name(resource)}: a request takes {factor(per / before)} the ports it took, "
            "whatever the traffic."
        )


def decide(
    resources: list[finding.Resource], incomplete: list[str], slo: list[finding.Reliability]
) -> list[str]:
    """What is to be decided on Monday, the most urgent first."""
    found = [_choice(each) for each in resources if each.sign == "act"]
    found += [
        f"Watch {name(each)}: {_when(each)}."
        for each in resources
        if each.sign == "watch" and each.crossing.at_80.low
    ]
    burnt = [each for each in slo if each.budget_used is not None and each.budget_used >= 1]
    found += [
        f"The error budget of {short(each.api or 'requests without an API')} at "
        f"{short(last(each.gateway))} is used up: decide what waits until it is reliable."
        for each in burnt
    ]
    if any(not each.limit_is_fact for each in resources):
        found.append(
            "State the limit: where it is assumed, every share here is of a guess "
            "(ports_per_unit, units and egress in gateway-rca.toml)."
        )
    if incomplete:
        found.append("Find out why hours are missing from the logs: a peak may lie there.")
    return found or ["Nothing: no limit comes into sight."]


def _choice(resource: finding.Resource) -> str:
    """What helps, the least invasive of the options that give room below the alert."""
    roomy = [each for each in resource.options if each.headroom >= 0.3]
    helps = (
        f"the least invasive option that leaves room is {slug(roomy[0].id)} ({roomy[0].says}), "
        f"headroom {share(roomy[0].headroom)}"
        if roomy
        else "scale out before it is full"
    )
    return f"Act on {name(resource)}: {_when(resource)}; {helps}."


def _when(resource: finding.Resource) -> str:
    peak = resource.utilisation.peak if resource.utilisation else None
    levels = (("80 %", resource.crossing.at_80), ("100 %", resource.crossing.at_100))
    dates = [f"{level} {_by(at, resource)}" for level, at in levels if at.low]
    whose = f" on {short(resource.peak_instance)}" if resource.peak_instance else ""
    return f"peak {share(peak)}{whose}" + (f", {', '.join(dates)}" if dates else "")


def _by(at: finding.Crossing, resource: finding.Resource) -> str:
    if at.median is None:
        return f"not before {at.low}, if at all"
    since = at.low == at.median == at.high and _past(at, resource)
    return f"{'since' if since else 'by'} about {at.median}"


def _past(crossing: finding.Crossing, resource: finding.Resource) -> bool:
    at = resource.utilisation.peak_at[:10] if resource.utilisation else ""
    return crossing.median is not None and crossing.median <= at


def autoscale(resources: list[finding.Resource], ways: Mapping[str, Way], at: float) -> list[str]:
    """When to scale out, for each gateway by what is fullest there."""
    rules = []
    for gateway, way in ways.items():
        own = [each for each in resources if each.gateway == gateway and each.kind == "ports"]
        load = [
            each for each in resources if each.gateway == gateway and each.kind == "gateway_load"
        ]
        top = max(
            own, key=lambda each: each.utilisation.peak if each.utilisation else 0, default=None
        )
        if way.shared:
            rules.append(
                f"{short(last(gateway))}: units share one pool of ports, so that scaling out gives "
                f"none; alert at {share(at)} and add public addresses."
            )
        elif top is not None:
            rules.append(
                f"{short(last(gateway))}: scale out by one unit when ports to "
                f"{short(top.destination or '')} stay above {at * top.limit:,.0f} of "
                f"{top.limit:,.0f} a unit ({share(at)}) for 5 minutes; from {way.units} to "
                f"{way.units + 1} units the same demand takes {share(way.units / (way.units + 1))} "
                "of what it takes now."
            )
        rules += [
            f"{short(last(gateway))}: and when its metric {each.instance} is above "
            f"{share(at)} for 5 minutes; its peak was {share(each.utilisation.peak)}."
            for each in load
            if each.utilisation
        ]
    return rules
