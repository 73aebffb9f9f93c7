"""Incidents: sustained runs of minutes in which failures depart from the gateway's usual rate.

Failures need no usual time to be told by: where more fail than any gateway does usually, it is an
incident from the first minute on. What backends turn away and callers give up is theirs to decide,
so a rate of that is an incident only where it departs from another one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from pipeline.transforms.departures import (
    HIGHEST_USUAL_RATE,
    LEAST_FAILURES_A_MINUTE,
    LEAST_RISE,
    LONGER_STRETCHES,
    SPREADS,
    Departure,
    Mask,
    departure,
    weight,
)
from pipeline.transforms.grid import Series, series
from pipeline.window import MINUTE, Window, floor
from pipeline.wording import share

# Good minutes inside a run that do not end it. A minute without requests is not a good one, but
# after an hour without any (one blob) nobody knows what went on.
LONGEST_LULL = 3
LONGEST_SILENCE = 60
NEXT = LONGEST_LULL + 1
SAME_INCIDENT = timedelta(minutes=10)
# With more failures of a kind than this in the hour before, its first one is not the run's first.
LONE_FAILURES_AN_HOUR = 6
# A run whose last bad minute is this near the end of the data is still going.
STILL_GOING = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Failing:
    """A minute with failures: the start of its first, the end of the last of them to end.

    ``raised`` says that it holds more of them than usual.
    """

    minute: datetime
    first: datetime
    last: datetime
    raised: bool


@dataclass(frozen=True, slots=True)
class Run:
    """A sustained run of bad minutes.

    ``start`` is the start of its first failed request, ``last`` the end of its last; ``end`` is the
    same, or null while it is still going at the end of the data. ``bad_minutes`` counts minutes
    over the threshold, ``usual_rate`` is the share of requests that fail otherwise. ``nearby`` are
    the minutes with failures around it, too few to make them bad. Failures at destinations
    ``elsewhere`` are of another incident at the same time.
    """

    gateway: str
    counted: str
    start: datetime
    last: datetime
    end: datetime | None
    bad_minutes: int
    longest_bad_run: int
    failures: float
    usual_rate: float
    spread: float
    worst_minute: datetime
    worst_rate: float
    minimum_failures: int = 1
    minimum_minutes: int = 1
    nearby: tuple[Failing, ...] = ()
    elsewhere: tuple[str, ...] = ()

    @property
    def large(self) -> bool:
        """Whether it has the failures and the bad minutes that an incident must have.

        One that lasted as long counts, too: where a minute begins is no matter of the failures.
        """
        lasted = self.last - self.start >= (self.minimum_minutes - 1) * MINUTE
        return self.failures >= self.minimum_failures and (
            self.bad_minutes >= self.minimum_minutes or (self.minimum_minutes > 1 and lasted)
        )

    @property
    def threshold(self) -> str:
        """What made a minute bad, in words."""
        return (
            f"at least {LEAST_FAILURES_A_MINUTE} failures, more than {LEAST_RISE:.0f} times and "
            f"{SPREADS:.0f} spreads above the usual {share(self.usual_rate)} of requests (median; "
            f"MAD {share(self.spread)}), in one minute or, with little traffic, over up to "
            f"{LONGER_STRETCHES[-1]}; {self.minimum_failures} failures in {self.minimum_minutes} "
            "such minutes"
        )


@dataclass(frozen=True, slots=True)
class Course:
    """A gateway's requests, minute by minute from ``start``; ``stop`` is where its data ends."""

    gateway: str
    start: datetime
    stop: datetime
    requests: Series

    def at(self, place: int) -> datetime:
        """The minute at a place of the series."""
        return self.start + place * MINUTE


def runs(
    requests_by_minute: pl.DataFrame,
    window: Window,
    *,
    minimum_failures: int,
    minimum_minutes: int,
) -> list[Run]:
    """The runs in a window, of all gateways, in the order of their starts; ``merged`` goes on.

    Failures and rejections by the backend count together; where callers gave up in numbers and
    nothing else was wrong, that is a run of its own.
    """
    found: list[Run] = []
    for (gateway,), frame in requests_by_minute.group_by(["gateway"], maintain_order=True):
        own = [
            replace(run, minimum_failures=minimum_failures, minimum_minutes=minimum_minutes)
            for run in _runs(frame, str(gateway), window)
        ]
        failing = [run for run in own if run.counted != "aborted"]
        found += failing
        found += [
            run
            for run in own
            if run.counted == "aborted"
            and not any(_near(run, other) for other in failing if other.large)
        ]
    return sorted(found, key=lambda run: (run.start, run.gateway))


