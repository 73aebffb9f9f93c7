"""The gateway itself was short of CPU or memory."""

from pipeline.finding import Verdict
from pipeline.hypothesis import Case, hypothesis, speaks_against, speaks_for
from pipeline.transforms.overhead import Overhead

RAISED = 2.0
RAISED_MS = 100.0
UNMOVED = 1.25


@hypothesis(
    "The gateway itself was saturated: CPU, memory or its own limits.",
    name="a saturated gateway",
    prior=0.05,
    do_first="Look at the gateway's capacity metric for the window; add a unit if it is high.",
)
def gateway_saturation(overhead: Overhead) -> Case:
    """The gateway's own time (total less backend, client and cache time) before and during."""
    decides = "The gateway's Capacity metric (CpuPercent_Gateway on v2 tiers) for this window."
    if overhead.before_ms is None or overhead.during_ms is None:
        return Case(Verdict.UNDECIDED, [], decides)
    says = (
        f"The gateway's own time was {overhead.during_ms:,.0f} ms at the 95th percentile during "
        f"the incident, {overhead.before_ms:,.0f} ms before."
    )
    risen = overhead.during_ms / max(overhead.before_ms, 1.0)
    if risen >= RAISED and overhead.during_ms - overhead.before_ms >= RAISED_MS:
        return Case(Verdict.UNDECIDED, [speaks_for(1.5, says, "T5")], decides)
    if risen < UNMOVED or overhead.during_ms < RAISED_MS:
        return Case(Verdict.EXCLUDED, [speaks_against(2.5, says, "T5")])
    return Case(Verdict.UNDECIDED, [speaks_against(0.5, says, "T5")], decides)
