"""Incidents: sustained runs of failures that stand out from the gateway's own usual rate.

The usual rate is the median over minutes, its spread the median absolute deviation (MAD, scaled by
1.4826 to a standard deviation), so that the incident itself does not raise the bar. A minute is bad
where failures exceed what the usual rate leads to expect by six spreads, the counting noise of the
minute's own traffic included.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from pipeline.transforms.grid import Series, series
from pipeline.window import MINUTE, Window, floor

SPREADS = 6.0
MAD_TO_SIGMA = 1.4826
# A rate above this is never taken as usual: data may hold nothing but the incident.
HIGHEST_USUAL_RATE = 0.05
LEAST_FAILURES_A_MINUTE = 3
# Good minutes inside a run that do not end it.
LONGEST_LULL = 3
SAME_INCIDENT = timedelta(minutes=10)
# A run whose last bad minute is this near the end of the data is still going.
STILL_GOING = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Run:
    """A sustained run of bad minutes.

    ``start`` is the start of its first failed request, ``last`` the end of its last; ``end`` is the
    same, or null while it is still going at the end of the data. ``bad_minutes`` counts minutes
    over the threshold, ``usual_rate`` is the share of requests that fail otherwise.
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

    @property
    def window(self) -> Window:
        """The run in whole minutes, long enough to hold the requests that started in it."""
        return Window(self.start, self.last)

    @property
    def threshold(self) -> str:
        """What made a minute bad, in words."""
        return (
            f"at least {LEAST_FAILURES_A_MINUTE} failures and more than {SPREADS:.0f} spreads "
            f"above the usual {self.usual_rate:.2%} of requests (median; MAD {self.spread:.2%}) "
            "in one minute"
        )


def runs(
    requests_by_minute: pl.DataFrame,
    window: Window,
    *,
    minimum_failures: int,
    minimum_minutes: int,
) -> list[Run]:
    """The incidents in a window, of all gateways, in the order of their starts.

    Failures and rejections by the backend count together; where callers gave up in numbers and
    nothing else was wrong, that is a run of its own.
    """
    found: list[Run] = []
    for (gateway,), frame in requests_by_minute.group_by(["gateway"], maintain_order=True):
        failing = _runs(frame, str(gateway), window, "failed,rejected")
        aborted = [
            run
            for run in _runs(frame, str(gateway), window, "aborted")
            if not any(_near(run, other) for other in failing)
        ]
        found += failing + aborted
    large = [
        run
        for run in found
        if run.failures >= minimum_failures and run.bad_minutes >= minimum_minutes
    ]
    return sorted(large, key=lambda run: (run.start, run.gateway))


def _near(run: Run, other: Run) -> bool:
    return run.start < other.last + SAME_INCIDENT and other.start < run.last + SAME_INCIDENT


def _runs(frame: pl.DataFrame, gateway: str, window: Window, counted: str) -> list[Run]:
    outcomes = counted.split(",")
    requests = series(frame, window, "requests", 0)
    failures = sum((series(frame, window, each, 0) for each in outcomes), np.zeros_like(requests))
    usual, spread = _usual(requests, failures)
    bad = _bad(requests, failures, usual, spread)
    moments = {row["minute"]: row for row in frame.iter_rows(named=True)}
    start_of_grid = floor(window.start)
    found = []
    for first, last in _stretches(bad):
        stretch = slice(first, last + 1)
        if "rejected" in counted:
            departed = _departed(series(frame, window, "rejected", 0), requests, stretch)
            counted = "failed,rejected" if departed else "failed"
        rows = [
            moments[minute]
            for step in range(first, last + 1)
            if (minute := start_of_grid + step * MINUTE) in moments
        ]
        rates = failures[stretch] / np.maximum(requests[stretch], 1)
        worst = int(np.argmax(failures[stretch]))
        ended = max(_last_end(row, counted) for row in rows)
        data_end = min(window.stop, max(moments) + MINUTE)
        found.append(
            Run(
                gateway=gateway,
                counted=counted,
                start=min(_first_start(row, counted) for row in rows),
                last=ended,
                end=None
                if start_of_grid + (last + 1) * MINUTE >= data_end - STILL_GOING
                else ended,
                bad_minutes=int(bad[stretch].sum()),
                longest_bad_run=_longest(bad[stretch].tolist()),
                failures=float(failures[stretch].sum()),
                usual_rate=usual,
                spread=spread,
                worst_minute=start_of_grid + (first + worst) * MINUTE,
                worst_rate=float(rates[worst]),
            )
        )
    return found


