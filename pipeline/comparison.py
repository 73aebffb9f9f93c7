"""Comparison: two periods at matched weekday, hour and load, as a finding; frames in, values out.

What it cannot help: a period that was chosen because it was bad is followed by better ones also
where nothing was mended. The report says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl

from pipeline.comparison_finding import Comparison, Levels, Measure, PortsCompared
from pipeline.finding import Change, Span
from pipeline.transforms.estimates import (
    LEAST_HOURS,
    LEAST_MINUTES,
    Clusters,
    Estimate,
    Numbers,
    median,
    ratio,
)
from pipeline.transforms.matching import LOAD_BAND, Pairs, pairs, within
from pipeline.window import Window, iso, told
from pipeline.wording import of, share, signed

Name = Literal["failed_share", "p50_ms", "p95_ms", "ports"]
QUANTILES: tuple[Name, ...] = ("p50_ms", "p95_ms")
SIDES = ("before", "after")
BOUNDS = ("lower", "estimate", "upper")
MOST_DESTINATIONS = 3


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of a gateway in a period, by minute.

    ``requests`` has requests and outcomes; ``latency`` the percentiles of successful calls, and
    ``ports`` lower, estimate and upper peak with the limit, both by destination.
    """

    period: Window
    requests: pl.DataFrame
    latency: pl.DataFrame
    ports: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Sides:
    """Two periods, and their minutes in pairs."""

    before: Side
    after: Side
    matched: Pairs = field(init=False)

    def __post_init__(self) -> None:
        old, new = (within(each.requests, each.period) for each in (self.before, self.after))
        object.__setattr__(self, "matched", pairs(old, new))

    def failing(self, counted: str) -> pl.DataFrame:
        """The pairs with the failures of both minutes: failed_before and failed_after."""
        outcomes = counted.split(",")
        frame = self.matched.frame
        for name, side in zip(SIDES, (self.before, self.after), strict=True):
            failed = side.requests.select(
                pl.col("minute").alias(name), pl.sum_horizontal(outcomes).alias(f"failed_{name}")
            )
            frame = frame.join(failed, on=name, how="left", maintain_order="left")
        return frame

    def busiest(self) -> list[str]:
        """The destinations with most calls before."""
        calls = self.before.latency.group_by("destination").agg(pl.col("calls").sum())
        ordered = calls.sort("calls", "destination", descending=[True, False])
        names: list[str] = ordered["destination"].to_list()[:MOST_DESTINATIONS]
        return names

    def beside(
        self, table: Literal["latency", "ports"], destination: str, column: str
    ) -> tuple[Numbers, Numbers, Clusters]:
        """A number of both minutes of each pair that has it on both sides, and the pairs' hours."""
        both = self.matched.frame
        for name, side in zip(SIDES, (self.before, self.after), strict=True):
            frame: pl.DataFrame = getattr(side, table)
            own = frame.filter(pl.col("destination") == destination).select(
                pl.col("minute").alias(name), pl.col(column).cast(pl.Float64).alias(f"of_{name}")
            )
            both = both.join(own, on=name, maintain_order="left")
        both = both.drop_nulls(["of_before", "of_after"])
        hours = np.unique(both["hour"].to_numpy(), return_inverse=True)[1]
        return both["of_before"].to_numpy(), both["of_after"].to_numpy(), hours


def comparison(
    sides: Sides, gateway: str, counted: str, own: Literal["before", "after"]
) -> Comparison:
    """Whether it got better: the share of failures decides."""
    matched, failing = sides.matched, sides.failing(counted)
    measures = list(_measures(sides, counted))
    conclusion = measures[0].change if measures else Change.CANNOT_BE_TOLD
    total = {name: round(float(failing[name].sum())) for name in failing.columns if "_" in name}
    return Comparison(
        conclusion=conclusion,
        why=_why(conclusion, matched, measures),
        gateway=gateway,
        counted=counted,
        own=own,
        before=Span(start=told(sides.before.period.start), end=iso(sides.before.period.stop)),
        after=Span(start=told(sides.after.period.start), end=iso(sides.after.period.stop)),
        load_band=LOAD_BAND,
        minutes_before=matched.minutes_before,
        minutes_after=matched.minutes_after,
        matched_minutes=matched.frame.height,
        matched_hours=matched.number_of_hours,
        least_minutes=LEAST_MINUTES,
        least_hours=LEAST_HOURS,
        **total,
        measures=measures,
        ports=list(_ports(sides)),
    )


