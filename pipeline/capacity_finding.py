"""Capacity findings: what the weekly review says, as the JSON document that ships beside it.

Shares are parts of the limit, 0 to 1: 1 is the limit, and only bounds and demand may lie above it.
Null is "not known", never zero; a crossing of null is not within the horizon.
"""

from typing import Annotated, Literal

import msgspec

from pipeline.finding import (
    Assumption,
    Coverage,
    Figure,
    Objective,
    Refused,
    Shape,
    Share,
    Span,
    Time,
)

Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d$")]
Part = Annotated[float, msgspec.Meta(ge=0)]
Kind = Literal["ports", "measured_ports", "nat_connections", "firewall_ports", "gateway_load"]
Scope = Literal["instance", "unit", "total"]
Basis = Literal["gateway_logs", "metrics", "flow_logs"]
Sign = Literal["act", "watch", "fine", "unknown"]


class Utilisation(Shape, frozen=True):
    """How full something was over the weeks reviewed, by the peaks of single minutes.

    ``p50`` to ``peak`` are of the estimate; ``lower_peak`` and ``upper_peak`` are the bounds' own.
    """

    p50: Part
    p95: Part
    p99: Part
    peak: Part
    peak_at: Time
    lower_peak: Part
    upper_peak: Part
    minutes: int


class Growth(Shape, frozen=True):
    """The rise of the daily peak, share of the limit a day, over so many days."""

    days_30: float | None = msgspec.field(name="30")
    days_60: float | None = msgspec.field(name="60")
    days_90: float | None = msgspec.field(name="90")


class Crossing(Shape, frozen=True):
    """When a level is reached; a date in the past was reached then."""

    low: Day | None
    median: Day | None
    high: Day | None


class Crossings(Shape, frozen=True):
    """Crossings by level in per cent of the limit."""

    at_80: Crossing = msgspec.field(name="80")
    at_100: Crossing = msgspec.field(name="100")


class BackTest(Shape, frozen=True):
    """How earlier forecasts of the same series fared: daily peaks, and how many were foretold."""

    days: int
    inside: int
    aimed_at: Share
    calibrated: bool


class Outlook(Shape, frozen=True):
    """What the forecast rests on; ``says`` tells why there is none, where there is none."""

    days_of_history: int
    known: bool
    says: str
    back_test: BackTest | None
    jump: Day | None


class Alert(Shape, frozen=True):
    """How long an alert's level was reached."""

    at: Share
    minutes: int
    episodes: int
    longest_minutes: int


class NearMiss(Shape, frozen=True):
    """A stretch in which the upper bound was at the limit and no call went without."""

    start: Time
    end: Time
    upper_peak: Part
    estimate_peak: Part


class Offender(Shape, frozen=True):
    """Who asks for ports: ``share`` is of the gateway's demand for a destination, else of the
    destination's. ``weeks_seen`` counts of the last weeks those in which it stood out, this one
    included; ``weeks_known`` those that anything is known of.
    """

    kind: Literal["destination", "api", "caller"]
    name: str
    share: Share
    status: Literal["new", "recurring"]
    weeks_seen: int
    weeks_known: int


class Scored(Shape, frozen=True):
    """An earlier forecast held against what came."""

    made: Day
    days: int
    inside: int
    median_error: float
    says: str


class Option(Shape, frozen=True):
    """A measure, and the headroom it would have left on the demand of the weeks reviewed."""

    id: str
    parameters: dict[str, float]
    headroom: Share
    says: str


class Shift(Shape, frozen=True):
    """Traffic and what it costs, in the weeks reviewed and in as many before."""

    calls: float
    calls_before: float | None
    backend_ms: float | None
    backend_ms_before: float | None
    ports_per_1000_requests: float | None
    ports_per_1000_requests_before: float | None


class Instance(Shape, frozen=True):
    """How full one instance was, over the minutes of days on which it held anything."""

    id: str
    utilisation: Utilisation
    headroom: Share


class Reading(Shape, frozen=True):
    """What one kind of data says of how full something was; the fields are those of a resource."""

    basis: Basis
    scope: Scope
    utilisation: Utilisation | None
    headroom: Share | None
    peak_instance: str | None
    instances: list[Instance]
    spread: Part | None


class Resource(Shape, frozen=True):
    """Something that can be full: ports of a gateway towards a destination, or what it measured.

    ``scope`` says of how much ``limit`` is the limit. ``instance``: of each that is told, and
    ``utilisation`` is that of the fullest one at each minute, ``peak_instance`` the one of the
    peak, ``instances`` all of them, the fullest first, ``spread`` how far apart their peaks are.
    ``unit``: of any, for none is told; at least and estimate are spread evenly, at most is the
    unluckiest unit. ``total``: of all together. ``basis`` is the data that all this is by, and
    ``other_bases`` what other data says of the same; growth and crossings are by gateway logs.
    """

    id: str
    kind: Kind
    gateway: str
    destination: str | None
    instance: str | None
    scope: Scope
    peak_instance: str | None
    instances: list[Instance]
    spread: Part | None
    unit: str
    basis: Basis
    other_bases: list[Reading]
    sign: Sign
    utilisation: Utilisation | None
    limit: float
    limit_from: str
    limit_is_fact: bool
    headroom: Share | None
    sharing: int
    growth: Growth
    crossing: Crossings
    crossing_upper: Crossings
    outlook: Outlook
    alerts: list[Alert]
    near_misses: list[NearMiss]
    near_miss_minutes: int
    offenders: list[Offender]
    last_forecast_scored: Scored | None
    options: list[Option]
    shift: Shift | None
    peak_before: Part | None


class Reliability(Shape, frozen=True):
    """An API against the objective; burn rate 1 uses the budget up exactly within the window."""

    gateway: str
    api: str | None
    requests: float
    failures: float
    availability: Share | None
    window_requests: float
    window_failures: float
    window_availability: Share | None
    window_days_known: int
    budget_used: float | None
    burn_rate: float | None


class Planned(Shape, frozen=True):
    """An event that the projection takes into account."""

    name: str
    start: Day = msgspec.field(name="from")
    end: Day = msgspec.field(name="to")
    factor: float
    gateway: str | None
    destination: str | None


class Reuse(Shape, frozen=True):
    """The share of a gateway's calls that found an open connection."""

    gateway: str
    share: Share
    share_before: Share | None
    says: str


class Review(Shape, frozen=True):
    """The document of a weekly capacity review."""

    schema_version: Literal["1.0"]
    kind: Literal["capacity"]
    generator: str
    window: Span
    history: Span
    weeks: int
    as_of: Time
    as_of_from: str
    horizon_weeks: int
    coverage: list[Coverage]
    holes: list[str]
    assumptions: list[Assumption]
    objective: Objective
    alerts_at: list[Share]
    events: list[Planned]
    quarantine: list[Refused]
    resources: list[Resource]
    new_destinations: list[str]
    vanished_destinations: list[str]
    reuse: list[Reuse]
    reliability: list[Reliability]
    autoscale: list[str]
    changed: list[str]
    decide: list[str]
    notes: list[str]
    figures: list[Figure]
