"""Connections cut by an idle timer."""

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from pipeline.finding import Evidence, Verdict
from pipeline.hypothesis import (
    ENOUGH_TO_EXCLUDE,
    Case,
    hypothesis,
    recorded_case,
    speaks_against,
    speaks_for,
)
from pipeline.transforms.fingerprints import SILENCE, Mode
from pipeline.transforms.silence import AfterSilence
from pipeline.transforms.ways import Ways
from pipeline.wording import count

DECIDES = "VNet flow logs, or a capture, that show which side closed the connection."
# First calls that tell a habit from chance.
ENOUGH_FIRST = 5
MOSTLY = 0.5
SELDOM = 0.05


@hypothesis(
    "Connections that had been silent for about four minutes were cut.",
    name="an idle timer that cut connections",
    prior=0.04,
    do_first="Send keep-alives, or close pooled connections before the idle timer does.",
)
def idle_timeout_reset(ways: Ways, modes: list[Mode], after_silence: AfterSilence) -> Case:
    """Texts that say so, failures after 230 to 240 s, and first calls after a silence."""
    case = recorded_case(
        ways,
        pl.col("fault") == "idle_closed",
        "say that an established connection was closed under them",
        figure="T3",
        would_decide=DECIDES,
    )
    told = [*_long(modes), *_first(after_silence)]
    evidence = [*case.evidence, *told]
    if case.verdict is Verdict.EXCLUDED and any(each.weight > 0 for each in told):
        return Case(Verdict.UNDECIDED, evidence, DECIDES)
    return replace(case, evidence=evidence)


def _long(modes: list[Mode]) -> Iterator[Evidence]:
    for each in modes:
        if each.kind == SILENCE:
            # A time-out of four minutes in the gateway's settings looks alike.
            yield speaks_for(1.0 if each.share >= MOSTLY else 0.3, each.says, "F4")


def _first(silence: AfterSilence) -> Iterator[Evidence]:
    says = (
        f"{count(silence.first_failed)} of {count(silence.failed)} failed calls may have been the "
        f"first to their destination after the idle time; {count(silence.first)} calls were."
    )
    many = silence.first >= ENOUGH_FIRST and silence.first_failed >= MOSTLY * silence.first
    if many and silence.first_failed >= MOSTLY * silence.failed:
        yield speaks_for(1.5, says, "F2")
    elif silence.failed >= ENOUGH_TO_EXCLUDE and silence.first_failed < SELDOM * silence.failed:
        # Single connections of a busy pool may be silent all the same: it weighs little.
        yield speaks_against(0.7, says, "F2")