def _measures(sides: Sides, counted: str) -> Iterator[Measure]:
    """Failures first; then BackendTime and ports of the destinations with most calls."""
    frame, matched = sides.failing(counted), sides.matched
    old, new = (
        (frame[f"failed_{side}"].to_numpy(), frame[f"requests_{side}"].to_numpy()) for side in SIDES
    )
    yield from _measure("failed_share", None, ratio(old, new, matched.hours))
    for destination in sides.busiest():
        for name in QUANTILES:
            old_ms, new_ms, hours = sides.beside("latency", destination, name)
            yield from _measure(name, destination, median(old_ms, new_ms, hours))
    for destination in sides.busiest():
        held, held_after, hours = sides.beside("ports", destination, "estimate")
        each = np.ones_like(held)
        yield from _measure("ports", destination, ratio((held, each), (held_after, each), hours))


def _measure(
    name: Name,
    destination: str | None,
    found: Estimate | None,
) -> Iterator[Measure]:
    if found:
        yield Measure(
            measure=name,
            destination=destination,
            minutes=found.minutes,
            hours=found.hours,
            before=found.before,
            after=found.after,
            difference=found.difference,
            low=found.low,
            high=found.high,
            change=_change(found),
        )


def _change(found: Estimate) -> Change:
    if found.high is not None and found.high < 0:
        return Change.BETTER
    if found.low is not None and found.low > 0:
        return Change.WORSE
    return Change.CANNOT_BE_TOLD


def _ports(sides: Sides) -> Iterator[PortsCompared]:
    """Peaks of the matched minutes. What is held lies between bounds, and so does the difference:
    the least on one side may meet the most on the other.
    """
    for destination in sides.busiest():
        old, new = (
            _levels(side.ports, sides.matched.frame[name], destination)
            for side, name in ((sides.before, "before"), (sides.after, "after"))
        )
        if old and new:
            yield PortsCompared(
                destination=destination,
                before=old,
                after=new,
                difference_low=new.lower - old.upper,
                difference_high=new.upper - old.lower,
            )


def _levels(ports: pl.DataFrame, minutes: pl.Series, destination: str) -> Levels | None:
    own = ports.filter(
        pl.col("destination") == destination, pl.col("minute").is_in(minutes.to_list())
    )
    if not own.height:
        return None
    peaks = own.select(pl.col(*BOUNDS, "limit").max().round(6).ceil().cast(pl.Int64))
    top = peaks.row(0, named=True)
    return Levels(
        lower=top["lower"], estimate=top["estimate"], upper=top["upper"], limit=top["limit"]
    )


def _why(conclusion: Change, matched: Pairs, measures: list[Measure]) -> str:
    """The conclusion's numbers in a sentence."""
    minutes, hours = matched.frame.height, matched.number_of_hours
    if not measures:
        return (
            "No minute of one period could be matched with one of the other: none is of the same "
            "weekday and hour with as many requests. Name periods of the same weekdays."
        )
    first = measures[0]
    shares = (
        f"of the requests in {of(minutes, 'matched minute')}, {share(first.before)} failed before "
        f"and {share(first.after)} after"
    )
    if first.low is None or first.high is None:
        return (
            f"{shares[0].upper()}{shares[1:]}; but {of(minutes, 'minute')} in "
            f"{of(hours, 'hour')} of the week are too few to tell a change from chance: it takes "
            f"{LEAST_MINUTES} minutes in {LEAST_HOURS} hours. Name longer periods with --from, "
            "--to and --compare-to."
        )
    low, high = (signed(100 * each, 2) for each in (first.low, first.high))
    points = f"a change of {low} to {high} percentage points"
    end = "; no change would do as well" if conclusion is Change.CANNOT_BE_TOLD else ""
    return f"{shares[0].upper()}{shares[1:]}: {points} at 95 %{end}."
