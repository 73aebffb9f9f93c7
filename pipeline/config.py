"""Settings: ``gateway-rca.toml``, read once; every value has a default and a documented origin."""

import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from pipeline.errors import PipelineError
from pipeline.flaws import Flaw, flaws
from pipeline.storage import SETTINGS_NAME

Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
# Microsoft, NAT gateway SKUs (2026-07).
MOST_IPS_OF_A_NAT_GATEWAY = 16
# A scheme or path, a space, or a port behind a name: hosts in logs have none.
NO_NAME = re.compile(r"[/\s]|^[^:]*:\d+$")


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
    # For the scheduled job: how far back it looks, and whether data that came late and changes a
    # verdict makes it write a report again.
    look_back_days: Annotated[int, msgspec.Meta(ge=1, le=90)] = 3
    reissue: bool = True


class Land(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the scheduled job lands, and where; after ``at_most_minutes`` the next run goes on."""

    sources: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    lake: str
    at_most_minutes: Count | None = None


class Weekday(StrEnum):
    """A day of the week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class Capacity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The weekly capacity review: at which shares of a limit it raises an alert.

    The scheduled job makes it at a ``weekday`` and ``hour``, UTC; without a weekday never.
    """

    alerts: tuple[Share, ...] = (0.7, 0.9)
    weekday: Weekday | None = None
    hour: Annotated[int, msgspec.Meta(ge=0, le=23)] = 6


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many days are kept: rows of the lake (null: all), manifests of runs, old versions."""

    rows_days: Count | None = None
    runs_days: Count = 90
    versions_days: Count = 7


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


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings; ``origin`` is the file they came from, null if there was none."""

    gateway: tuple[Gateway, ...] = ()
    destination: tuple[Destination, ...] = ()
    slo: Slo = Slo()
    incident: Detection = Detection()
    report: Letterhead = Letterhead()
    event: tuple[Event, ...] = ()
    land: Land | None = None
    capacity: Capacity = Capacity()
    retention: Retention = Retention()
    # Each of a kind on the shelf of publishers, which knows its keys.
    publish: tuple[dict[str, Any], ...] = ()
    origin: str | None = None

    def stated(self, resource_id: str) -> Gateway | None:
        """What the settings say of a gateway; ids are compared in lower case."""
        same = (each for each in self.gateway if each.resource_id.lower() == resource_id)
        return next(same, None)


def settings(path: Path | None) -> Settings:
    """The settings in a file, or the defaults where there is none.

    Raises ``PipelineError`` naming the file, and of all that is wrong in it key, reason and cure.
    """
    if path is None:
        return Settings()
    said = told(path)
    if found := [*flaws(said, Settings), *contradictions(said)]:
        raise wrong(path, found)
    return made(path, said)


def made(path: Path, said: dict[str, Any]) -> Settings:
    """The settings that a file says, once nothing is wrong in it; its logo lies beside it."""
    read = msgspec.convert(said, Settings)
    report = read.report
    if report.logo is not None:
        report = msgspec.structs.replace(report, logo=str(path.parent / report.logo))
    return msgspec.structs.replace(read, origin=path.name, report=report)


def told(path: Path) -> dict[str, Any]:
    """What a settings file says, as TOML gives it.

    Raises ``PipelineError`` where it cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise PipelineError(f"{path}: no such file; --config names a gateway-rca.toml") from error
    except OSError as error:
        raise PipelineError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PipelineError(f"{path}: not TOML: {error}") from error


def wrong(path: Path, found: list[Flaw]) -> PipelineError:
    """All flaws of a settings file as one error."""
    if len(found) == 1:
        return PipelineError(f"{path}: {found[0]}")
    told = "".join(f"\n  {each}" for each in found)
    return PipelineError(f"{path}: {len(found)} settings are wrong{told}")


def contradictions(said: dict[str, Any]) -> Iterator[Flaw]:
    """Settings that each fit their type, and do not fit one another or the platform."""
    for key, name in (("gateway", "resource_id"), ("destination", "host")):
        ids = [str(each[name]).lower() for each in _tables(said, key) if name in each]
        for twice in sorted({each for each in ids if ids.count(each) > 1}):
            yield Flaw(f"{key}.{name}", f"{twice!r} stands twice", "keep one of them")
    for number, gateway in enumerate(_tables(said, "gateway")):
        counts = [each.get("public_ips") for each in (gateway, *_tables(gateway, "history"))]
        ips = max((each for each in counts if isinstance(each, int)), default=0)
        if gateway.get("egress") == Egress.NAT_GATEWAY and ips > MOST_IPS_OF_A_NAT_GATEWAY:
            yield Flaw(
                f"gateway[{number}].public_ips",
                f"it is {ips}, and a NAT gateway takes {MOST_IPS_OF_A_NAT_GATEWAY}",
                "state how many IPv4 addresses are attached to it",
            )

    yield from _unreachable(said)
    for number, event in enumerate(_tables(said, "event")):
        begins, ends = event.get("from"), event.get("to")
        if isinstance(begins, date) and isinstance(ends, date) and ends < begins:
            yield Flaw(
                f"event[{number}].to",
                f"event {event.get('name')!r} ends ({ends}) before it begins ({begins})",
                "swap 'from' and 'to'",
            )
    report = said.get("report")
    zone = report.get("time_zone") if isinstance(report, dict) else None
    if isinstance(zone, str) and not _is_zone(zone):
        yield Flaw(
            "report.time_zone",
            f"{zone!r} is no time zone",
            "write its name, as in 'Europe/Vienna'",
        )


def _unreachable(said: dict[str, Any]) -> Iterator[Flaw]:
    """Destinations that no call goes to, for they are no name and no address."""
    for number, destination in enumerate(_tables(said, "destination")):
        key, host, ips = f"destination[{number}]", destination.get("host"), destination.get("ips")
        if isinstance(host, str) and NO_NAME.search(host):
            cure = "write the name alone, as in 'api.payments.example'; a port is a key of its own"
            yield Flaw(f"{key}.host", f"{host!r} is no host name", cure)
        for place, each in enumerate(ips if isinstance(ips, list) else []):
            if isinstance(each, str) and not _is_ip(each):
                cure = "write it as in '203.0.113.10'"
                yield Flaw(f"{key}.ips[{place}]", f"{each!r} is no ip address", cure)


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _tables(said: dict[str, Any], key: str) -> list[dict[str, Any]]:
    held = said.get(key)
    return [each for each in held if isinstance(each, dict)] if isinstance(held, list) else []


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
