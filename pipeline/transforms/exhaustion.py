"""Exhaustion: whether translation ports ran out, as far as the evidence goes and no further.

*Confirmed* takes a counter, a health event, or a lower bound at a documented limit, together with
connects that failed there. *Excluded* takes an upper bound below the limit (of a way out that is
the gateway's own), a private way, or a counter that says so. All else is *undecided*, with the one
measurement that would decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.config import Egress, Kind
from pipeline.finding import Exhaustion
from pipeline.limits import Way
from pipeline.transforms.counters import Counter
from pipeline.transforms.ports import Bounds
from pipeline.transforms.through import Through
from pipeline.transforms.ways import Ways
from pipeline.wording import of

OWN_COUNTER = {
    Egress.LOAD_BALANCER: "SnatConnectionCount by ConnectionState (Failed) and UsedSnatPorts by "
    "BackendIPAddress (Maximum) of the load balancer, each minute of this window",
    Egress.NAT_GATEWAY: "SNATConnectionCount of the NAT gateway by ConnectionState (Failed), each "
    "minute of this window",
    Egress.AZURE_FIREWALL: "SNATPortUtilization (Maximum) of the firewall, each minute of this "
    "window",
    Egress.APP_SERVICE: "the SNAT detector of the app (Diagnose and solve problems, SNAT Failed "
    "Connections) for this window",
}
FETCHED = "; az monitor metrics list gives it, as JSON that can be landed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether ports ran out, why, and what would decide if it is open."""

    verdict: Exhaustion
    why: str
    would_decide: str | None = None


def exhaustion(
    ports: list[Bounds],
    counters: list[Counter],
    ways: Ways,
    way: Way,
    failed: Mapping[str, float],
    calls_told: bool,
    through: Through | None = None,
) -> Verdict:
    """The verdict on an incident.

    ``counters`` are those of this gateway's way out, ``failed`` the failures by destination,
    ``through`` what got through where most connects waited in vain. A destination whose calls all
    went well did not want for a port, whatever its bound.
    """
    held = [each for each in ports if failed.get(each.destination)]
    over = [each for each in held if not each.excluded]
    measured = _measured(counters, ways, bool(over) or bool(ways.unplaced))
    if measured:
        return _asked(measured, way)
    found = _bounded(held, over, ways, way, failed, calls_told)
    bounded = through is not None and any(each.destination == through.destination for each in held)
    if through and through.echoes and bounded:
        found = _in_time(found, through)
    return _asked(found, way)


def _in_time(found: Verdict, through: Through) -> Verdict:
    """The bounds' verdict on failures that keep time with ports, which bounds know nothing of.

    They are of logged calls alone: where these cannot have taken all ports, others may have.
    """
    beat = (
        f"failures to connect to {through.destination} came back every {through.hold_s:,.0f} s, "
        "for as long as a closed connection's port is held"
    )
    match found.verdict:
        case Exhaustion.UNDECIDED:
            return replace(found, why=f"{found.why} What speaks for it: {beat}.")
        case Exhaustion.EXCLUDED:
            why = (
                f"{found.why} But {beat}: calls that no log shows (a policy's own, or others "
                "behind the same way out) may have taken the ports."
            )
            return Verdict(Exhaustion.UNDECIDED, why)
    return found


def _asked(found: Verdict, way: Way) -> Verdict:
    """An open verdict with what would decide it."""
    if found.verdict is not Exhaustion.UNDECIDED or found.would_decide:
        return found
    return Verdict(found.verdict, found.why, deciding(way))


def deciding(way: Way) -> str:
    """The one measurement that would decide, and where to get it."""
    if any(each.name == "kind" and each.value == Kind.APIM for each in way.values) and (
        way.egress is Egress.LOAD_BALANCER
    ):
        return (
            "The count of failed SNAT connections of the gateway's load balancer for this window. "
            "It belongs to Microsoft: ask Azure Support with the request below, or see SNAT Port "
            "Analysis under Diagnose and solve problems where the tier has it"
        )
    counter = OWN_COUNTER[way.egress]
    fetched = "" if way.egress is Egress.APP_SERVICE else FETCHED
    return f"{counter[0].upper()}{counter[1:]}{fetched}"


def _measured(counters: list[Counter], ways: Ways, may_have_run_out: bool) -> Verdict | None:
    """The verdict of counters, if any of them proves something."""
    proof = next((each for each in counters if each.proves), None)
    denial = next((each for each in counters if each.proves is False), None)
    if proof and denial:
        return Verdict(
            Exhaustion.UNDECIDED,
            f"Two measurements contradict each other. {proof.says} {denial.says}",
        )
    if proof and not ways.connect_failures:
        return Verdict(
            Exhaustion.UNDECIDED,
            f"{proof.says} But no failure of this incident is a failure to connect, so that what "
            "was counted may have hit other calls.",
        )
    if proof and not may_have_run_out:
        return Verdict(
            Exhaustion.UNDECIDED,
            f"{proof.says} But the destinations that failed cannot have come up to the limit by "
            "the logs: other traffic on the same way out, which is not logged here, may have "
            "taken the ports.",
        )
    if proof:
        return Verdict(
            Exhaustion.CONFIRMED,
            f"{proof.says} Meanwhile {ways.connect_failures:,.0f} calls failed to connect.",
        )
    if denial:
        return Verdict(Exhaustion.EXCLUDED, denial.says)
    return None