def merged(found: list[Run], failures_by_minute: pl.DataFrame) -> list[Run]:
    """The incidents: runs with the same destination and reason, less than ten minutes apart, as
    one, from the first failure of that kind to the last; those that stay too small left out.
    """
    joined: list[Run] = []
    signatures: list[tuple[object, ...]] = []
    in_order = failures_by_minute.sort("minute")
    for each in found:
        about = _about(each, in_order)
        signature = _signature(each, about)
        run = _to_the_edges(each, signature, about)
        place = next(
            (
                place
                for place in reversed(range(len(joined)))
                if signatures[place] == signature and _continues(joined[place], run)
            ),
            None,
        )
        if place is None:
            joined.append(run)
            signatures.append(signature)
        else:
            joined[place] = _joined(joined[place], run)
    return [run for run in joined if run.large]


def _near(run: Run, other: Run) -> bool:
    return run.start < other.last + SAME_INCIDENT and other.start < run.last + SAME_INCIDENT


def _runs(frame: pl.DataFrame, gateway: str, window: Window) -> Iterator[Run]:
    requests = series(frame, window, "requests", 0)
    a_record = weight(requests, series(frame, window, "sampled", 0))
    failed, rejected, aborted = (
        departure(requests, series(frame, window, outcome, 0), a_record, highest)
        for outcome, highest in (
            ("failed", HIGHEST_USUAL_RATE),
            ("rejected", None),
            ("aborted", None),
        )
    )
    spoken = floor(window.start) + (int(np.flatnonzero(requests)[-1]) + 1) * MINUTE
    course = Course(gateway, floor(window.start), min(window.stop, spoken), requests)
    raised = failed.raised | rejected.raised
    failing = _failing(frame, "first_failure", "last_failure_end", course.start, raised)
    around = _stretches(raised, requests > 0)
    for stretch in _stretches(failed.bad | rejected.bad, requests > 0):
        departed = [failed] + [rejected] * bool(rejected.bad[stretch].any())
        counted = "failed,rejected" if len(departed) > 1 else "failed"
        yield _run(course, stretch, counted, departed, failing, around)
    failing = _failing(frame, "first_abort", "last_abort_end", course.start, aborted.raised)
    around = _stretches(aborted.raised, requests > 0)
    for stretch in _stretches(aborted.bad, requests > 0):
        yield _run(course, stretch, "aborted", [aborted], failing, around)


def _run(
    course: Course,
    stretch: slice,
    counted: str,
    departed: list[Departure],
    failing: list[Failing],
    around: list[slice],
) -> Run:
    counts: Series = np.sum([each.counts[stretch] for each in departed], axis=0)
    bad: Mask = np.any([each.bad[stretch] for each in departed], axis=0)
    most = max(departed, key=lambda each: float(each.counts[stretch].sum()))
    worst = int(np.argmax(counts))
    reach = around[bisect_right(around, stretch.start, key=lambda each: each.start) - 1]
    within = _between(failing, course.at(stretch.start), course.at(stretch.stop))
    last = max(each.last for each in within)
    return Run(
        gateway=course.gateway,
        counted=counted,
        start=min(each.first for each in within),
        last=last,
        end=None if course.at(stretch.stop) >= course.stop - STILL_GOING else last,
        bad_minutes=int(bad.sum()),
        longest_bad_run=_longest(bad.tolist()),
        failures=float(counts.sum()),
        usual_rate=most.usual,
        spread=most.spread,
        worst_minute=course.at(stretch.start + worst),
        worst_rate=float(counts[worst] / max(course.requests[stretch][worst], 1)),
        nearby=(
            *_between(failing, course.at(reach.start - NEXT), course.at(stretch.start)),
            *_between(failing, course.at(stretch.stop), course.at(reach.stop + NEXT)),
        ),
    )


