"""One instance of the gateway was sick, the others were not."""

import math
import statistics
from collections.abc import Iterator

from pipeline.finding import Evidence, Verdict
from pipeline.hypothesis import (
    ENOUGH_TO_EXCLUDE,
    MISLABELLED,
    Case,
    hypothesis,
    speaks_against,
    speaks_for,
)
from pipeline.limits import Way
from pipeline.transforms.instances import LEAST_REQUESTS, Part
from pipeline.wording import count, share, short

# From these shares on an instance stands alone: nearly all failures, and others that served much.
NEARLY_ALL = 0.9
AT_MOST_OF_REQUESTS = 0.6
# Rates this near each other are alike.
ALIKE = 2.0
# Of so many destinations it is no chance, if this much failed at each, and they were called most.
DESTINATIONS = 3
LEAST_RATE = 0.05
MOST_CALLS = 0.75
# How far a share of failures may be from that of whole units.
NEAR = 0.2


@hypothesis(
    "One instance of the gateway was sick while the others were well.",
    name="one sick instance",
    prior=0.04,
    do_first="Restart or replace the instance that carries the failures.",
)
def single_instance_fault(
    way: Way, instances: list[Part], calls_during: dict[str, tuple[float, float]]
) -> Case:
    """Each instance's share of failures against its share of requests, where logs tell them.

    Elsewhere, whether calls fail as often wherever they go: an instance is behind all of them.
    """
    busy = [each for each in instances if each.requests >= LEAST_REQUESTS]
    if len(busy) > 1:
        return _compared(busy)
    units = next(each for each in way.values if each.name == "units")
    stated = way.units if units.origin == "file" else None
    if stated == 1:
        return Case(
            Verdict.EXCLUDED, [speaks_against(3.0, "The gateway has 1 unit: there is no other.")]
        )
    if rates := _alike(calls_during):
        return Case(Verdict.SUPPORTED, list(_everywhere(rates, len(calls_during), stated)))
    return Case(
        Verdict.UNDECIDED,
        [],
        "A source that tells instances apart: VNet flow logs by source ip, or metrics by instance.",
    )


def _alike(calls_during: dict[str, tuple[float, float]]) -> list[float]:
    """The shares that failed, where many destinations fail in part and alike; else none.

    A few may be well: connections to them that were open live on.
    """
    busy = [each for each in calls_during.values() if each[0] >= LEAST_REQUESTS]
    hit = [(calls, failed) for calls, failed in busy if failed >= LEAST_RATE * calls]
    rates = [failed / calls for calls, failed in hit]
    called = sum(calls for calls, _ in calls_during.values())
    if len(rates) < DESTINATIONS or sum(calls for calls, _ in hit) < MOST_CALLS * called:
        return []
    if max(rates) > NEARLY_ALL or max(rates) > ALIKE * min(rates):
        return []
    return rates


def _everywhere(rates: list[float], destinations: int, units: int | None) -> Iterator[Evidence]:
    """What shares that are alike say; and that they are the share of a unit, of so many."""
    low, high = share(min(rates)), share(max(rates))
    says = (
        f"At {count(len(rates))} of {count(destinations)} destinations {low} to {high} of the "
        "calls failed: as many, wherever they went."
    )
    yield speaks_for(3.0, says, "F2")
    middle = statistics.median(rates)
    sick = round(middle * units) if units else 0
    if units and 0 < sick < units and abs(middle - sick / units) <= NEAR * sick / units:
        says = f"{share(middle)} in the middle: about what {sick} of {units} units would serve."
        yield speaks_for(1.0, says, "F2")


def _compared(busy: list[Part]) -> Case:
    worst = busy[0]
    says = (
        f"{short(worst.id)} served {share(worst.share_of_requests)} of the requests and had "
        f"{share(worst.share_of_failures)} of the failures, the most of {len(busy)} instances"
    )
    enough = worst.failures >= ENOUGH_TO_EXCLUDE
    alone = worst.share_of_failures >= NEARLY_ALL
    if enough and alone and worst.share_of_requests <= AT_MOST_OF_REQUESTS:
        return Case(Verdict.SUPPORTED, [_weighed(worst, f"{says}.")])
    rates = [each.rate for each in busy]
    if all(each.failures >= ENOUGH_TO_EXCLUDE for each in busy) and (
        max(rates) < ALIKE * min(rates)
    ):
        low, high = share(min(rates)), share(max(rates))
        says = f"Of each of {count(len(busy))} instances {low} to {high} of the requests failed."
        return Case(Verdict.EXCLUDED, [speaks_against(3.0, says, "T13")])
    return Case(
        Verdict.UNDECIDED,
        [_weighed(worst, f"{says}.")],
        "Metrics of the instances: processor, memory, restarts of the one that failed most.",
    )


def _weighed(worst: Part, says: str) -> Evidence:
    """Its odds of failures over its odds of requests: 1 where failures go as requests do."""
    weight = _odds(worst.share_of_failures) - _odds(worst.share_of_requests)
    if weight >= 0:
        return speaks_for(min(weight, -_odds(0)), says, "T13")
    return speaks_against(-weight, says, "T13")


def _odds(part: float) -> float:
    return math.log((part + MISLABELLED) / (1 - part + MISLABELLED))
