"""Incident findings: what a report on incidents says, as the JSON document beside it."""

from typing import Literal

from pipeline.comparison_finding import Comparison
from pipeline.config import Settings
from pipeline.finding import (
    Assumption,
    Coverage,
    Evidence,
    Exhaustion,
    Figure,
    LakeRead,
    Objective,
    Refused,
    Shape,
    Share,
    Span,
    Status,
    Time,
    Trigger,
    Verdict,
)


class Hypothesis(Shape, frozen=True):
    """A mechanism, tested on this incident; ``name`` is it in words.

    ``would_decide`` is the measurement that is missing, where it is undecided; ``would_flip`` the
    evidence that its place hangs on, or how much it lacks.
    """

    id: str
    name: str
    probability: Share
    verdict: Verdict
    evidence: list[Evidence]
    would_decide: str | None
    would_flip: str
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
    """The verdict on an incident; ``amplifiers_why`` has the sentence that justifies each."""

    mechanism: str
    trigger: Trigger
    trigger_why: str
    amplifiers: list[str]
    amplifiers_why: list[str]
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
    """An instance's part of the requests and of the failures."""

    id: str
    requests: int
    failures: int
    share_of_requests: Share
    share_of_failures: Share


class Demand(Shape, frozen=True):
    """Why demand for ports to ``destination`` rose: shares that add up to 1.

    ``times`` is demand in ``highest`` over demand in ``usual``. Where reuse was not measured, it is
    taken as unchanged, and what it may have done is counted to the others.
    """

    traffic: float
    slowness: float
    retries: float
    lost_reuse: float
    destination: str
    times: float
    usual: Span
    highest: Span
    reuse_measured: bool
    says: str


class Mitigation(Shape, frozen=True):
    """What a measure would have averted on this incident's own traffic."""

    id: str
    parameters: dict[str, float]
    failures_averted: dict[Literal["low", "high"], int]
    next_bottleneck: str
    effort: str


class Combination(Shape, frozen=True):
    """Attribute values that failures share: how many it covers against how much traffic it is.

    ``same`` are other attributes' values of exactly the same requests. ``rate_outside`` is that of
    requests that neither this nor a combination before it holds.
    """

    attributes: dict[str, str]
    requests: int
    failures: int
    share_of_failures: Share
    share_of_requests: Share
    rate_inside: Share
    rate_outside: Share
    same: dict[str, str]


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


class GatewayLoad(Shape, frozen=True):
    """How busy the gateway, or the plan that it may run on, was: medians over minutes, a peak.

    ``told`` is the share of the incident's minutes that a value is of; null is not told.
    """

    resource_id: str
    measure: str
    own: bool
    before: float | None
    during: float | None
    highest: float
    told: Share


class DurationMode(Shape, frozen=True):
    """A mode of the lengths of failing requests; seconds are whole, first and last of it."""

    kind: str
    first_second: int
    last_second: int
    failures: int
    share: Share
    says: str


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


class NearbyChange(Shape, frozen=True):
    """What was changed, scaled or unwell near the gateway; an end of null is not told.

    ``near`` says how near: the gateway or its way out, its resource group, its subscription.
    ``old`` and ``new`` are instances or health before and after.
    """

    near: Literal["resource", "group", "subscription"]
    resource_id: str
    category: str
    operation: str
    began: Time
    ended: Time | None
    status: str | None
    by: str | None
    old: str | None
    new: str | None
    cause: str | None
    says: str


class Check(Shape, frozen=True):
    """What could have contradicted a conclusion: in which source, and whether that was there."""

    conclusion: str
    source: str
    would: str
    there: bool
    says: str


class Incident(Shape, frozen=True):
    """A sustained run of failures at one gateway; an end of null is still going.

    Failures at destinations ``elsewhere`` belong to another incident at the same time, and are not
    counted here.
    """

    id: str
    gateway: str
    start: Time
    end: Time | None
    threshold: str
    verdict: Mechanism
    snat: Snat
    destinations: list[Destination]
    elsewhere: list[str]
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
    gateway_load: list[GatewayLoad]
    durations: list[DurationMode]
    failing_callers: list[Caller]
    samples: list[Sample]
    timeline: list[Event]
    changes: list[NearbyChange]
    ledger: list[Check]
    cannot_see: list[str]
    do_first: list[str]


class Detection(Shape, frozen=True):
    """What a run of failures must have to be an incident."""

    minimum_failures: int
    minimum_minutes: int


class Traffic(Shape, frozen=True):
    """All requests of the window, and how many ended badly, in an incident or not.

    ``turned_away`` are those that the backend answered with 401, 403 or 429.
    """

    requests: int
    failed: int
    turned_away: int
    given_up: int


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
    traffic: Traffic
    quarantine: list[Refused]
    incidents: list[Incident]
    comparison: Comparison | None
    set_aside: list[str]
    figures: list[Figure]
    lake: LakeRead | None
    settings: Settings | None
    issue: Issue | None = None
