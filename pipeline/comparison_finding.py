"""Comparison findings: whether it got better, as the document of an incident report says it."""

from typing import Literal

from pipeline.finding import Change, Shape, Span


class Measure(Shape, frozen=True):
    """A number of matched minutes before and after; less of it is better.

    ``failed_share`` is failed of all requests; ``p50_ms`` and ``p95_ms`` are medians over minutes
    of that percentile of BackendTime; ``ports`` is the mean over minutes of the estimated peak. The
    difference (after less before) lies from ``low`` to ``high`` at 95 %.
    """

    measure: Literal["failed_share", "p50_ms", "p95_ms", "ports"]
    destination: str | None
    minutes: int
    hours: int
    before: float
    after: float
    difference: float
    low: float | None
    high: float | None
    change: Change


class Levels(Shape, frozen=True):
    """Ports at the peak of the matched minutes: at least, probably, at most."""

    lower: int
    estimate: int
    upper: int
    limit: int


class PortsCompared(Shape, frozen=True):
    """Ports to a destination before and after; the difference of the peaks lies between bounds."""

    destination: str
    before: Levels
    after: Levels
    difference_low: int
    difference_high: int


class Comparison(Shape, frozen=True):
    """Two periods at matched weekday, hour and load. The share of failures decides the conclusion.

    ``own`` is the side that the report is on; the other one was named. ``counted`` are the outcomes
    that count as failures. Minutes match whose requests differ by ``load_band`` times at most.
    """

    conclusion: Change
    why: str
    gateway: str
    counted: str
    own: Literal["before", "after"]
    before: Span
    after: Span
    load_band: float
    minutes_before: int
    minutes_after: int
    matched_minutes: int
    matched_hours: int
    least_minutes: int
    least_hours: int
    requests_before: int
    requests_after: int
    failed_before: int
    failed_after: int
    measures: list[Measure]
    ports: list[PortsCompared]
