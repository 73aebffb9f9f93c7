"""Findings: what a report says, as the JSON document that ships beside it.

The JSON Schema is made from these types. Times are UTC, ISO 8601 with Z; shares are 0 to 1;
null is "not known" or "not examined", never zero.
"""

import inspect
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

SCHEMA_VERSION = "1.0"

Time = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Verdict(StrEnum):
    """What became of a hypothesis."""

    SUPPORTED = "supported"
    EXCLUDED = "excluded"
    UNDECIDED = "undecided"


class Status(StrEnum):
    """How sure the verdict on an incident is."""

    CONFIRMED = "confirmed"
    LIKELY = "likely"
    UNDECIDED = "undecided"


class Exhaustion(StrEnum):
    """Whether translation ports ran out."""

    CONFIRMED = "confirmed"
    EXCLUDED = "excluded"
    UNDECIDED = "undecided"


class Trigger(StrEnum):
    """What set an incident off."""

    TRAFFIC_SURGE = "traffic_surge"
    SLOW_BACKEND = "slow_backend"
    LOST_CONNECTION_REUSE = "lost_connection_reuse"
    RETRY_STORM = "retry_storm"
    SCALE_IN = "scale_in"
    CONFIGURATION_CHANGE = "configuration_change"
    NONE_FOUND = "none_found"


class Direction(StrEnum):
    """Which way a piece of evidence points."""

    FOR = "for"
    AGAINST = "against"


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """The root of all shapes of this document: immutable, named fields."""


class Span(Shape, frozen=True):
    """A stretch of time; an end of null is still going at the end of the data."""

    start: Time
    end: Time | None


class Coverage(Shape, frozen=True):
    """What one source could have shown, and whether it was there."""

    dataset: str
    format: str
    resource_id: str | None
    rows: int
    quarantined: int
    duplicates: int
    set_aside: int
    pending: int
    lines: int
    blobs: int
    start: Time | None
    end: Time | None
    gaps: list[Span]
    sampled: bool


class Refused(Shape, frozen=True):
    """A class of records that could not be read; the example is the first of them."""

    kind: str
    records: int
    blobs: int
    example_blob: str
    example_position: int
    example_reason: str


class Assumption(Shape, frozen=True):
    """A value that a conclusion rests on; ``origin`` is file, measured or default.

    ``of`` is the gateway or host that it is a value of, if of one. ``basis`` says what kind of
    knowledge it is: only what is stated, measured or documented is taken for a fact.
    """

    name: str
    value: float | str | None
    origin: str = msgspec.field(name="from")
    source: str
    of: str | None
    basis: Literal["stated", "measured", "documented", "observed", "second_hand", "assumed"]


class Evidence(Shape, frozen=True):
    """One sentence with its numbers; ``weight`` is a log-likelihood ratio (natural logarithm)."""

    says: str
    direction: Direction
    weight: float
    figure: str | None = None


class Hypothesis(Shape, frozen=True):
    """A mechanism, tested on this incident; ``name`` is it in words."""

    id: str
    name: str
    probability: Share
    verdict: Verdict
    evidence: list[Evidence]
    would_decide: str | None
    about: str


class Ports(Shape, frozen=True):
    """Ports to one ip:port: bounds of what was held, and the limit they are held against."""

    scope: Literal["unit", "total"]
    lower_peak: int
    estimate_peak: int | None
    upper_peak: int
    limit: int | None
    limit_from: str | None
    peak_at: Time | None
    demand_peak: int | None
    basis: Literal["gateway_logs", "metrics", "flow_logs"]
    instance: str | None
    sharing: int


class Destination(Shape, frozen=True):
    """An ip:port as the incident saw it; ``hosts`` are all names on it, ``host`` the busiest."""

    name: str
    host: str | None
    hosts: list[str]
    ip: str | None
    port: int | None
    requests: int
    failures: int
    first_failure: Time | None
    ports: Ports | None
    peak_per_s: float
    peak_at: Time | None
    mean_per_s_in_peak_minute: float
    usual_per_s: float | None


class Impact(Shape, frozen=True):
    """Who was hit, and how much."""

    requests: int
    failed: int
    operations_failed: int
    failure_rate: Share
    apis: list[str]
    callers: int | None
    callers_seen: int | None
    aborted: int
    rejected: int
    error_budget_used: float | None
    longest_bad_minute_run: int


class Mechanism(Shape, frozen=True):
    """The verdict on an incident; ``amplifiers`` of null were not examined."""

    mechanism: str
    trigger: Trigger
    trigger_why: str
    amplifiers: list[str] | None
    status: Status
    probability: Share


class CounterReading(Shape, frozen=True):
    """What a measured counter of the way out says of the incident.

    ``proves`` is true where ports ran out there, false where none was wanting, null where neither
    can be told. ``counts`` says whether it is known to be the counter of this gateway's way out.
    """

    name: str
    resource_id: str
    instance: str | None
    says: str
    proves: bool | None
    at: Time | None
    counts: bool


class Snat(Shape, frozen=True):
    """Whether translation ports ran out, with the sentence that justifies it.

    Where that is undecided, ``would_decide`` is the one measurement that would decide, and
    ``support_request`` the text to ask Azure Support with.
    """

    verdict: Exhaustion
    why: str
    counters: list[CounterReading]
    reuse: Share
    reuse_from: str
    would_decide: str | None
    support_request: str | None


