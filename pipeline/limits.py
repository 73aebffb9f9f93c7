"""Ports and timers of the way out at a moment, each with what it rests on.

Pages of Microsoft's are named with the month of the text that was read. What only others say, or
what nobody says, is an assumption and is called one.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from pipeline.config import Egress, Gateway, Kind


class Basis(StrEnum):
    """What a value rests on; only the first three make it a fact."""

    STATED = "stated"  # in the settings
    MEASURED = "measured"  # in the data that the report is on
    DOCUMENTED = "documented"  # on a page of Microsoft's
    OBSERVED = "observed"  # in records of others
    SECOND_HAND = "second_hand"  # on a page of others
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Value:
    """A value and where it is from: ``origin`` is file, default or measured; ``source`` says more.

    Where the name ends in ``_s`` it is seconds; other whole numbers are counts.
    """

    name: str
    value: int | float | str
    origin: str
    source: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Holds:
    """Seconds that a port is held once its connection is over, by what became of it.

    ``after_fin``: it was closed. ``after_rst``: it was reset, or refused at once. ``half_open``:
    nobody answered the SYN.
    """

    after_fin: Value
    after_rst: Value
    half_open: Value


@dataclass(frozen=True, slots=True)
class Way:
    """The way out of a gateway at a moment, as stated or assumed.

    ``ports`` is what one unit can hold to one destination ip:port; where all units share, what all
    of them can. ``total`` is what they can hold to all destinations together, where that has a
    limit of its own: connections of a NAT gateway, ports of an Azure Firewall. ``idle_s`` is how
    many seconds a connection may be silent before it is cut. ``values`` are all that this rests on.
    """

    gateway: str
    egress: Egress
    units: int
    ports: Value
    total: Value | None
    holds: Holds
    idle_s: Value
    values: tuple[Value, ...]

    @property
    def documented(self) -> bool:
        """Whether the ports may be told as a fact: stated, measured, or a limit of Microsoft's."""
        facts = {Basis.STATED, Basis.MEASURED, Basis.DOCUMENTED}
        return self.ports.basis in facts and not self.guaranteed

    @property
    def guaranteed(self) -> bool:
        """Whether the ports are a promise and no ceiling: to reach them proves nothing."""
        return self.egress is Egress.APP_SERVICE and self.ports.origin == "default"

    @property
    def hold_s(self) -> Value:
        """Seconds that a port is held after its connection was closed."""
        return self.holds.after_fin

    @property
    def stated(self) -> bool:
        """Whether the settings say which way out it is."""
        return any(each.name == "egress" and each.origin == "file" for each in self.values)

    @property
    def shared(self) -> bool:
        """Whether all units draw on one pool: that of a NAT gateway or of a firewall."""
        return self.egress in {Egress.NAT_GATEWAY, Egress.AZURE_FIREWALL}


def _default(name: str, value: float | str, source: str, basis: Basis = Basis.DOCUMENTED) -> Value:
    return Value(name, value, "default", source, basis)


def _told_by_id(kind: Kind) -> Value:
    return Value("kind", kind, "measured", "the resource id's provider", Basis.MEASURED)


KINDS = {
    "/microsoft.apimanagement/": _told_by_id(Kind.APIM),
    "/microsoft.web/": _told_by_id(Kind.APP_SERVICE),
    "/microsoft.containerservice/": _told_by_id(Kind.AKS),
    "/microsoft.compute/": _told_by_id(Kind.VM),
    "/microsoft.insights/components/": _default(
        "kind",
        Kind.APP_SERVICE,
        "assumption: an app's telemetry names no plan; of what may host it, App Service promises "
        "the fewest ports",
        Basis.ASSUMED,
    ),
}
ANY_KIND = _default(
    "kind", Kind.VM, "assumption: the resource id's provider is none of those known", Basis.ASSUMED
)
ONE_UNIT = _default("units", 1, "one unit, where the settings state none", Basis.ASSUMED)
ONE_IP = _default("public_ips", 1, "one public IP", Basis.ASSUMED)
FIREWALL = "Microsoft, Azure Firewall with NAT gateway (2022-02):"
TWO_INSTANCES = _default(
    "firewall_instances", 2, f"{FIREWALL} at least two instances", Basis.ASSUMED
)

