"""Contradictions: what could have been against each conclusion on an incident, and was it there.

A conclusion that nothing could have contradicted is a guess, however well it fits.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import polars as pl

from pipeline.finding import Exhaustion
from pipeline.incident_finding import Check, Mechanism
from pipeline.seen import Seen
from pipeline.transforms.gaps import gaps
from pipeline.transforms.latency import baseline
from pipeline.transforms.trigger import LONGEST_LEAD
from pipeline.window import MINUTE, Window, floor
from pipeline.wording import of, slug

PORTS = {
    Exhaustion.CONFIRMED: "failed connections at zero throughout",
    Exhaustion.EXCLUDED: "failed connections above zero, or ports used up to those allocated",
    Exhaustion.UNDECIDED: "failed connections: zero or not",
}
# Gaps this near an incident may hide when it began, or how many it hit.
NEAR = timedelta(hours=1)


def contradictions(seen: Seen, facts: Mapping[str, Any], verdict: Mechanism) -> list[Check]:
    """What could have contradicted the conclusions on an incident."""
    told = dict(seen.frame("sources_around").iter_rows())
    return [
        *_mechanism(seen, facts, told, verdict.mechanism),
        *_ports(facts, told),
        *_trigger(seen, facts, told, verdict.trigger),
        *_impact(seen),
    ]


def _mechanism(
    seen: Seen, facts: Mapping[str, Any], told: Mapping[str, int], mechanism: str
) -> Iterator[Check]:
    conclusion = f"Cause: {slug(mechanism)}"
    died = facts["ways"]
    yield Check(
        conclusion=conclusion,
        source="Gateway logs: reasons and texts of failures",
        would="most failures that died of something else",
        there=died.told > 0,
        says=f"{died.told:,.0f} of {died.failures:,.0f} failures tell a reason or a status.",
    )
    capacity = seen.frame("gateway_load_by_minute").height
    yield Check(
        conclusion=conclusion,
        source="Metrics of the gateway itself: capacity, CPU, memory",
        would="a gateway that was saturated",
        there=capacity > 0,
        says=f"{of(capacity, 'reading')} around the incident." if capacity else "None was read.",
    )
    yield Check(
        conclusion=conclusion,
        source="Flow logs",
        would="connections that began, or were refused, otherwise than the gateway says",
        there=told.get("flows", 0) > 0,
        says=_rows(told, "flows"),
    )
    yield Check(
        conclusion=conclusion,
        source="Logs of the backend",
        would="a backend that saw these requests, or none of them",
        there=False,
        says="This report reads none; ask its owners for the sample requests.",
    )


def _ports(facts: Mapping[str, Any], told: Mapping[str, int]) -> Iterator[Check]:
    verdict = facts["exhaustion"].verdict
    conclusion = f"SNAT ports exhausted: {verdict}"
    own, read = len(facts["counters"]), len(facts["all_counters"])
    yield Check(
        conclusion=conclusion,
        source="Port counters of the way out",
        would=PORTS[verdict],
        there=own > 0,
        says=f"{of(own, 'counter')} of it read."
        if own
        else f"{of(read, 'counter')} read, none known to be of this way out."
        if read
        else "None was read; exports of metrics to storage leave them out.",
    )
    flows = any(each.basis == "flow_logs" for each in facts["bands"])
    yield Check(
        conclusion=conclusion,
        source="Flow logs",
        would="more, or fewer, ports held than the bounds from gateway logs say",
        there=flows,
        says=_rows(told, "flows") if flows else "None tell of the whole incident.",
    )
    yield Check(
        conclusion=conclusion,
        source="Health events of load balancers",
        would="an event that says that ports ran out, or are about to",
        there=told.get("health_events", 0) > 0,
        says=_rows(told, "health_events")
        + (" That there was none proves nothing." if not told.get("health_events") else ""),
    )


def _trigger(
    seen: Seen, facts: Mapping[str, Any], told: Mapping[str, int], trigger: str
) -> Iterator[Check]:
    conclusion = f"Trigger: {slug(trigger)}"
    usual = baseline(seen.run, seen.window)
    yield Check(
        conclusion=conclusion,
        source="Gateway logs from before the onset",
        would="another change of traffic or of BackendTime before it",
        there=usual is not None,
        says=f"{of((usual.stop - usual.start) // MINUTE, 'minute')} to compare with."
        if usual
        else "Too few minutes before the first failure.",
    )
    run = seen.run
    unseen = facts["activity_log"].unseen(Window(run.start - LONGEST_LEAD, run.start))
    yield Check(
        conclusion=conclusion,
        source="Activity log",
        would="a change of the gateway or its way out before the onset",
        there=unseen is None,
        says=_sentence(unseen.partition(": ")[2]) if unseen else _rows(told, "changes"),
    )


def _impact(seen: Seen) -> Iterator[Check]:
    run = seen.run
    near = Window(
        max(seen.window.start, floor(run.start) - NEAR),
        min(seen.window.stop, floor(run.last) + MINUTE + NEAR),
    )
    own = seen.frame("requests_by_minute")
    silent = gaps(own.filter(pl.col("minute").is_between(near.start, near.stop))["minute"], near)
    sampled = int(own["sampled"].sum())
    parts = [
        f"{of(len(silent), 'gap')} within an hour of it"
        if silent
        else "no gap within an hour of it",
        f"{of(sampled, 'record')} standing for more than one request" if sampled else "not sampled",
    ]
    yield Check(
        conclusion="Impact: requests and failures counted",
        source="Gateway logs without gaps, unsampled",
        would="requests that no record tells of",
        there=not silent and not sampled,
        says=f"{_sentence(', and '.join(parts))}.",
    )


def _sentence(text: str) -> str:
    """The text with its first letter a capital, the others as they are."""
    return text[:1].upper() + text[1:]


def _rows(told: Mapping[str, int], dataset: str) -> str:
    count = told.get(dataset, 0)
    return f"{of(count, 'row')} from an hour before it to its end." if count else "None was read."