def _failing(
    frame: pl.DataFrame, first: str, last: str, start: datetime, raised: Mask
) -> list[Failing]:
    """Minutes that hold a failure, in order."""
    return [
        # A request without a duration ends when it starts; the run must hold it all the same.
        Failing(
            minute,
            begun,
            (ended or begun) + timedelta(microseconds=1),
            bool(raised[(minute - start) // MINUTE]),
        )
        for minute, begun, ended in frame.sort("minute").select("minute", first, last).iter_rows()
        if begun is not None
    ]


def _between(failing: list[Failing], start: datetime, stop: datetime) -> list[Failing]:
    first = bisect_left(failing, start, key=lambda each: each.minute)
    return failing[first : bisect_left(failing, stop, key=lambda each: each.minute)]


def _stretches(bad: Mask, spoken: Mask) -> list[slice]:
    """Runs of bad minutes; lulls and short silences are bridged."""
    found: list[slice] = []
    for index in np.flatnonzero(bad).tolist():
        between = spoken[found[-1].stop : index] if found else spoken[:0]
        good = int(between.sum())
        if found and good <= LONGEST_LULL and len(between) - good <= LONGEST_SILENCE:
            found[-1] = slice(found[-1].start, index + 1)
        else:
            found.append(slice(index, index + 1))
    return found


def _longest(bad: list[bool]) -> int:
    longest = current = 0
    for each in bad:
        current = current + 1 if each else 0
        longest = max(longest, current)
    return longest


def _continues(before: Run, run: Run) -> bool:
    return (
        before.gateway == run.gateway
        and (before.counted == "aborted") == (run.counted == "aborted")
        and run.start - before.last < SAME_INCIDENT
    )


def _joined(before: Run, run: Run) -> Run:
    worse = max(before, run, key=lambda each: each.worst_rate)
    return replace(
        before,
        counted=max(before.counted, run.counted, key=len),
        start=min(before.start, run.start),
        last=max(before.last, run.last),
        end=run.end and max(before.last, run.last),
        bad_minutes=before.bad_minutes + run.bad_minutes,
        longest_bad_run=max(before.longest_bad_run, run.longest_bad_run),
        failures=before.failures + run.failures,
        worst_minute=worse.worst_minute,
        worst_rate=worse.worst_rate,
    )


def _about(run: Run, in_order: pl.DataFrame) -> pl.DataFrame:
    """What counts as a failure of the run, from an hour before it to the minutes after it."""
    near = [run.last, *(each.minute for each in run.nearby)]
    start = min(run.start, *near) - (60 + 2 * NEXT) * MINUTE
    first = in_order["minute"].search_sorted(start, "left")
    stop = in_order["minute"].search_sorted(max(near), "right")
    return in_order[first:stop].filter(
        (pl.col("gateway") == run.gateway) & pl.col("outcome").is_in(run.counted.split(","))
    )


KEYS = ["destination", "reason", "backend_status"]


def _signature(run: Run, about: pl.DataFrame) -> tuple[object, ...]:
    """Where most of a run's failures went, and what they died of."""
    within = about.filter(pl.col("minute").is_between(floor(run.start), run.last))
    ranked = within.group_by(KEYS).agg(pl.col("requests").sum())
    ordered = ranked.sort("requests", *KEYS, descending=[True, False, False, False])
    return ordered.select(KEYS).row(0) if ordered.height else ()


def _to_the_edges(run: Run, signature: tuple[object, ...], about: pl.DataFrame) -> Run:
    """The run with the failures of its own kind just before and just after it."""
    alike = about.filter(
        *(
            pl.col(key).eq_missing(pl.lit(value))
            for key, value in zip(KEYS, signature, strict=False)
        )
    )
    before = floor(run.start) - NEXT * MINUTE
    hour = alike.filter(pl.col("minute").is_between(before - 60 * MINUTE, before, closed="left"))
    common = hour["requests"].sum() > LONE_FAILURES_AN_HOUR
    minutes = set(alike["minute"].to_list())
    own = [each for each in run.nearby if each.minute in minutes and (each.raised or not common)]
    start, last, edge = run.start, run.last, floor(run.start)
    for each in reversed([each for each in own if each.minute < edge]):
        if edge - each.minute > NEXT * MINUTE:
            break
        start, edge = each.first, each.minute
    edge = floor(run.last)
    for each in own:
        if each.minute > edge - NEXT * MINUTE and each.minute - edge <= NEXT * MINUTE:
            last, edge = max(last, each.last), max(edge, each.minute)
    return replace(run, start=start, last=last, end=run.end and last)
