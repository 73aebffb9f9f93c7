"""Translation ports to one destination ip:port ran out, so that new connections waited in vain."""

from pipeline.finding import Evidence, Verdict
from pipeline.hypothesis import Case, hypothesis, share_speaks, speaks_against, speaks_for
from pipeline.limits import Way
from pipeline.transforms.ports import Bounds
from pipeline.transforms.ways import Ways
from pipeline.wording import of, share

DECIDES = (
    "The port counter of the way out for this window: SnatConnectionCount by ConnectionState and "
    "UsedSnatPorts of the load balancer, or, for API Management, an Azure Support request."
)


@hypothesis(
    "SNAT ports to one destination ran out: new connections waited for a port and gave up.",
    name="SNAT port exhaustion",
    prior=0.15,
    do_first="Let connections be reused towards the destination before adding ports.",
)
def snat_port_exhaustion(ways: Ways, ports: list[Bounds], way: Way, healthy: list[str]) -> Case:
    """Connect failures on one ip:port, its port bounds against the limit, others healthy."""
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
    if worst and hit[0][1] >= 0.9 * connecting and healthy:
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
    bounds = [each for each in ports if each.destination in failing]
    evidence += [_held(each, way) for each in bounds[:1]]
    if connecting and not bounds and None not in failing:
        # Bounds are of public destinations only, and of all that were called.
        says = f"{' and '.join(sorted(map(str, failing)))} takes no port: its way is private."
        return Case(Verdict.EXCLUDED, [*evidence, speaks_against(4.0, says, "T2")])
    if bounds and all(each.excluded for each in bounds) and not ways.unplaced:
        return Case(Verdict.EXCLUDED, evidence)
    return Case(Verdict.UNDECIDED, evidence, DECIDES)


def _held(bounds: Bounds, way: Way) -> Evidence:
    band = (
        f"{bounds.destination} held at least {bounds.lower_peak:,} (spread evenly) and at most "
        f"{bounds.upper_peak:,} ports (all on one unit) at the peak, of {bounds.limit:,} "
        f"{'there are' if way.documented else 'assumed to be there'}"
        + (
            f", {of(bounds.sharing, 'host')} of unknown address counted in"
            if bounds.sharing
            else ""
        )
    )
    if bounds.excluded:
        return speaks_against(4.0, f"{band}: not even the upper bound comes up to the limit.", "T2")
    if bounds.lower_peak >= bounds.limit:
        return speaks_for(2.5, f"{band}: even the lower bound is at the limit.", "T2")
    return speaks_for(0.5, f"{band}: the limit lies inside the band.", "T2")