class Instance(Shape, frozen=True):
    """An instance's part of the failures."""

    id: str
    share_of_failures: Share


class Demand(Shape, frozen=True):
    """Why port demand rose: shares that add up to the rise."""

    traffic: float
    slowness: float
    retries: float
    lost_reuse: float


class Mitigation(Shape, frozen=True):
    """What a measure would have averted on this incident's own traffic."""

    id: str
    parameters: dict[str, float]
    failures_averted: dict[Literal["low", "high"], int]
    next_bottleneck: str
    effort: str


class Combination(Shape, frozen=True):
    """Attribute values that failures share: how many it covers against how much traffic it is."""

    attributes: dict[str, str]
    requests: int
    failures: int
    share_of_failures: Share
    share_of_requests: Share
    rate_inside: Share
    rate_outside: Share


class Companion(Shape, frozen=True):
    """A series that moved with the failures; a positive lag follows them. Grain: one minute.

    Lags from ``low_min`` to ``high_min`` do nearly as well as the best one.
    """

    series: str
    lag_min: int
    low_min: int
    high_min: int
    correlation: float
    p_value: Share
    says: str


class LatencyShift(Shape, frozen=True):
    """BackendTime of successful calls: before against during, and when the level changed."""

    destination: str
    baseline: Span | None
    calls_before: int
    calls_during: int
    p50_before_ms: float | None
    p50_during_ms: float | None
    p95_before_ms: float | None
    p95_during_ms: float | None
    p99_before_ms: float | None
    p99_during_ms: float | None
    change_at: Time | None
    change_from: Time | None
    change_to: Time | None
    change_factor: float | None


class GatewayTime(Shape, frozen=True):
    """The gateway's own time: total less backend, client and cache time of successful requests.

    Medians over minutes of the 95th percentile; ``negative_share`` is how often the parts, which
    are measured apart, add up to more than the total.
    """

    p95_before_ms: float | None
    p95_during_ms: float | None
    negative_share: Share


class Caller(Shape, frozen=True):
    """A caller that saw failures."""

    caller_ip: str | None
    subscription: str | None
    requests: int
    failures: int


class Way(Shape, frozen=True):
    """A way in which requests failed; ``sample`` ids are looked up in the logs."""

    outcome: str
    reason: str | None
    fault: str | None
    backend_status: int | None
    requests: int
    share: Share


class Sample(Shape, frozen=True):
    """One failed request, to look up or to hand to support."""

    time: Time
    correlation_id: str | None
    destination: str | None
    reason: str | None
    fault: str | None
    backend_status: int | None
    status: int | None
    elapsed_ms: int | None
    message: str | None
    alike: int
    blob: str
    position: int


class Event(Shape, frozen=True):
    """A line of the timeline."""

    time: Time
    says: str
    figure: str | None = None


class Incident(Shape, frozen=True):
    """A sustained run of failures at one gateway; an end of null is still going."""

    id: str
    gateway: str
    start: Time
    end: Time | None
    threshold: str
    verdict: Mechanism
    snat: Snat
    destinations: list[Destination]
    instances: list[Instance]
    hypotheses: list[Hypothesis]
    impact: Impact
    demand: Demand | None
    mitigations: list[Mitigation] | None
    ways: list[Way]
    combinations: list[Combination]
    companions: list[Companion]
    latency: list[LatencyShift]
    gateway_time: GatewayTime
    failing_callers: list[Caller]
    samples: list[Sample]
    timeline: list[Event]
    cannot_see: list[str]
    do_first: list[str]


class Figure(Shape, frozen=True):
    """A figure or table: the query behind it, so that it can be run again."""

    id: str
    title: str
    query: str
    parameters: dict[str, str | int]
    sha256: str
    rows: int
    incident: str | None


class Objective(Shape, frozen=True):
    """The promise that failures are held against; null where none is stated."""

    availability: float | None
    window_days: int | None


class Detection(Shape, frozen=True):
    """What a run of failures must have to be an incident."""

    minimum_failures: int
    minimum_minutes: int


class Issue(Shape, frozen=True):
    """A report that was issued unwatched: its revision, what changed since the one before and why.

    ``incomplete`` says what was wanting when it was made; the report is stamped with it.
    """

    id: str
    revision: int
    changes: list[str]
    incomplete: list[str]


class Findings(Shape, frozen=True):
    """The document of an incident report; ``issue`` is null where somebody asked for it."""

    schema_version: Literal["1.0"]
    kind: Literal["incident"]
    generator: str
    window: Span
    window_from: str
    coverage: list[Coverage]
    assumptions: list[Assumption]
    objective: Objective
    detection: Detection
    quarantine: list[Refused]
    incidents: list[Incident]
    set_aside: list[str]
    figures: list[Figure]
    issue: Issue | None = None


def schema() -> dict[str, object]:
    """The JSON Schema of the findings, made from these types."""
    made = msgspec.json.schema(Findings)
    for shape in made["$defs"].values():
        # Python 3.13 takes a docstring's indentation off by itself, those before it do not.
        shape["description"] = inspect.cleandoc(shape.get("description", ""))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"gateway-rca findings {SCHEMA_VERSION}",
        **made,
    }


def encoded(findings: Findings) -> bytes:
    """The document as it is written: readable, ending in a newline, the same each time."""
    return msgspec.json.format(msgspec.json.encode(findings), indent=2) + b"\n"