def _usual(requests: Series, failures: Series) -> tuple[float, float]:
    """Median and scaled MAD of the failure rate over minutes that had requests."""
    busy = requests > 0
    if not busy.any():
        return 0.0, 0.0
    rates = failures[busy] / requests[busy]
    usual = min(float(np.median(rates)), HIGHEST_USUAL_RATE)
    spread = MAD_TO_SIGMA * float(np.median(np.abs(rates - usual)))
    return usual, min(spread, HIGHEST_USUAL_RATE)


def _bad(requests: Series, failures: Series, usual: float, spread: float) -> np.ndarray:
    expected = usual * requests
    # Counting noise of a minute's own traffic (Poisson), at least one failure's worth.
    noise = np.sqrt(np.maximum(expected, 1.0))
    allowed = expected + SPREADS * np.maximum(spread * requests, noise)
    enough = np.maximum(LEAST_FAILURES_A_MINUTE, np.minimum(allowed, 0.5 * requests))
    result: np.ndarray = (failures >= enough) & (failures > expected)
    return result


def _stretches(bad: np.ndarray) -> list[tuple[int, int]]:
    """First and last index of runs of bad minutes, lulls bridged."""
    found: list[tuple[int, int]] = []
    for index in np.flatnonzero(bad).tolist():
        if found and index - found[-1][1] <= LONGEST_LULL + 1:
            found[-1] = (found[-1][0], index)
        else:
            found.append((index, index))
    return found


def _longest(bad: list[bool]) -> int:
    longest = current = 0
    for each in bad:
        current = current + 1 if each else 0
        longest = max(longest, current)
    return longest


def _first_start(row: dict[str, datetime], counted: str) -> datetime:
    return row["first_abort" if counted == "aborted" else "first_failure"] or row["minute"]


def _last_end(row: dict[str, datetime], counted: str) -> datetime:
    ended = row["last_abort_end" if counted == "aborted" else "last_failure_end"]
    return ended or row["minute"] + MINUTE


def _departed(rejected: Series, requests: Series, stretch: slice) -> bool:
    """Whether rejections in a stretch are more than the usual rate leads to expect."""
    usual, spread = _usual(requests, rejected)
    expected = usual * requests[stretch].sum()
    noise = max(spread * requests[stretch].sum(), float(np.sqrt(max(expected, 1.0))))
    return bool(rejected[stretch].sum() > expected + SPREADS * noise)


def merged(found: list[Run], failures_by_minute: pl.DataFrame) -> list[Run]:
    """The runs, those less than ten minutes apart with the same destination and reason as one."""
    joined: list[Run] = []
    signatures: list[tuple[object, ...]] = []
    for run in found:
        signature = _signature(run, failures_by_minute)
        before = joined[-1] if joined else None
        if (
            before
            and before.gateway == run.gateway
            and before.counted == run.counted
            and run.start - before.last < SAME_INCIDENT
            and signatures[-1] == signature
        ):
            worse = max(before, run, key=lambda each: each.worst_rate)
            joined[-1] = replace(
                before,
                last=max(before.last, run.last),
                end=run.end and max(before.last, run.last),
                bad_minutes=before.bad_minutes + run.bad_minutes,
                longest_bad_run=max(before.longest_bad_run, run.longest_bad_run),
                failures=before.failures + run.failures,
                worst_minute=worse.worst_minute,
                worst_rate=worse.worst_rate,
            )
        else:
            joined.append(run)
            signatures.append(signature)
    return joined


def _signature(run: Run, failures_by_minute: pl.DataFrame) -> tuple[object, ...]:
    """Where most of a run's failures went, and what they died of."""
    within = failures_by_minute.filter(
        (pl.col("gateway") == run.gateway)
        & pl.col("outcome").is_in(run.counted.split(","))
        & pl.col("minute").is_between(floor(run.start), run.last)
    )
    keys = ["destination", "reason", "backend_status"]
    ranked = within.group_by(keys).agg(pl.col("requests").sum())
    ordered = ranked.sort("requests", *keys, descending=[True, False, False, False])
    return ordered.select(keys).row(0) if ordered.height else ()
