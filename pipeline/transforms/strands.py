"""Strands: incidents that overlap at one gateway, told apart by where calls went and what they
died of.

Two backends that fail at once for different reasons are two incidents, each with a start and an end
of its own. Destinations that fail for the same reason stay together: one cause may be behind them.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from pipeline.transforms.incidents import Run, merged, runs
from pipeline.transforms.ways import CONNECT_FAULTS
from pipeline.window import Window, floor

# Less than this of a run's failures is beside it, and no strand of its own; nor is a destination
# with less than this of a strand's failures a part of that.
LEAST_SHARE = 0.1
# A destination died of one thing where this much of its failures did.
MOSTLY = 0.8
# Failures of no destination, in a list of destinations.
NOWHERE = ""


def parted(
    found: list[Run],
    requests_by_minute: pl.DataFrame,
    failures_by_minute: pl.DataFrame,
    window: Window,
) -> list[Run]:
    """The runs, those that hold several strands parted, in the order of their starts.

    A strand is kept apart only where it would be an incident if nothing else had failed.
    """
    strands = [
        strand
        for run in found
        for strand in _strands(
            run,
            requests_by_minute.filter(pl.col("gateway") == run.gateway),
            failures_by_minute.filter(pl.col("gateway") == run.gateway),
            window,
        )
        or [run]
    ]
    return sorted(strands, key=lambda each: (each.start, each.gateway, -each.failures))


def own_failures(failures_by_minute: pl.DataFrame, elsewhere: tuple[str, ...]) -> pl.DataFrame:
    """The failures that are of a strand: not of destinations that belong to another."""
    return failures_by_minute.filter(
        ~pl.col("destination").fill_null(NOWHERE).is_in(list(elsewhere))
    )


def own_minutes(
    requests_by_minute: pl.DataFrame, failures_by_minute: pl.DataFrame, elsewhere: tuple[str, ...]
) -> pl.DataFrame:
    """A gateway's requests by minute, of whose failures only a strand's own are counted."""
    own = own_failures(failures_by_minute, elsewhere)
    ended = pl.col("outcome").is_in(["failed", "rejected"])
    gone = pl.col("outcome") == "aborted"
    counts = own.group_by("minute").agg(
        *(
            pl.col("requests").filter(pl.col("outcome") == each).sum().alias(each)
            for each in ("failed", "rejected", "aborted")
        ),
        first_failure=pl.col("first_at").filter(ended).min(),
        last_failure_end=pl.col("last_end").filter(ended).max(),
        first_abort=pl.col("first_at").filter(gone).min(),
        last_abort_end=pl.col("last_end").filter(gone).max(),
    )
    replaced = [name for name in counts.columns if name != "minute"]
    return (
        requests_by_minute.drop(replaced)
        .join(counts, on="minute", how="left")
        .with_columns(pl.col("failed", "rejected", "aborted").fill_null(0))
        .sort("minute")
    )


def _strands(
    run: Run, requests: pl.DataFrame, failures: pl.DataFrame, window: Window
) -> list[Run] | None:
    """The strands of a run; null where there are no two."""
    if run.counted == "aborted":
        return None
    within = failures.filter(
        pl.col("outcome").is_in(run.counted.split(",")),
        pl.col("minute").is_between(floor(run.start), run.last),
    )
    groups = sorted(_groups(within), key=lambda each: (-each[1], min(each[0])))
    if len(groups) < 2:
        return None
    failing = set(within["destination"].fill_null(NOWHERE).to_list())
    apart = set().union(*(names for names, _ in groups[1:]))
    strands: list[Run] = []
    for place, (names, _) in enumerate(groups):
        # What is of no group stays with the largest.
        elsewhere = tuple(sorted(failing - names if place else apart))
        own = list(_overlapping(run, requests, failures, window, elsewhere))
        if not own:
            return None
        strands += own
    return strands


def _groups(within: pl.DataFrame) -> list[tuple[set[str], float]]:
    """Destinations by what they died of, with their failures; those of any note alone."""
    least = LEAST_SHARE * float(within["requests"].sum())
    kinds = (
        within.filter(pl.col("destination").is_not_null())
        .with_columns(kind=_kind())
        .group_by("destination", "kind")
        .agg(pl.col("requests").sum())
        .with_columns(of=pl.col("requests").sum().over("destination"))
        .filter(pl.col("requests") >= MOSTLY * pl.col("of"))
        .with_columns(alike=pl.col("of").sum().over("kind"))
        .filter(pl.col("alike") >= least, pl.col("of") >= LEAST_SHARE * pl.col("alike"))
    )
    names: defaultdict[str, set[str]] = defaultdict(set)
    failures: defaultdict[str, float] = defaultdict(float)
    for destination, kind, count in kinds.select("destination", "kind", "of").iter_rows():
        names[kind].add(destination)
        failures[kind] += count
    return [(names[kind], failures[kind]) for kind in names]


def _kind() -> pl.Expr:
    """What a failure died of, as far as it tells two causes apart."""
    status = pl.col("backend_status")
    return (
        pl.when(pl.col("fault").is_in(CONNECT_FAULTS) & status.is_null())
        .then(pl.lit("connect"))
        .when(status >= 500)
        .then(pl.lit("5xx"))
        .otherwise(
            pl.coalesce(status.cast(pl.String), "fault", "reason", pl.lit("no reason was told"))
        )
    )


def _overlapping(
    run: Run,
    requests: pl.DataFrame,
    failures: pl.DataFrame,
    window: Window,
    elsewhere: tuple[str, ...],
) -> Iterator[Run]:
    """The incidents while a run lasted, if only failures of some destinations are counted."""
    minutes = own_minutes(requests, failures, elsewhere)
    found = runs(
        minutes,
        window,
        minimum_failures=run.minimum_failures,
        minimum_minutes=run.minimum_minutes,
    )
    for each in merged(found, own_failures(failures, elsewhere)):
        if each.counted != "aborted" and each.start < run.last and run.start < each.last:
            yield replace(each, elsewhere=elsewhere)
