"""The backend took longer; the gateway only passed the wait on."""

import polars as pl

from pipeline.finding import Evidence, Verdict
from pipeline.hypothesis import Case, hypothesis, lasted, share_speaks, speaks_against, speaks_for
from pipeline.transforms.fingerprints import (
    AT_ONCE,
    CONFIGURED,
    CONNECT,
    MULTIPLES,
    RETRANSMISSION,
    Mode,
)
from pipeline.transforms.incidents import Run
from pipeline.transforms.latency import Shift
from pipeline.transforms.ways import Ways
from pipeline.window import MINUTE
from pipeline.wording import share

SLOWER = 2.0
UNMOVED = 1.25


# Who waits for an answer gives up at a time-out that somebody set; queues make multiples.
LENGTHS = {CONFIGURED: 0.3, MULTIPLES: 0.5, AT_ONCE: -0.8, CONNECT: -0.3, RETRANSMISSION: -0.3}


@hypothesis(
    "The backend got slow; the gateway only passed the wait on.",
    name="a slow backend",
    prior=0.2,
    do_first="Ask the backend's owners what slowed it; shorten the gateway's time-out meanwhile.",
)
def backend_slow(ways: Ways, latency: list[Shift], run: Run, modes: list[Mode]) -> Case:
    """Time-outs while waiting for an answer; BackendTime of successes before the first failure."""
    waited = ways.count(pl.col("fault") == "response_timeout")
    part = ways.share(waited)
    evidence = [
        share_speaks(
            part,
            f"{waited:,.0f} of {ways.failures:,.0f} failures ({share(part)}) timed out while "
            "waiting for the backend's answer.",
            "T3",
        )
    ]
    evidence += lasted(modes, LENGTHS)
    hit = {destination for destination, _ in ways.by_destination()[:2]}
    shifts = [each for each in latency if each.destination in hit and each.factor is not None]
    moved = max(shifts, key=lambda each: each.factor or 0, default=None)
    if moved is None:
        return Case(
            Verdict.UNDECIDED,
            evidence,
            "BackendTime of successful calls from before the incident: the window holds too few; "
            "if the logs have more, begin it earlier.",
        )
    evidence.append(_speaks(moved, run))
    factor = moved.factor or 0
    if factor >= SLOWER and part >= 0.5:
        return Case(Verdict.SUPPORTED, evidence)
    if factor < UNMOVED and part < 0.1:
        return Case(Verdict.EXCLUDED, evidence)
    return Case(Verdict.UNDECIDED, evidence, "The backend's own durations of these requests.")


def _speaks(moved: Shift, run: Run) -> Evidence:
    factor = moved.factor or 0
    says = (
        f"Successful calls to {moved.destination} took {moved.during.p95:,.0f} ms at the 95th "
        f"percentile, {moved.before.p95:,.0f} ms before ({factor:.1f} times)"
    )
    if factor < UNMOVED:
        return speaks_against(2.5, f"{says}: no slower than usual.", "F3")
    if factor < SLOWER:
        return speaks_for(0.3, f"{says}.", "F3")
    if moved.change_to and moved.change_to + MINUTE <= run.start:
        lead = (run.start - moved.change_to) // MINUTE
        return speaks_for(
            2.5, f"{says}, and did so at least {lead} min before the first failure.", "F3"
        )
    return speaks_for(
        0.8, f"{says}; whether before the first failure, the minutes do not tell.", "F3"
    )