# Default allocation per unit on one frontend, by size of the pool, and at most on several.
POOLS = ((50, 1024), (100, 512), (200, 256), (400, 128), (800, 64), (1000, 32))
MOST_BY_DEFAULT = 1024
POOLS_PAGE = "Microsoft, Load Balancer outbound connections (2022-03 and current):"
UNPUBLISHED = _default(
    "ports_per_unit",
    1024,
    "assumption: Microsoft does not publish the number for API Management; 1,024 is what a Load "
    "Balancer gives pools of up to 50",
    Basis.SECOND_HAND,
)
APP_SERVICE = "Microsoft, App Service outbound connections (2020-07):"
PROMISED = _default("ports_per_unit", 128, f"{APP_SERVICE} 128 are guaranteed; more may be given")
FIREWALL_PORTS = 2496
NAT_TO_ONE_DESTINATION = 50_000
NAT_IN_ALL = _default(
    "connections_in_all",
    2_000_000,
    "Microsoft, NAT gateway SKUs (2026-07): 2 million connections, beyond which failures grow "
    "likely; each of the 64,512 ports of a public IP can serve several destinations at once",
)

AFTER_FIN, AFTER_RST, HALF_OPEN = "hold_s", "hold_after_reset_s", "hold_half_open_s"
NAT = "Microsoft, NAT gateway resource (2023-07):"
NO_FIGURE = "assumed as after a close, an upper bound: Microsoft gives no figure"
OF_A_LOAD_BALANCER = {
    AFTER_FIN: _default(AFTER_FIN, 240, f"{APP_SERVICE} 4 minutes after FIN"),
    AFTER_RST: _default(AFTER_RST, 15, f"{APP_SERVICE} 15 s after RST"),
}
# What Microsoft gives no figure for is left out: it is taken as after a close.
HOLDS = {
    Egress.LOAD_BALANCER: OF_A_LOAD_BALANCER,
    Egress.APP_SERVICE: OF_A_LOAD_BALANCER,
    Egress.NAT_GATEWAY: {
        AFTER_FIN: _default(AFTER_FIN, 65, f"{NAT} 65 s after FIN"),
        AFTER_RST: _default(AFTER_RST, 16, f"{NAT} 16 s after RST"),
        HALF_OPEN: _default(HALF_OPEN, 30, f"{NAT} 30 s where nobody answers the SYN"),
    },
    Egress.AZURE_FIREWALL: {
        AFTER_FIN: _default(
            AFTER_FIN,
            240,
            "assumed as for a Load Balancer, an upper bound: Microsoft gives no figure",
            Basis.ASSUMED,
        ),
    },
}

IDLE = "idle_timeout_s"
ALIKE = "assumed as for a Load Balancer: no figure for this way out was read"
IDLE_S = {
    Egress.LOAD_BALANCER: _default(
        IDLE, 240, "Microsoft, Load Balancer outbound rules (2024-04): 4 minutes by default"
    ),
    Egress.APP_SERVICE: _default(IDLE, 240, ALIKE, Basis.ASSUMED),
    Egress.NAT_GATEWAY: _default(IDLE, 240, f"{NAT} 4 minutes by default"),
    Egress.AZURE_FIREWALL: _default(IDLE, 240, ALIKE, Basis.ASSUMED),
}
IDLE_S_OF_AKS = _default(
    IDLE, 1800, "Microsoft, AKS: Standard Load Balancer (2024-01): 30 minutes by default"
)


def way_out(resource_id: str, stated: Gateway | None, moment: datetime) -> Way:
    """The way out of the gateway with this id at a moment (UTC without a zone), by its settings."""
    gateway = (stated or Gateway(resource_id)).at(moment)
    kind_told = _kind(resource_id, gateway)
    kind = Kind(str(kind_told.value))
    egress_told = _egress(gateway, kind)
    egress = Egress(str(egress_told.value))
    units = _value(gateway.units, ONE_UNIT)
    public_ips = _value(gateway.public_ips, ONE_IP)
    instances = _value(gateway.firewall_instances, TWO_INSTANCES)
    given = _given(kind, egress, units, public_ips, instances)
    ports = _value(gateway.ports_per_unit, given)
    total = {
        Egress.NAT_GATEWAY: NAT_IN_ALL,
        Egress.AZURE_FIREWALL: replace(given, name="ports_to_all_destinations"),
    }.get(egress)
    holds = _holds(gateway, egress)
    idle_s = _value(gateway.idle_timeout_s, _idle(kind, egress))
    behind_firewall = egress is Egress.AZURE_FIREWALL
    return Way(
        gateway=resource_id,
        egress=egress,
        units=_count(units),
        ports=ports,
        total=total,
        holds=holds,
        idle_s=idle_s,
        values=(
            *(kind_told, egress_told, units, public_ips, *([instances] if behind_firewall else [])),
            *(ports, *([total] if total else [])),
            *(holds.after_fin, holds.after_rst, holds.half_open, idle_s),
        ),
    )


