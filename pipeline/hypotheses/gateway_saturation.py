"""The gateway itself was short of CPU or memory."""

import polars as pl

from pipeline.finding import Evidence, Verdict
from pipeline.hypothesis import Case, hypothesis, share_speaks, speaks_against, speaks_for
from pipeline.transforms.load import HIGH, LOW, Load
from pipeline.transforms.overhead import Overhead
from pipeline.transforms.ways import Ways
from pipeline.wording import last, share, short

RAISED = 2.0
RAISED_MS = 100.0
UNMOVED = 1.25
# So many times the usual, or what counts as raised, is no slow policy.
OVERRUN = 10.0
MOSTLY = 0.9
TURNED_AWAY = (
    pl.col("destination").is_null(),
    pl.col("reason").is_null(),
    pl.col("backend_status").is_null(),
)
DECIDES = "The gateway's Capacity metric (CpuPercent_Gateway on v2 tiers) for this window."


@hypothesis(
    "The gateway itself was saturated: CPU, memory or its own limits.",
    name="a saturated gateway",
    prior=0.05,
    do_first="Look at the gateway's capacity metric for the window; add a unit if it is high.",
)
def gateway_saturation(overhead: Overhead, load: list[Load], ways: Ways) -> Case:
    """The gateway's own time (total less backend, client and cache time), and its metrics.

    Without a metric it is likely at most: where its own time rose many times over, and requests
    ended without a reason before any backend was called.
    """
    unmoved, time = _own_time(overhead)
    evidence = [*time, *(_speaks(each) for each in load)]
    if unmoved:
        return Case(Verdict.EXCLUDED, evidence)
    own = [each for each in load if each.own]
    if any(each.rose and each.measure != "memory" for each in own):
        return Case(Verdict.SUPPORTED, evidence)
    if own and _all_low(own):
        return Case(Verdict.EXCLUDED, evidence)
    part = ways.share(ways.count(*TURNED_AWAY))
    if _overrun(overhead) and part >= MOSTLY:
        says = (
            f"{share(part)} of the failures ended in the gateway, before any backend was called, "
            "and without a reason."
        )
        evidence.append(share_speaks(part, says, "T3"))
        if not own:
            return Case(Verdict.SUPPORTED, evidence)
    return Case(Verdict.UNDECIDED, evidence, DECIDES)


def _overrun(overhead: Overhead) -> bool:
    """Whether its own time rose to many times what it was."""
    before, during = overhead.before_ms, overhead.during_ms
    return before is not None and during is not None and during >= OVERRUN * max(before, RAISED_MS)


def _own_time(overhead: Overhead) -> tuple[bool, list[Evidence]]:
    """Whether its own time is known not to have moved, and what it says."""
    if overhead.before_ms is None or overhead.during_ms is None:
        return False, []
    says = (
        f"The gateway's own time was {overhead.during_ms:,.0f} ms at the 95th percentile during "
        f"the incident, {overhead.before_ms:,.0f} ms before."
    )
    risen = overhead.during_ms / max(overhead.before_ms, 1.0)
    if risen >= RAISED and overhead.during_ms - overhead.before_ms >= RAISED_MS:
        return False, [speaks_for(1.5, says, "T5")]
    if risen < UNMOVED or overhead.during_ms < RAISED_MS:
        return True, [speaks_against(2.5, says, "T5")]
    return False, [speaks_against(0.5, says, "T5")]


def _all_low(own: list[Load]) -> bool:
    """Whether all that is needed is told and low: capacity, or processor and memory."""
    low = {each.measure for each in own if each.low}
    return all(each.low for each in own) and ("capacity" in low or {"cpu", "memory"} <= low)


def _speaks(load: Load) -> Evidence:
    whose = "the gateway" if load.own else f"the plan {short(last(load.resource_id))} in its group"
    before = "not told" if load.before is None else share(load.before)
    level = "not told" if load.during is None else share(load.during)
    says = (
        f"The {load.name} of {whose} was {level} in the middle minute of the incident, "
        f"{share(load.highest)} at most, {before} before, as told of {share(load.told)} of it."
    )
    # Memory is high on healthy gateways, too; of a plan nobody says that the gateway runs on it.
    doubted = load.measure == "memory" or not load.own
    if load.rose:
        return speaks_for(0.5 if doubted else 4.0, says, "T14")
    if load.low:
        return speaks_against(0.5 if doubted else 3.0, says, "T14")
    high = (load.during or 0) >= HIGH
    # High before as well, and nothing failed then; or between what is high and what is low.
    return speaks_for(0.3, says, "T14") if high else speaks_against(_doubt(load), says, "T14")


def _doubt(load: Load) -> float:
    """What a value that was not high weighs: nearly nothing unless it was low where it is told."""
    return 0.5 if load.highest < LOW else 0.1
