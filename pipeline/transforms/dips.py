"""Dips: stretches in which Azure's own numbers or words said that something was unwell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from pipeline.transforms.changes import NOUNS, clock
from pipeline.transforms.incidents import Run
from pipeline.window import MINUTE, floor
from pipeline.wording import count, last, of, share, short, slug

# What is told again after so long a silence is another dip.
APART = timedelta(minutes=6)
# A dip so near an incident belongs to it: nobody knows which of its failures it had a part in.
BESIDE = timedelta(minutes=10)
MOST_TOLD = 20
MEASURES = {
    "datapath": "the availability of its datapath",
    "probes": "the share of probes that its back ends answered",
}


@dataclass(frozen=True, slots=True)
class Dip:
    """From its first word or minute to the end of the last; ``says`` what, in a clause."""

    start: datetime
    stop: datetime
    says: str


def dips(availability_dips: pl.DataFrame, said_unwell: pl.DataFrame) -> list[Dip]:
    """All dips, in the order of time."""
    found = [*_measured(availability_dips), *_said(said_unwell)]
    return sorted(found, key=lambda each: (each.start, each.says))


def set_aside(found: Sequence[Dip], runs: Sequence[Run], minutes: pl.DataFrame) -> list[str]:
    """Dips without an incident about them, each with what became of requests meanwhile.

    ``minutes`` are the requests by minute of all gateways.
    """
    alone = [each for each in found if not any(_beside(each, run) for run in runs)]
    told = [f"{each.says}. {_meanwhile(each, minutes)}" for each in alone[:MOST_TOLD]]
    if len(alone) > MOST_TOLD:
        told.append(f"{of(len(alone) - MOST_TOLD, 'more dip')} of the same kinds.")
    return told


def beside(found: Sequence[Dip], run: Run) -> list[Dip]:
    """Dips that were beside a run."""
    return [each for each in found if _beside(each, run)]


def _beside(dip: Dip, run: Run) -> bool:
    return dip.start <= run.last + BESIDE and dip.stop >= run.start - BESIDE


def _meanwhile(dip: Dip, minutes: pl.DataFrame) -> str:
    within = minutes.filter(pl.col("minute").is_between(floor(dip.start), dip.stop))
    requests, failed = float(within["requests"].sum()), float(within["failed"].sum())
    if not requests:
        return "No request was logged meanwhile, so that nobody was seen to be hit."
    return f"No incident: {count(failed)} of {count(requests)} requests failed meanwhile."


def _measured(rows: pl.DataFrame) -> Iterator[Dip]:
    for frame in rows.partition_by("resource_id", "measure", maintain_order=True):
        for stretch in _stretches(frame, "minute"):
            worst = float(stretch["availability"].min())  # type: ignore[arg-type]
            start, stop = stretch["minute"][0], stretch["minute"][-1] + MINUTE
            yield Dip(
                start,
                stop,
                f"{_name(stretch['resource_id'][0])}: {MEASURES[stretch['measure'][0]]} was below "
                f"90 % in {of(stretch.height, 'minute')} {_span(start, stop)}, "
                f"{share(worst)} at worst",
            )


def _said(rows: pl.DataFrame) -> Iterator[Dip]:
    for frame in rows.partition_by("resource_id", "said", maintain_order=True):
        for stretch in _stretches(frame, "time"):
            start, stop = stretch["time"][0], stretch["time"][-1]
            words = " and ".join(slug(each) for each in stretch["what"].unique().sort())
            when = f"at {clock(start, start)} UTC" if start == stop else _span(start, stop)
            yield Dip(
                start, stop, f"{_name(stretch['resource_id'][0])}: Azure said {words}, {when}"
            )


def _stretches(frame: pl.DataFrame, column: str) -> list[pl.DataFrame]:
    """The rows, parted where nothing was told for a while."""
    apart = (pl.col(column).diff() > APART).fill_null(value=False).cum_sum()
    return frame.with_columns(stretch=apart).partition_by("stretch", maintain_order=True)


def _name(resource_id: str) -> str:
    kind = "/".join(resource_id.split("/")[6:8])
    return f"The {NOUNS.get(kind, 'resource')} {short(last(resource_id))}"


def _span(start: datetime, stop: datetime) -> str:
    return f"from {start:%Y-%m-%d %H:%M} to {clock(stop, start)[:-3]} UTC"
