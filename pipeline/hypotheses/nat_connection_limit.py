"""The NAT gateway's own limit of connections to one destination was reached."""

from pipeline.config import Egress
from pipeline.finding import Exhaustion, Verdict
from pipeline.hypothesis import Case, hypothesis, measured, speaks_against, speaks_for
from pipeline.limits import Way
from pipeline.transforms.counters import Counter
from pipeline.transforms.exhaustion import Verdict as Exhausted
from pipeline.transforms.ports import Bounds
from pipeline.transforms.ways import Ways


@hypothesis(
    "The NAT gateway's limit of connections to one destination was reached.",
    name="the NAT gateway's connection limit",
    prior=0.03,
    do_first="Add a public IP to the NAT gateway, and let connections be reused.",
)
def nat_connection_limit(
    ways: Ways, ports: list[Bounds], way: Way, counters: list[Counter], exhaustion: Exhausted
) -> Case:
    """Counters and the upper bound of connections to one destination, 50,000 a public IP."""
    egress = next(each for each in way.values if each.name == "egress")
    if way.egress is not Egress.NAT_GATEWAY:
        says = f"The way out is {way.egress} (from {egress.origin}), not a NAT gateway."
        stated = egress.origin == "file"
        return Case(
            Verdict.EXCLUDED if stated else Verdict.UNDECIDED,
            [speaks_against(3.0 if stated else 1.5, says)],
            None if stated else "The way out, stated as egress in gateway-rca.toml.",
        )
    told = [measured(each) for each in counters if each.proves is not None]
    highest = max(ports, key=lambda each: each.upper_peak, default=None)
    most = highest.upper_peak if highest else 0
    if exhaustion.verdict is Exhaustion.EXCLUDED:
        says = f"At most {most:,} connections to one destination; {way.ports.value:,} fit."
        return Case(Verdict.EXCLUDED, [speaks_against(4.0, says, "T10"), *told])
    where = highest.destination if highest else "one destination"
    says = (
        f"Up to {most:,} connections to {where} may have been held, of {way.ports.value:,} that "
        f"fit; {ways.connect_failures:,.0f} connects failed."
    )
    evidence = [speaks_for(0.5, says, "T10"), *told]
    if exhaustion.verdict is Exhaustion.CONFIRMED:
        return Case(Verdict.SUPPORTED, evidence, recorded=True)
    return Case(Verdict.UNDECIDED, evidence, exhaustion.would_decide)
