"""Settings: ``gateway-rca.toml``, read once; every value has a default and a documented origin."""

import tomllib
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from pipeline.errors import PipelineError
from pipeline.storage import SETTINGS_NAME

Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
# Microsoft, NAT gateway SKUs (2026-07).
MOST_IPS_OF_A_NAT_GATEWAY = 16


class Kind(StrEnum):
    """What a gateway is."""

    APIM = "apim"
    APP_SERVICE = "app_service"
    AKS = "aks"
    VM = "vm"


class Egress(StrEnum):
    """What translates the gateway's private addresses."""

    LOAD_BALANCER = "load_balancer"
    NAT_GATEWAY = "nat_gateway"
    AZURE_FIREWALL = "azure_firewall"
    APP_SERVICE = "app_service"


class Way(StrEnum):
    """Which way calls to a destination leave."""

    PUBLIC = "public"
    PRIVATE_ENDPOINT = "private_endpoint"
    SERVICE_ENDPOINT = "service_endpoint"
    VNET = "vnet"


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """What of a gateway was different from a moment on, until the next such entry."""

    since: Annotated[datetime, msgspec.Meta(tz=True)]
    units: Count | None = None
    ports_per_unit: Count | None = None
    public_ips: Count | None = None


class Gateway(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A gateway; null where the setting is not stated.

    A port is held for ``hold_s`` after a close, ``hold_after_reset_s`` after a reset or a refusal,
    and ``hold_half_open_s`` after a SYN that nobody answered; ``idle_timeout_s`` is how long a
    connection may be silent. ``firewall_instances`` are those of the Azure Firewall on the way out.
    """

    resource_id: str
    kind: Kind | None = None
    units: Count | None = None
    egress: Egress | None = None
    ports_per_unit: Count | None = None
    public_ips: Count | None = None
    idle_timeout_s: Seconds | None = None
    hold_s: Seconds | None = None
    hold_after_reset_s: Seconds | None = None
    hold_half_open_s: Seconds | None = None
    firewall_instances: Count | None = None
    sampling: Share | None = None
    egress_resource_id: str | None = None
    history: tuple[Change, ...] = ()

    def at(self, moment: datetime) -> "Gateway":
        """The gateway as it was at a moment (UTC without a zone), by its history."""
        past = [each for each in self.history if _utc(each.since) <= moment]
        stated = {
            name: value
            for change in sorted(past, key=lambda each: _utc(each.since))
            for name, value in msgspec.structs.asdict(change).items()
            if name != "since" and value is not None
        }
        return msgspec.structs.replace(self, **stated)


class Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a host name leads."""

    host: str
    ips: tuple[str, ...] = ()
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 443
    path: Way = Way.PUBLIC


class Slo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The promise that failures are held against."""

    availability: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None
    window_days: Count | None = None


class Detection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What makes failures an incident."""

    minimum_failures: Count = 20
    minimum_minutes: Count = 2


class Paper(StrEnum):
    """What a report is printed on."""

    A4 = "a4"
    LETTER = "letter"


class Letterhead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How reports look: whose they are, in which zone times are told besides UTC, on what paper.

    ``logo`` is a file, named from where the settings lie. ``sections`` switches sections by name.
    """

    title: str | None = None
    logo: str | None = None
    confidentiality: str | None = None
    authors: tuple[str, ...] = ()
    time_zone: str | None = None
    paper: Paper = Paper.A4
    sections: dict[str, bool] = {}


class Event(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename={"start": "from", "stop": "to"},
):
    """A planned event: demand is ``factor`` times as high from its first day to its last one.

    Without a gateway it is one of all gateways, without a destination one of all destinations.
    """

    name: str
    start: date
    stop: date
    factor: Annotated[float, msgspec.Meta(gt=0)]
    gateway: str | None = None
    destination: str | None = None

    def concerns(self, gateway: str, destination: str | None) -> bool:
        """Whether it is one of a gateway, in lower case, and of a destination there.

        A destination may be named with its port or without.
        """
        if self.gateway is not None and self.gateway.lower() != gateway:
            return False
        if self.destination is None:
            return True
        own = (destination or "").lower()
        return self.destination.lower() in (own, own.rpartition(":")[0])


class Capacity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shares of a limit at which the weekly review raises an alert."""

    alerts: tuple[Share, ...] = (0.7, 0.9)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings; ``origin`` is the file they came from, null if there was none."""

    gateway: tuple[Gateway, ...] = ()
    destination: tuple[Destination, ...] = ()
    slo: Slo = Slo()
    incident: Detection = Detection()
    report: Letterhead = Letterhead()
    capacity: Capacity = Capacity()
    event: tuple[Event, ...] = ()
    origin: str | None = None

    def stated(self, resource_id: str) -> Gateway | None:
        """What the settings say of a gateway; ids are compared in lower case."""
        same = (each for each in self.gateway if each.resource_id.lower() == resource_id)
        return next(same, None)


def settings(path: Path | None) -> Settings:
    """The settings in a file, or the defaults where there is none.

    Raises ``PipelineError`` naming file, key and cure.
    """
    if path is None:
        return Settings()
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        read = msgspec.convert(said, Settings)
    except FileNotFoundError as error:
        raise PipelineError(f"{path}: no such file; --config names a gateway-rca.toml") from error
    except OSError as error:
        raise PipelineError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PipelineError(f"{path}: not TOML: {error}") from error
    except msgspec.ValidationError as error:
        where = str(error).replace("`", "'").replace("$.", "")
        raise PipelineError(f"{path}: {where}; see 'Settings' in the README") from error
    for key, names in (
        ("gateway.resource_id", [each.resource_id.lower() for each in read.gateway]),
        ("destination.host", [each.host.lower() for each in read.destination]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise PipelineError(f"{path}: {key} {twice[0]!r} stands twice; keep one of them")
    for event in read.event:
        if event.stop < event.start:
            raise PipelineError(
                f"{path}: event {event.name!r} ends ({event.stop}) before it begins "
                f"({event.start}); swap 'from' and 'to'"
            )
    for gateway in read.gateway:
        _refuse_more_than_fit(path, gateway)
    return msgspec.structs.replace(read, origin=path.name, report=_letterhead(path, read.report))


def _letterhead(path: Path, said: Letterhead) -> Letterhead:
    """The letterhead, its zone known, its logo found beside the settings."""
    if said.time_zone is not None:
        try:
            ZoneInfo(said.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise PipelineError(
                f"{path}: report.time_zone {said.time_zone!r} is no time zone; write its name, as "
                "in 'Europe/Vienna'"
            ) from error
    if said.logo is None:
        return said
    return msgspec.structs.replace(said, logo=str(path.parent / said.logo))


def _refuse_more_than_fit(path: Path, gateway: Gateway) -> None:
    ips = max(gateway.public_ips or 0, *(each.public_ips or 0 for each in gateway.history), 0)
    if gateway.egress is Egress.NAT_GATEWAY and ips > MOST_IPS_OF_A_NAT_GATEWAY:
        raise PipelineError(
            f"{path}: gateway.public_ips of {gateway.resource_id!r} is {ips}, and a NAT gateway "
            f"takes {MOST_IPS_OF_A_NAT_GATEWAY}; state how many IPv4 addresses are attached to it"
        )


def beside(exports: list[str]) -> Path | None:
    """The settings file beside the exports, in a folder above them, or in the current folder."""
    places = [Path(export) for export in exports]
    folders = [place if place.is_dir() else place.parent for place in places if place.exists()]
    for folder in [*folders, *(folder.parent for folder in folders), Path()]:
        if (folder / SETTINGS_NAME).is_file():
            return folder / SETTINGS_NAME
    return None


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
