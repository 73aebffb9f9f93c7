"""Translation ports to one destination ip:port ran out, so that new connections waited in vain."""

from pipeline.config import Egress
from pipeline.finding import Evidence, Exhaustion, Verdict
from pipeline.hypothesis import (
    Case,
    counted,
    got_through,
    hypothesis,
    lasted,
    share_speaks,
    speaks_against,
    speaks_for,
)
from pipeline.limits import Way
from pipeline.transforms.counters import Counter
from pipeline.transforms.exhaustion import Verdict as Exhausted
from pipeline.transforms.exhaustion import there
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
from pipeline.wording import of, share

NEARLY_ALL = 0.9
# Who waits for a port waits as long as for a connect, and does not fail at once.
LENGTHS = {CONNECT: 0.3, RETRANSMISSION: 0.3, AT_ONCE: -0.8, CONFIGURED: -0.3, MULTIPLES: -0.5}


@hypothesis(
    "SNAT ports to one destination ran out: new connections waited for a port and gave up.",
    name="SNAT port exhaustion",
    prior=0.15,
    do_first="Let connections be reused towards the destination before adding ports.",
)
def snat_port_exhaustion(
    ways: Ways,
    ports: list[Bounds],
    way: Way,
    healthy: list[str],
    counters: list[Counter],
    exhaustion: Exhausted,
    modes: list[Mode],
    through: Through | None,
) -> Case:
    """Connect failures on one ip:port, its port bounds against the limit, others healthy.

    Without a counter it is likely at most, and only where failures keep time with the hold of
    ports: a surge alone may as well have overrun what accepts connections at the backend.
    """
    connecting = ways.connect_failures
    part = ways.share(connecting)
    evidence = [
        share_speaks(
            part,
            f"{connecting:,.0f} of {ways.failures:,.0f} failures ({share(part)}) waited in vain to "
            "connect; none of these has a backend status.",
            "T3",
        )
    ]
    hit = ways.by_destination(ways.connecting)
    worst = hit[0][0] if hit else None
    if worst and hit[0][1] >= NEARLY_ALL * connecting and healthy:
        # Any fault of one backend hits one destination: this hardly tells them apart.
        evidence.append(
            speaks_for(
                0.3,
                f"{share(hit[0][1] / connecting)} of them went to {worst}, while "
                f"{len(healthy)} other destinations stayed healthy.",
                "F2",
            )
        )
    elif len(hit) > 1 and hit[0][1] < 0.6 * connecting:
        evidence.append(speaks_against(1.0, f"They spread over {len(hit)} destinations.", "F2"))
    failing = {destination for destination, _ in hit} or {each.destination for each in ports}
    evidence += lasted(modes, LENGTHS)
    bounds = [each for each in ports if each.destination in failing]
    evidence += [_held(each, way) for each in bounds[:1]]
    evidence += [*counted(counters), *got_through(through, cut_off=-2.5, echo=2.0)]
    if way.egress is Egress.NAT_GATEWAY:
        says = "The way out is a NAT gateway, whose connection limit is a cause of its own."
        evidence.append(speaks_against(2.0, says))
        if way.stated:
            return Case(Verdict.EXCLUDED, evidence)
    if connecting and not bounds and None not in failing:
        # Bounds are of public destinations only, and of all that were called.
        says = f"{' and '.join(sorted(map(str, failing)))} takes no port: its way is private."
        return Case(Verdict.EXCLUDED, [*evidence, speaks_against(4.0, says, "T10")])
    match exhaustion.verdict:
        case Exhaustion.CONFIRMED if way.egress is not Egress.NAT_GATEWAY:
            return Case(Verdict.SUPPORTED, evidence, recorded=True)
        case Exhaustion.EXCLUDED:
            return Case(Verdict.EXCLUDED, evidence)
    at_one = bool(worst) and hit[0][1] >= NEARLY_ALL * ways.failures
    if at_one and through and through.echoes:
        return Case(Verdict.SUPPORTED, evidence)
    return Case(Verdict.UNDECIDED, evidence, exhaustion.would_decide)


def _held(bounds: Bounds, way: Way) -> Evidence:
    says = (
        f"{bounds.destination} held at least {bounds.lower_peak:,} and at most "
        f"{bounds.upper_peak:,} ports at the peak, of {bounds.limit:,} that {there(way)}"
        + (
            f", {of(bounds.sharing, 'host')} of unknown address counted in"
            if bounds.sharing
            else ""
        )
    )
    if bounds.excluded:
        says = f"{says}: not even the upper bound comes up to the limit."
        return speaks_against(4.0, says, "T10")
    if bounds.passed and not way.guaranteed:
        says = f"{says}: the lower bound is far above it, so that this is not the limit."
        return speaks_for(0.5, says, "T10")
    if bounds.lower_peak >= bounds.limit and not way.guaranteed:
        return speaks_for(2.5, f"{says}: even the lower bound is at the limit.", "T10")
    return speaks_for(0.5, f"{says}: the limit lies inside the band.", "T10")
