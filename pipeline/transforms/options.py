"""Options: what measures would leave as headroom on demand that was there, least invasive first."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.config import Egress, Kind
from pipeline.limits import FIREWALL_PORTS, HOLDS, NAT_TO_ONE_DESTINATION, Way
from pipeline.wording import share

REUSE = 0.9
HITS = 0.3
# Rates are to keep below the first alert.
KEPT_TO = 0.7


@dataclass(frozen=True, slots=True)
class Demand:
    """The greatest demand for ports of one unit to a destination, and what made it.

    ``share`` is of the limit; calls take ``service_s`` on average.
    """

    share: float
    reuse: float
    service_s: float


@dataclass(frozen=True, slots=True)
class Option:
    """A measure by its slug, and the share of the limit that demand would have come up to."""

    id: str
    parameters: dict[str, float]
    share: float
    says: str


def options(demand: Demand, way: Way) -> list[Option]:
    """The measures that fit a way out, from those in the caller's hands to those that cost most."""
    return [*_ask_for_less(demand, way), *_have_more(demand, way), *_leave_otherwise(demand, way)]


def _ask_for_less(demand: Demand, way: Way) -> Iterator[Option]:
    hold_s = float(way.hold_s.value)
    if demand.reuse < REUSE:
        yield Option(
            "connection_pooling",
            {"reuse": REUSE},
            demand.share * (1 - REUSE) / (1 - demand.reuse),
            f"{share(REUSE)} of calls over a connection that is open, instead of "
            f"{share(demand.reuse)}",
        )
    yield Option(
        "response_caching",
        {"hit_share": HITS},
        demand.share * (1 - HITS),
        f"{share(HITS)} of answers from a cache",
    )
    if demand.share > KEPT_TO:
        units = 1 if way.shared else way.units
        held = demand.share * float(way.ports.value) * units
        rate = held / (1 - demand.reuse) / (demand.service_s + hold_s)
        kept = rate * KEPT_TO / demand.share
        yield Option(
            "rate_limiting",
            {"per_second": round(kept, 1)},
            KEPT_TO,
            f"at most {kept:,.1f} calls a second, all units together; the peak was {rate:,.1f}",
        )
    yield Option(
        "faster_backend",
        {"factor": 2},
        demand.share * (demand.service_s / 2 + hold_s) / (demand.service_s + hold_s),
        "answers in half the time; the hold time stays",
    )


def _have_more(demand: Demand, way: Way) -> Iterator[Option]:
    yield Option(
        "multiple_backend_ips",
        {"ips": 2},
        demand.share / 2,
        "the backend on two addresses, calls spread evenly",
    )
    if not way.shared:
        yield Option("scale_units", {"factor": 2}, demand.share / 2, "twice the units")
    if way.egress is Egress.LOAD_BALANCER and _told(way, "kind") in (Kind.AKS, Kind.VM):
        yield Option(
            "outbound_rules",
            {"ports_per_unit": 2 * float(way.ports.value)},
            demand.share / 2,
            "outbound rules that allocate twice the ports to each unit",
        )
    if way.shared:
        ips = float(_told(way, "public_ips"))
        yield Option(
            "more_public_ips",
            {"public_ips": ips + 1},
            demand.share * ips / (ips + 1),
            f"{ips + 1:.0f} public addresses instead of {ips:.0f}",
        )


def _leave_otherwise(demand: Demand, way: Way) -> Iterator[Option]:
    yield Option("private_endpoint", {}, 0.0, "a private way: no port is needed")
    if way.shared:
        return
    in_all = demand.share * float(way.ports.value) * way.units
    nat_hold = float(HOLDS[Egress.NAT_GATEWAY]["hold_s"].value)
    shorter = (demand.service_s + nat_hold) / (demand.service_s + float(way.hold_s.value))
    yield Option(
        "nat_gateway",
        {"public_ips": 1},
        in_all * min(shorter, 1.0) / NAT_TO_ONE_DESTINATION,
        f"a NAT gateway: {NAT_TO_ONE_DESTINATION:,} connections per address, held {nat_hold:.0f} s",
    )
    yield Option(
        "azure_firewall",
        {"public_ips": 1, "instances": 2},
        in_all / (2 * FIREWALL_PORTS),
        f"an Azure Firewall: {FIREWALL_PORTS:,} ports per address and instance",
    )


def _told(way: Way, name: str) -> str:
    return next(str(each.value) for each in way.values if each.name == name)
