"""The NAT gateway's own limit of connections to one destination was reached."""

from pipeline.config import Egress
from pipeline.finding import Exhaustion, Verdict
from pipeline.hypothesis import (
    Case,
    counted,
    got_through,
    hypothesis,
    share_speaks,
    speaks_against,
    speaks_for,
)
from pipeline.limits import Way
from pipeline.transforms.counters import Counter
from pipeline.transforms.exhaustion import Verdict as Exhausted
from pipeline.transforms.ports import Bounds
from pipeline.transforms.through import Through
from pipeline.transforms.ways import Ways


@hypothesis(
    "The NAT gateway's limit of connections to one destination was reached.",
    name="the NAT gateway's connection limit",
    prior=0.03,
    do_first="Add a public IP to the NAT gateway, and let connections be reused.",
)
def nat_connection_limit(
    ways: Ways,
    ports: list[Bounds],
    way: Way,
    counters: list[Counter],
    exhaustion: Exhausted,
    through: Through | None,
) -> Case:
    """Counters and the upper bound of connections to one destination, 50,000 a public IP.

    All in its subnets share it: where it turned connections away, and connects failed meanwhile at
    a destination to which some got through, that it was this limit is likely.
    """
    if way.egress is not Egress.NAT_GATEWAY:
        origin = "stated" if way.stated else "assumed"
        says = f"The way out is {way.egress} ({origin}), not a NAT gateway."
        return Case(
            Verdict.EXCLUDED if way.stated else Verdict.UNDECIDED,
            [speaks_against(3.0 if way.stated else 1.5, says)],
            None if way.stated else "The way out, stated as egress in gateway-rca.toml.",
        )
    told = [*counted(counters), *got_through(through, cut_off=-2.5, echo=2.0)]
    highest = max(ports, key=lambda each: each.upper_peak, default=None)
    most = highest.upper_peak if highest else 0
    if exhaustion.verdict is Exhaustion.EXCLUDED:
        says = f"At most {most:,} connections to one destination; {way.ports.value:,} fit."
        return Case(Verdict.EXCLUDED, [speaks_against(4.0, says, "T10"), *told])
    where = highest.destination if highest else "one destination"
    says = (
        f"Logged calls may have held up to {most:,} connections to {where}, of "
        f"{way.ports.value:,} that fit."
    )
    evidence = [
        share_speaks(
            ways.share(ways.connect_failures),
            f"{ways.connect_failures:,.0f} of {ways.failures:,.0f} failures waited in vain to "
            "connect.",
            "T3",
        ),
        speaks_for(0.5, says, "T10"),
        *told,
    ]
    if exhaustion.verdict is Exhaustion.CONFIRMED:
        return Case(Verdict.SUPPORTED, evidence, recorded=True)
    counted_failed = any(each.proves for each in counters)
    if way.stated and counted_failed and through and not through.cut_off and ways.connect_failures:
        return Case(Verdict.SUPPORTED, evidence)
    return Case(Verdict.UNDECIDED, evidence, exhaustion.would_decide)
