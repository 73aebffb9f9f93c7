"""Changes near a gateway: what was done, scaled or unwell, how near it was, and when it ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from pipeline.window import Window
from pipeline.wording import last, short

# Changes are looked for this far before the first failure.
LOOKED_BACK = timedelta(hours=6)
ADMINISTRATIVE = "administrative"
AUTOSCALE = "autoscale"
HEALTH = ("resourcehealth", "servicehealth")
PLACES = ("resource", "group", "subscription")
NOUNS = {
    "microsoft.apimanagement/service": "API Management service",
    "microsoft.compute/virtualmachinescalesets": "scale set",
    "microsoft.containerservice/managedclusters": "cluster",
    "microsoft.insights/autoscalesettings": "autoscale setting",
    "microsoft.network/azurefirewalls": "firewall",
    "microsoft.network/firewallpolicies": "firewall policy",
    "microsoft.network/loadbalancers": "load balancer",
    "microsoft.network/natgateways": "NAT gateway",
    "microsoft.network/networksecuritygroups": "network security group",
    "microsoft.network/privatednszones": "private DNS zone",
    "microsoft.network/privateendpoints": "private endpoint",
    "microsoft.network/publicipaddresses": "public IP",
    "microsoft.network/publicipprefixes": "public IP prefix",
    "microsoft.network/routetables": "route table",
    "microsoft.network/virtualnetworks": "virtual network",
    "microsoft.web/serverfarms": "App Service plan",
    "microsoft.web/sites": "app",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One change, from its first record to the last that says how it ended.

    ``near`` is resource (the gateway or its way out), group or subscription. ``whose`` says that in
    words. ``ended`` is null where no record tells of an end.
    """

    near: str
    whose: str
    resource_id: str
    resource_type: str | None
    category: str
    operation: str
    began: datetime
    ended: datetime | None
    status: str | None
    by: str | None
    old: str | None
    new: str | None
    cause: str | None

    @property
    def succeeded(self) -> bool:
        """Whether it is told to have ended well."""
        return self.ended is not None and self.status == "succeeded"

    @property
    def instances(self) -> tuple[int, int] | None:
        """Instances before and after a step of autoscale, where they are told."""
        if self.category == AUTOSCALE and _whole(self.old) and _whole(self.new):
            return int(self.old or 0), int(self.new or 0)
        return None

    @property
    def name(self) -> str:
        """The resource as a sentence names it, with its kind and how near it is."""
        parts = self.resource_id.split("/")
        told = "/".join(parts[8:9] + parts[10::2]) or last(self.resource_id)
        noun = NOUNS.get(self.resource_type or "", "resource")
        return f"{noun} {short(told)} ({self.whose})"

    @property
    def says(self) -> str:
        """What it was, in a clause without times."""
        if self.category == "servicehealth":
            return f"Azure told of a problem with a service ({self.whose})"
        if self.category in HEALTH:
            cause = f", {_cause(self.cause)}" if self.cause else ""
            return f"Azure said that {self.name} was {short(self.new or 'unwell')}{cause}"
        if self.category == AUTOSCALE:
            steps = (
                f"from {self.old} to {self.new} instances" if self.instances else "to other size"
            )
            return f"Autoscale took {self.name} {steps}"
        by = f" by {self.by}" if self.by else ""
        return f"{short(self.operation, 80)} on {self.name}{by}"

    def told(self, day: datetime) -> str:
        """The whole of it, with how it ended; times of another day than ``day`` name theirs."""
        if self.category in HEALTH:
            until = f", until {clock(self.ended, day)} UTC" if self.ended else ", no end is told"
            return f"{self.says}{until}."
        if self.ended is None:
            return f"{self.says} was {self.status or 'recorded'}; how it ended is not told."
        if self.category == AUTOSCALE:
            return f"{self.says}: {self.status or 'ended'}."
        if self.ended == self.began:
            return f"{self.says} {self.status or 'ended'}."
        return f"{self.says} began; it {self.status or 'ended'} at {clock(self.ended, day)} UTC."


def changes(changes_around: pl.DataFrame, gateway: str) -> list[Change]:
    """The changes near a gateway, in the order of time."""
    return [
        Change(
            near=row["near"],
            whose=_whose(row["near"], row["resource_id"], gateway),
            resource_id=row["resource_id"],
            resource_type=row["resource_type"],
            category=row["category"],
            operation=row["operation"],
            began=row["began"],
            ended=row["ended"],
            status=row["status"],
            by=_by(row["caller_kind"], row["caller"]),
            old=row["old_value"],
            new=row["new_value"],
            cause=row["cause"],
        )
        for row in changes_around.iter_rows(named=True)
    ]


@dataclass(frozen=True, slots=True)
class Log:
    """What was read of the activity log: from its earliest event to its latest, or null."""

    first: datetime | None
    last: datetime | None

    def unseen(self, wanted: Window) -> str | None:
        """What of a window it does not tell of, as a sentence; null where it tells of all.

        An activity log is silent for hours: before its first event and after its last nobody
        knows whether it was read.
        """
        if self.first is None or self.last is None or self.last < wanted.start:
            return "Changes to the configuration: no activity log of this time was read."
        if self.first >= wanted.stop:
            return "Changes to the configuration: no activity log of this time was read."
        day = wanted.stop
        missing = [
            *([f"before {clock(self.first, day)}"] if self.first > wanted.start else []),
            *([f"after {clock(self.last, day)}"] if self.last < wanted.stop else []),
        ]
        if not missing:
            return None
        return (
            "Changes to the configuration: the activity log that was read has no event "
            f"{' and none '.join(missing)} UTC, so that it may have been read in part."
        )


def log_read(changes_told: pl.DataFrame) -> Log:
    """From when to when the activity log was read."""
    if changes_told.is_empty():
        return Log(None, None)
    row = changes_told.row(0, named=True)
    return Log(row["first_at"], row["last_at"])


def clock(moment: datetime | None, day: datetime) -> str:
    """The time of day, with its day where that is another."""
    if moment is None:
        return "a time not told"
    same = moment.date() == day.date()
    return f"{moment:%H:%M:%S}" if same else f"{moment:%Y-%m-%d %H:%M:%S}"


def _whose(near: str, resource: str, gateway: str) -> str:
    if near != "resource":
        return f"in the same {'resource group' if near == 'group' else 'subscription'}"
    return "the gateway itself" if f"{resource}/".startswith(f"{gateway}/") else "its way out"


def _by(kind: str | None, caller: str | None) -> str | None:
    """Who did it, as far as landing kept it."""
    if kind is None and caller is None:
        return None
    if kind == "user":
        return "a user"
    return f"{kind or 'caller'} {short(caller)}" if caller else f"a {kind}"


def _cause(cause: str | None) -> str:
    told = {"platforminitiated": "by the platform", "userinitiated": "by a user's doing"}
    return told.get((cause or "").lower(), f"cause: {short(cause or '')}")


def _whole(text: str | None) -> bool:
    return text is not None and text.isascii() and text.isdecimal() and len(text) < 7
