"""The backend could not be reached: refused, reset, or silent behind a firewall or route."""

import polars as pl

from pipeline.finding import Exhaustion, Verdict
from pipeline.hypothesis import (
    Case,
    got_through,
    hypothesis,
    lasted,
    share_speaks,
    speaks_against,
    speaks_for,
)
from pipeline.transforms.exhaustion import Verdict as Exhausted
from pipeline.transforms.fingerprints import (
    AT_ONCE,
    CONFIGURED,
    CONNECT,
    MULTIPLES,
    RETRANSMISSION,
    Mode,
)
from pipeline.transforms.ports import Bounds
from pipeline.transforms.through import Through
from pipeline.transforms.ways import Ways
from pipeline.wording import share

# So many minutes without failures, between others with them, are no chance.
AGAIN = 2
# So many backends do not get out of reach at once by themselves.
MANY = 3
# A refusal comes at once, and a SYN into the void is waited out.
LENGTHS = {CONNECT: 0.3, RETRANSMISSION: 0.3, AT_ONCE: 0.2, CONFIGURED: -0.3, MULTIPLES: -0.5}


@hypothesis(
    "The backend could not be reached: it refused, or something on the way dropped the packets.",
    name="an unreachable backend",
    prior=0.15,
    do_first="Try a TCP connect to the destination from the gateway's network; check its firewall.",
)
def backend_unreachable(
    ways: Ways,
    ports: list[Bounds],
    calls_during: dict[str, tuple[float, float]],
    modes: list[Mode],
    exhaustion: Exhausted,
    through: Through | None,
) -> Case:
    """Connects refused or reset at once, or unanswered while port demand was low."""
    refused = ways.count(pl.col("fault").is_in(["refused", "reset"]))
    unanswered = ways.connect_failures
    part = ways.share(refused + unanswered)
    evidence = [
        share_speaks(
            part,
            f"{refused:,.0f} of {ways.failures:,.0f} failures were refused or reset, "
            f"{unanswered:,.0f} more waited in vain to connect ({share(part)} together).",
            "T3",
        )
    ]
    hit = ways.by_destination(pl.col("fault").is_not_null())
    worst = hit[0][0] if hit else None
    calls, failed = calls_during.get(worst or "", (0.0, 0.0))
    # Some servers of a backend may be out of reach while others answer: this weighs little.
    if calls and part >= 0.5:
        alive = 1 - failed / calls
        says = f"{share(alive)} of {calls:,.0f} calls to {worst} still succeeded meanwhile."
        evidence.append(
            speaks_against(0.8, says, "F2") if alive >= 0.2 else speaks_for(1.0, says, "F2")
        )
    if through and through.good_minutes >= AGAIN and unanswered >= 0.5 * ways.failures:
        says = (
            f"In {through.good_minutes} whole minutes in between, calls to {through.destination} "
            "went well again: what is out of reach stays so."
        )
        evidence.append(speaks_against(1.5, says, "F2"))
    evidence += [*lasted(modes, LENGTHS), *got_through(through, cut_off=1.5, echo=-2.0)]
    silent = ways.by_destination(ways.connecting)
    spread = len(silent) >= MANY and silent[0][1] < 0.6 * unanswered
    if spread:
        says = (
            f"Connects waited in vain at {len(silent)} destinations, none of which had "
            f"{share(0.6)} of them: one backend out of reach does not explain that."
        )
        evidence.append(speaks_against(2.0, says, "F2"))
    if ways.failures and refused >= 0.5 * ways.failures:
        return Case(Verdict.SUPPORTED, evidence, recorded=refused >= 0.9 * ways.failures)
    if ways.failures and part < 0.02:
        return Case(Verdict.EXCLUDED, evidence)
    cut_off = through is not None and through.cut_off and unanswered >= 0.9 * ways.failures
    bound = next((each for each in ports if each.destination == worst), None)
    excluded = exhaustion.verdict is Exhaustion.EXCLUDED
    if excluded and unanswered and unanswered >= 0.5 * ways.failures and not spread:
        says = (
            f"At most {bound.upper_peak:,} of {bound.limit:,} ports were in use for logged calls, "
            if bound and bound.excluded
            else f"{exhaustion.why.removesuffix('.')}, "
        )
        says += "so unanswered connects were not for want of one."
        return Case(Verdict.SUPPORTED, [*evidence, speaks_for(2.5, says, "T10")])
    if cut_off and not spread:
        return Case(Verdict.SUPPORTED, evidence)
    return Case(
        Verdict.UNDECIDED,
        evidence,
        "VNet flow logs or a connection test to the destination: was its SYN answered?",
    )