def _bounded(
    held: list[Bounds],
    over: list[Bounds],
    ways: Ways,
    way: Way,
    failed: Mapping[str, float],
    calls_told: bool,
) -> Verdict:
    """The verdict of the bounds, for no counter decides."""
    if ways.unplaced:
        return Verdict(
            Exhaustion.UNDECIDED,
            f"{ways.unplaced:,.0f} failed calls do not say where they went, so that their ports "
            "cannot be bounded, and no port counter was read that could decide.",
        )
    if not calls_told:
        return Verdict(
            Exhaustion.UNDECIDED,
            "What was logged here tells of requests that came in, and nothing of calls that "
            "were made for them; no port counter was read that could decide.",
        )
    if not held:
        return Verdict(
            Exhaustion.EXCLUDED,
            "No call that failed is known to have left by a public path, and only those hold "
            "translation ports.",
        )
    named = max(over or held, key=lambda each: (failed[each.destination], each.upper_peak))
    if not over and way.egress is Egress.NAT_GATEWAY and ways.connect_failures:
        return Verdict(
            Exhaustion.UNDECIDED,
            f"{_most(named)} at its peak{_sharing(named)}, of {named.limit:,}. But a NAT gateway "
            "is there for all that is in its subnets, and what others held is not logged here.",
        )
    if not over:
        return Verdict(
            Exhaustion.EXCLUDED,
            f"{_most(named)} at its peak{_sharing(named)}; "
            + (
                f"{named.limit:,} {there(way)}"
                if named.least is None
                else f"one instance of the firewall has {named.least:,}"
            )
            + (
                "."
                if way.documented
                else f"; any limit above {named.upper_peak:,} excludes it as well."
            ),
        )
    if named.passed and not way.guaranteed:
        return Verdict(
            Exhaustion.UNDECIDED,
            f"{named.lower_peak:,} answered calls to {named.destination} were in flight at once on "
            f"each unit, more than the {named.limit:,} ports that {there(way)}: so this is not the "
            "limit, or there are more units. No port counter was read that could decide.",
        )
    reached = _reached(over, ways, way)
    if reached:
        return Verdict(
            Exhaustion.CONFIRMED,
            f"{reached.destination} held at least {reached.lower_peak:,} ports at its peak, for so "
            f"many calls were in flight at once on each unit; {reached.limit:,} are there. "
            f"Meanwhile {ways.connect_failures:,.0f} calls failed to connect.",
        )
    return Verdict(
        Exhaustion.UNDECIDED,
        f"{named.destination} held at least {named.lower_peak:,} ports{_spread(named)} and at most "
        f"{named.upper_peak:,}{_crowded(named)} at its peak{_sharing(named)}; {named.limit:,} "
        f"{there(way)}, and about {named.demand_peak:,} were probably wanted. The limit lies "
        f"{'below' if named.lower_peak >= named.limit else 'inside'} the band, and "
        "no port counter was read that could decide.",
    )


def _reached(over: list[Bounds], ways: Ways, way: Way) -> Bounds | None:
    """A destination whose lower bound is at a limit that is one, while connects to it failed."""
    if not way.documented or way.guaranteed:
        return None
    connecting = dict(ways.by_destination(ways.connecting))
    return next(
        (
            each
            for each in over
            if each.limit <= each.lower_peak
            and not each.passed
            and connecting.get(each.destination)
        ),
        None,
    )


def _most(bound: Bounds) -> str:
    if bound.basis == "flow_logs":
        return (
            f"By the flow logs, {bound.instance or 'all units'} held at most "
            f"{bound.upper_peak:,} ports to {bound.destination}"
        )
    return (
        f"Even if every logged call had taken a port of its own{_crowded(bound)}, "
        f"{bound.destination} would have held {bound.upper_peak:,} ports"
    )


def _spread(bound: Bounds) -> str:
    return f" (on {bound.instance})" if bound.instance else " (spread evenly)"


def _crowded(bound: Bounds) -> str:
    return f" (on {bound.instance})" if bound.instance else " (all on one unit)"


def _sharing(bound: Bounds) -> str:
    if not bound.sharing:
        return ""
    hosts = of(bound.sharing, "host")
    return f" ({hosts} of unknown address counted in: they may be on the same ip)"


def there(way: Way) -> str:
    """Whether the ports of a limit are there, in words."""
    if way.guaranteed:
        return "are guaranteed, and more may be given"
    return "are there" if way.documented else "are assumed to be there"
