"""Diagnose: from what was seen to findings; frames in, values out, no clock, no lake."""

import math
from collections.abc import Mapping
from typing import Any

from pipeline import account, limits
from pipeline.config import Slo
from pipeline.exhibit import numbered
from pipeline.finding import (
    Evidence,
    Exhaustion,
    Hypothesis,
    Incident,
    Mechanism,
    Snat,
    Status,
    Trigger,
    Verdict,
)
from pipeline.hypotheses import hypotheses
from pipeline.hypothesis import Case
from pipeline.seen import Seen
from pipeline.transforms.ports import Bounds
from pipeline.transforms.trigger import trigger
from pipeline.window import iso, told
from pipeline.wording import of

LIKELY = 0.7
# How often evidence that looks right misleads as a whole: then only the priors are left. A
# judgement; it keeps any cause that is not excluded from being called certain.
MISLED = 0.05

# What no gateway log can show, and what could.
CANNOT_SEE = (
    "Port counters (SnatConnectionCount, UsedSnatPorts, a Load Balancer health event): none was "
    "read, so exhaustion of ports can be excluded or left open, never confirmed.",
    "Which unit served a request: gateway logs do not say. Bounds are for the unluckiest unit.",
    "Side calls (send-request), and retries inside the gateway's policies: they hold ports that "
    "neither bound counts.",
    "Changes to the configuration: no activity log was read.",
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
        top.id, worst, seen.frame("calls_by_minute"), facts["latency"], run, seen.window
    )
    return Incident(
        id=f"{run.gateway.rpartition('/')[2].replace(' ', '-')}-{run.start:%Y%m%dT%H%MZ}",
        gateway=run.gateway,
        start=told(run.start),
        end=iso(run.end),
        threshold=run.threshold,
        verdict=_mechanism(top, cases[top.id], why_trigger),
        snat=_snat(facts),
        destinations=targets,
        instances=[],
        hypotheses=ranked,
        impact=account.impact(seen, slo),
        demand=None,
        mitigations=None,
        ways=account.ways(facts["ways"]),
        combinations=account.combinations(seen.frame("failures_by_attributes")),
        companions=account.moved_along(seen, worst),
        latency=account.shifts(facts["latency"]),
        gateway_time=account.gateway_time(facts["overhead"]),
        failing_callers=account.callers(seen.frame("failing_callers")),
        samples=account.samples(seen.frame("failure_samples")),
        timeline=account.timeline(seen, facts, why_trigger, worst),
        cannot_see=list(CANNOT_SEE),
        do_first=[hypotheses()[each.id].do_first for each in _open(ranked)],
    )


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
    if not facts["calls_by_minute"].height and not facts["ways"].told:
        return Snat(
            verdict=Exhaustion.UNDECIDED,
            why="What was logged here tells of requests that came in, and nothing of calls that "
            "were made for them; no port counter was read that could decide.",
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
            f"{_sharing(named)}; {named.limit:,} {_there(way)}"
            + ("." if way.documented else f", and any number above {named.upper_peak:,} will do."),
        )
    return Snat(
        verdict=Exhaustion.UNDECIDED,
        why=f"{named.destination} held at least {named.lower_peak:,} ports (spread evenly) and at "
        f"most {named.upper_peak:,} (all on one unit) at its peak{_sharing(named)}; "
        f"{named.limit:,} {_there(way)}. {_limit_lies(named)}, and no port counter was read that "
        "could decide.",
    )


def _sharing(bound: Bounds) -> str:
    if not bound.sharing:
        return ""
    hosts = of(bound.sharing, "host")
    return f" ({hosts} of unknown address counted in: they may be on the same ip)"


def _limit_lies(bound: Bounds) -> str:
    return f"The limit lies {'below' if bound.lower_peak >= bound.limit else 'inside'} this band"


def _there(way: limits.Way) -> str:
    return "are there" if way.documented else "are assumed to be there"
