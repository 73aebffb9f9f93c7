"""Load: how busy a gateway's own processor and memory were, before an incident and during it."""

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from pipeline.transforms.incidents import Run
from pipeline.transforms.latency import baseline
from pipeline.window import MINUTE, Window, floor

NAMES = {"capacity": "capacity metric", "cpu": "processor", "memory": "memory"}
# A median over minutes from which on a gateway is short, and a peak below which it is not: Azure
# advises to scale API Management at 60 to 70 %. Between the two nothing is decided. A judgement.
HIGH = 0.9
LOW = 0.6
# As much of an incident must be told for the rest to be taken as alike.
MOST_OF_IT = 0.9


@dataclass(frozen=True, slots=True)
class Load:
    """One measure of one resource, as shares of 0 to 1; null where it is not told.

    ``before`` and ``during`` are medians of minutes' means, ``highest`` the greatest value during;
    ``told`` is the share of the incident's minutes that a value is of.
    """

    resource_id: str
    measure: str
    own: bool
    before: float | None
    during: float | None
    highest: float
    told: float

    @property
    def name(self) -> str:
        """The measure in words."""
        return NAMES[self.measure]

    @property
    def rose(self) -> bool:
        """Whether it was high during the incident and had not been before."""
        known = self.during is not None and self.before is not None and self.told >= MOST_OF_IT
        return known and (self.during or 0) >= HIGH > (self.before or 0)

    @property
    def low(self) -> bool:
        """Whether it was low in all of the incident."""
        return self.told >= MOST_OF_IT and self.highest < LOW


def loads(gateway_load_by_minute: pl.DataFrame, run: Run, window: Window) -> list[Load]:
    """What is told of the load in an incident, by resource and measure."""
    before = baseline(run, window)
    frames = gateway_load_by_minute.partition_by("resource_id", "measure", maintain_order=True)
    found = [_load(frame, run, before) for frame in frames]
    return [each for each in found if each is not None]


def _load(frame: pl.DataFrame, run: Run, before: Window | None) -> Load | None:
    spans = frame.with_columns(
        ends=pl.col("minute") + pl.duration(seconds=pl.col("grain_s").cast(pl.Int64))
    )
    during = spans.filter(pl.col("minute") <= run.last, pl.col("ends") > run.start)
    if during.is_empty():
        return None
    usual = (
        spans.filter(pl.col("minute") >= before.start, pl.col("ends") <= before.stop)
        if before
        else spans.clear()
    )
    resource = str(frame["resource_id"][0])
    return Load(
        resource_id=resource,
        measure=str(frame["measure"][0]),
        own=resource == run.gateway,
        before=_median(usual),
        during=_median(during),
        highest=float(during.select(pl.max_horizontal("mean", "peak").max()).item()),
        told=_told(during, run),
    )


def _median(frame: pl.DataFrame) -> float | None:
    return frame.select(pl.median("mean")).item() if frame.height else None


def _told(during: pl.DataFrame, run: Run) -> float:
    """The share of the incident's minutes that lie in a grain with a value."""
    last = floor(max(run.last - timedelta.resolution, run.start))
    minutes = pl.datetime_range(floor(run.start), last, "1m", eager=True)
    covered = during.select(
        pl.datetime_ranges("minute", pl.col("ends") - MINUTE, "1m").alias("minute")
    ).explode("minute")["minute"]
    return float(minutes.is_in(covered.implode()).mean() or 0)  # type: ignore[arg-type]