def as_allocated(way: Way, ports: int, resource_id: str) -> Way:
    """The way out with the ports that its load balancer was measured to give each back end.

    What the settings state stays, and so does what all units draw from one pool.
    """
    if way.egress is not Egress.LOAD_BALANCER or way.ports.origin == "file":
        return way
    name = resource_id.rpartition("/")[2]
    source = f"AllocatedSnatPorts of {name} during the incident, the least of its back ends"
    told = Value(way.ports.name, ports, "measured", source, Basis.MEASURED)
    values = tuple(told if each == way.ports else each for each in way.values)
    return replace(way, ports=told, values=values)


def reuse_assumed() -> Value:
    """The share of calls, 0 to 1, that find an open connection, where nothing was measured."""
    return _default(
        "connection_reuse",
        0.5,
        "assumption: nothing measured tells how many calls reuse a connection; half of them",
        Basis.ASSUMED,
    )


def _kind(resource_id: str, gateway: Gateway) -> Value:
    if gateway.kind:
        return _stated("kind", gateway.kind)
    told = (each for provider, each in KINDS.items() if provider in resource_id.lower())
    return next(told, ANY_KIND)


def _egress(gateway: Gateway, kind: Kind) -> Value:
    if gateway.egress:
        return _stated("egress", gateway.egress)
    usual = Egress.APP_SERVICE if kind is Kind.APP_SERVICE else Egress.LOAD_BALANCER
    return _default("egress", usual, f"usual for kind {kind}", Basis.ASSUMED)


def _given(kind: Kind, egress: Egress, units: Value, public_ips: Value, instances: Value) -> Value:
    """The ports to one destination that the platform gives by itself."""
    match egress:
        case Egress.NAT_GATEWAY:
            return _derived(
                "ports_to_one_destination",
                NAT_TO_ONE_DESTINATION * _count(public_ips),
                "Microsoft, NAT gateway SKUs (2026-07): 50,000 connections per public IP to one "
                "destination, shared by all units",
                public_ips,
            )
        case Egress.AZURE_FIREWALL:
            return _derived(
                "ports_to_one_destination",
                FIREWALL_PORTS * _count(public_ips) * _count(instances),
                f"{FIREWALL} 2,496 per public IP and firewall instance, shared by all units",
                public_ips,
                instances,
            )
        case Egress.APP_SERVICE:
            return PROMISED
        case Egress.LOAD_BALANCER:
            return UNPUBLISHED if kind is Kind.APIM else _by_pool(units, public_ips)


def _by_pool(units: Value, public_ips: Value) -> Value:
    row = next((ports for size, ports in POOLS if _count(units) <= size), None)
    ports = min((row or POOLS[-1][1]) * _count(public_ips), MOST_BY_DEFAULT)
    if row is None:
        source = f"assumption: {POOLS_PAGE} no row for pools above 1,000; the last one is taken"
        return _default("ports_per_unit", ports, source, Basis.ASSUMED)
    # Small pools have all that can be had by default on one frontend.
    counts = (units,) if row == MOST_BY_DEFAULT else (units, public_ips)
    return _derived("ports_per_unit", ports, f"{POOLS_PAGE} default allocation", *counts)


def _holds(gateway: Gateway, egress: Egress) -> Holds:
    known = HOLDS[egress]
    after_fin = _value(gateway.hold_s, known[AFTER_FIN])
    no_figure = replace(after_fin, origin="default", source=NO_FIGURE, basis=Basis.ASSUMED)
    after_rst = known.get(AFTER_RST, replace(no_figure, name=AFTER_RST))
    half_open = known.get(HALF_OPEN, replace(no_figure, name=HALF_OPEN))
    return Holds(
        after_fin,
        _value(gateway.hold_after_reset_s, after_rst),
        _value(gateway.hold_half_open_s, half_open),
    )


def _idle(kind: Kind, egress: Egress) -> Value:
    aks = kind is Kind.AKS and egress is Egress.LOAD_BALANCER
    return IDLE_S_OF_AKS if aks else IDLE_S[egress]


def _derived(name: str, value: int, source: str, *counts: Value) -> Value:
    """What a page makes of counts; where one of these is assumed, so is the number."""
    assumed = [each.name for each in counts if each.basis is not Basis.STATED]
    if not assumed:
        return _default(name, value, source)
    missing = f"{source}; {' and '.join(assumed)} assumed"
    return _default(name, value, missing, Basis.ASSUMED)


def _value(stated: int | None, otherwise: Value) -> Value:
    return otherwise if stated is None else _stated(otherwise.name, stated)


def _stated(name: str, value: int | str) -> Value:
    return Value(name, value, "file", "gateway-rca.toml", Basis.STATED)


def _count(value: Value) -> int:
    return int(value.value)
