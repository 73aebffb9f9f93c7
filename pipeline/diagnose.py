"""Diagnose: from what was seen to findings; frames in, values out, no clock, no lake."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline import account, chain, witnesses
from pipeline.config import Slo
from pipeline.contradictions import contradictions
from pipeline.exhibit import numbered
from pipeline.finding import Evidence, Exhaustion, Status, Trigger, Verdict
from pipeline.flips import flips
from pipeline.hypotheses import hypotheses
from pipeline.hypothesis import Case
from pipeline.incident_finding import CounterReading, Hypothesis, Incident, Mechanism, Snat
from pipeline.seen import Seen
from pipeline.support_request import support_request
from pipeline.timeline import timeline
from pipeline.transforms import exhaustion
from pipeline.transforms.incidents import Run
from pipeline.transforms.trigger import LONGEST_LEAD, trigger
from pipeline.window import Window, iso, told

LIKELY = 0.7
# How often evidence that looks right misleads as a whole: then only the priors are left. A
# judgement; it keeps any cause that is not excluded from being called certain.
MISLED = 0.05

# What no gateway log can show, and what could.
NO_COUNTER = (
    "Port counters of its way out (failed SNAT connections, ports used and allocated, a Load "
    "Balancer health event): none was read."
)
OTHER_COUNTERS = (
    "Port counters of its way out: those that were read are not known to be; egress_resource_id in "
    "the settings says so."
)
NO_UNITS = "Which unit served a request: the logs do not say. Bounds are for the unluckiest unit."
ALWAYS = (
    "Side calls (send-request), retries inside the gateway's policies, and connections kept open "
    "without a call: they hold ports that neither bound counts.",
)


def incident(seen: Seen, slo: Slo) -> Incident:
    """The finding on one incident."""
    run = seen.run
    facts = seen.facts()
    cases = {name: each.tried(facts) for name, each in hypotheses().items()}
    ranked = _ranked(cases, seen.number)
    top = ranked[0]
    targets = account.destinations(seen, facts)
    worst = targets[0].name if targets and targets[0].failures else None
    why_trigger = trigger(
        top.id,
        worst,
        seen.frame("calls_by_minute"),
        facts["latency"],
        run,
        seen.window,
        facts["before"],
    )
    worse = chain.amplifiers(seen, facts, top.id, why_trigger[0], worst)
    holds_ports = any(each.destination == worst for each in facts["ports"])
    verdict = _mechanism(top, cases[top.id], why_trigger, worse)
    return Incident(
        id=_id(run, worst),
        gateway=run.gateway,
        start=told(run.start),
        end=iso(run.end),
        threshold=run.threshold,
        verdict=verdict,
        snat=_snat(seen, facts),
        destinations=targets,
        elsewhere=[each for each in run.elsewhere if each],
        instances=witnesses.instances(facts["instances"]),
        hypotheses=ranked,
        impact=account.impact(seen, slo),
        demand=chain.demand(seen, worst, holds_ports),
        mitigations=None,
        ways=account.ways(facts["ways"]),
        combinations=account.combinations(seen),
        companions=account.moved_along(seen, worst),
        latency=account.shifts(facts["latency"]),
        gateway_time=account.gateway_time(facts["overhead"]),
        gateway_load=witnesses.gateway_load(facts["load"]),
        durations=account.durations(facts["modes"]),
        failing_callers=account.callers(seen.frame("failing_callers")),
        samples=account.samples(seen.frame("failure_samples")),
        timeline=timeline(seen, facts, why_trigger, worst),
        changes=witnesses.nearby(run, facts["changes"]),
        ledger=contradictions(seen, facts, verdict),
        cannot_see=list(_cannot_see(seen.run, facts)),
        do_first=[hypotheses()[each.id].do_first for each in _open(ranked)],
    )


def _id(run: Run, worst: str | None) -> str:
    """Of several incidents at once, each is named after the destination where most failed, too."""
    name = f"{run.gateway.rpartition('/')[2].replace(' ', '-')}-{run.start:%Y%m%dT%H%MZ}"
    if not run.elsewhere or worst is None:
        return name
    return f"{name}-{re.sub('[^a-z0-9.]+', '-', worst)}"


def _cannot_see(run: Run, facts: Mapping[str, Any]) -> Iterator[str]:
    """What of this incident no data tells."""
    if not facts["counters"]:
        yield OTHER_COUNTERS if facts["all_counters"] else NO_COUNTER
    if not facts["instances"] and not any(bound.instance for bound in facts["ports"]):
        yield NO_UNITS
    yield from ALWAYS
    unseen = facts["activity_log"].unseen(Window(run.start - LONGEST_LEAD, run.start))
    if unseen:
        yield unseen


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
    priors = sum(hypotheses()[name].prior for name in scores)
    probabilities = {
        name: (1 - MISLED) * odds[name] / total + MISLED * hypotheses()[name].prior / priors
        for name in scores
    }
    moved_by = flips(cases, scores, {name: each.name for name, each in hypotheses().items()})
    return sorted(
        (
            Hypothesis(
                id=name,
                name=hypotheses()[name].name,
                probability=round(probabilities.get(name, 0.0), 4),
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
                would_flip=moved_by[name],
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


def _mechanism(
    top: Hypothesis, case: Case, why: tuple[Trigger, str], worse: Mapping[str, str]
) -> Mechanism:
    supported = top.verdict is Verdict.SUPPORTED and top.probability >= LIKELY
    return Mechanism(
        mechanism=top.id,
        trigger=why[0],
        trigger_why=why[1],
        amplifiers=list(worse),
        amplifiers_why=list(worse.values()),
        status=Status.CONFIRMED
        if supported and case.recorded
        else Status.LIKELY
        if supported
        else Status.UNDECIDED,
        probability=top.probability,
    )


def _snat(seen: Seen, facts: Mapping[str, Any]) -> Snat:
    """The verdict on translation ports, with what was measured of them."""
    found: exhaustion.Verdict = facts["exhaustion"]
    asks = found.verdict is Exhaustion.UNDECIDED
    return Snat(
        verdict=found.verdict,
        why=found.why,
        counters=[
            CounterReading(
                name=each.name,
                resource_id=each.resource_id,
                instance=each.instance,
                says=each.says,
                proves=each.proves,
                at=iso(each.at),
                counts=each in facts["counters"],
            )
            for each in facts["all_counters"]
        ],
        reuse=facts["reuse"].share,
        reuse_from=facts["reuse"].says,
        would_decide=found.would_decide,
        support_request=support_request(seen, facts) if asks else None,
    )
