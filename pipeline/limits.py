"""Ports and timers of the way out, each with where the number comes from.

Numbers: Microsoft's pages on Load Balancer outbound connections (2024-04), NAT gateway resource
and SKUs (2026-07), App Service outbound connections (2020-07), Azure Firewall with NAT gateway
(2022-02).
"""

from dataclasses import dataclass
from datetime import datetime

from pipeline.config import Egress, Gateway, Kind

# Default allocation per instance on one frontend, by size of the backend pool.
LOAD_BALANCER_TABLE = ((50, 1024), (100, 512), (200, 256), (400, 128), (800, 64), (1000, 32))
FIREWALL_PORTS = 2496
NAT_PORTS_TO_ONE_DESTINATION = 50_000
APP_SERVICE_PORTS = 128
HOLD_S = {
    Egress.LOAD_BALANCER: 240,
    Egress.APP_SERVICE: 240,
    Egress.NAT_GATEWAY: 65,
    Egress.AZURE_FIREWALL: 240,
}


@dataclass(frozen=True, slots=True)
class Value:
    """A number and its basis: ``origin`` is file, default or measured; ``source`` a page."""

    name: str
    value: int | str
    origin: str
    source: str


@dataclass(frozen=True, slots=True)
class Way:
    """The way out of a gateway at a moment, as stated or assumed.

    ``ports`` is what one instance can hold to one destination ip:port; for a NAT gateway, which all
    instances share, what all of them can. ``documented`` says whether that number is Microsoft's.
    """

    gateway: str
    egress: Egress
    units: int
    ports: Value
    hold_s: Value
    values: tuple[Value, ...]
    documented: bool

    @property
    def shared(self) -> bool:
        """Whether all instances draw on one pool."""
        return self.egress is Egress.NAT_GATEWAY


def way_out(resource_id: str, stated: Gateway | None, moment: datetime) -> Way:
    """The way out of the gateway with this id, by its settings where there are any."""
    gateway = (stated or Gateway(resource_id)).at(moment)
    kind = Value(
        "kind",
        gateway.kind or _kind(resource_id),
        "file" if gateway.kind else "measured",
        "gateway-rca.toml" if gateway.kind else "the resource id's provider",
    )
    egress = Value(
        "egress",
        gateway.egress
        or (Egress.APP_SERVICE if kind.value is Kind.APP_SERVICE else Egress.LOAD_BALANCER),
        "file" if gateway.egress else "default",
        "gateway-rca.toml" if gateway.egress else f"usual for kind {kind.value}",
    )
    units = _stated("units", gateway.units, 1, "one unit, where the settings state none")
    public_ips = _stated("public_ips", gateway.public_ips, 1, "one public IP")
    way = Egress(str(egress.value))
    ports, documented = _ports(gateway, Kind(str(kind.value)), way, units, public_ips)
    hold_s = _stated("hold_s", gateway.hold_s, HOLD_S[way], HOLD_SOURCES[way])
    return Way(
        gateway=resource_id,
        egress=way,
        units=int(units.value),
        ports=ports,
        hold_s=hold_s,
        values=(kind, egress, units, public_ips, ports, hold_s),
        documented=documented,
    )


FOUR_MINUTES = "Microsoft, App Service outbound connections (2020-07): 4 minutes after FIN"
HOLD_SOURCES = {
    Egress.LOAD_BALANCER: FOUR_MINUTES,
    Egress.APP_SERVICE: FOUR_MINUTES,
    Egress.NAT_GATEWAY: "Microsoft, NAT gateway resource (2023-07): 65 s after FIN",
    Egress.AZURE_FIREWALL: "assumed as for a Load Balancer; Microsoft gives no figure",
}


def _stated(name: str, value: int | None, default: int, source: str) -> Value:
    if value is not None:
        return Value(name, value, "file", "gateway-rca.toml")
    return Value(name, default, "default", source)


def _kind(resource_id: str) -> Kind:
    lowered = resource_id.lower()
    # Telemetry of an app names no plan; of what may host it, App Service promises the fewest ports.
    if any(each in lowered for each in ("/microsoft.web/", "/microsoft.insights/components/")):
        return Kind.APP_SERVICE
    if "/microsoft.containerservice/" in lowered:
        return Kind.AKS
    if "/microsoft.apimanagement/" in lowered:
        return Kind.APIM
    return Kind.VM


def _ports(
    gateway: Gateway, kind: Kind, egress: Egress, units: Value, public_ips: Value
) -> tuple[Value, bool]:
    if gateway.ports_per_unit is not None:
        return Value("ports_per_unit", gateway.ports_per_unit, "file", "gateway-rca.toml"), True
    ips = int(public_ips.value)
    match egress:
        case Egress.NAT_GATEWAY:
            return Value(
                "ports_to_one_destination",
                NAT_PORTS_TO_ONE_DESTINATION * ips,
                "default",
                "Microsoft, NAT gateway SKUs (2026-07): 50,000 connections per public IP to one "
                "destination, shared by all units",
            ), True
        case Egress.AZURE_FIREWALL:
            return Value(
                "ports_per_unit",
                FIREWALL_PORTS * ips * 2,
                "default",
                "Microsoft, Azure Firewall (2022-02): 2,496 per public IP and instance, two "
                "instances at least",
            ), True
        case Egress.APP_SERVICE:
            return Value(
                "ports_per_unit",
                APP_SERVICE_PORTS,
                "default",
                "Microsoft, App Service outbound connections (2020-07): 128 are guaranteed; more "
                "may be given",
            ), False
        case Egress.LOAD_BALANCER:
            return _load_balancer_ports(kind, int(units.value), ips)


def _load_balancer_ports(kind: Kind, units: int, ips: int) -> tuple[Value, bool]:
    if kind is Kind.APIM:
        return Value(
            "ports_per_unit",
            1024,
            "default",
            "assumption: Microsoft does not publish the number for API Management; 1,024 is what "
            "a Load Balancer gives pools of up to 50",
        ), False
    table = next((ports for size, ports in LOAD_BALANCER_TABLE if units <= size), 32)
    return Value(
        "ports_per_unit",
        min(table * ips, 1024),
        "default",
        "Microsoft, Load Balancer outbound connections (2024-04): default allocation",
    ), True
