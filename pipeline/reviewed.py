"""What a capacity review knows, of all resources and of each one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from pipeline import capacity_finding as finding
from pipeline.config import Settings
from pipeline.level import Level
from pipeline.limits import Way
from pipeline.measured import Measured
from pipeline.transforms import forecast
from pipeline.transforms.trend import Series
from pipeline.window import Window


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What the whole review knows: its window, its days, and what each gateway's days tell.

    ``hours`` are those with requests; ``days_told`` has for each gateway the days whose logs are
    there for the most part; ``traffic`` is that of each day of the history, ``traffic_now`` and
    ``traffic_before`` that of the weeks reviewed and of as many before; ``flows`` what flow logs
    tell of resources, and ``flow_note`` why that is nothing.
    """

    settings: Settings
    review: Window
    days: list[date]
    days_told: Mapping[str, set[date]]
    ways: Mapping[str, Way]
    reuse: list[finding.Reuse]
    hours: pl.DataFrame
    demand_by_week: pl.DataFrame
    traffic: pl.DataFrame
    traffic_now: pl.DataFrame
    traffic_before: pl.DataFrame
    starved: pl.DataFrame
    fared: Mapping[tuple[str, str, str, str], forecast.Fared]
    weeks: int
    flows: Mapping[tuple[str, str, str, str], Measured] = field(default_factory=dict)
    flow_note: str | None = None

    def reuse_at(self, gateway: str) -> float:
        """The share of a gateway's calls that open no connection."""
        return next(each.share for each in self.reuse if each.gateway == gateway)


@dataclass(frozen=True, slots=True)
class Told:
    """A resource as the review tells it, with what figures draw of it.

    ``minutes`` are those under review, each by the data that leads where that tells of it.
    ``values`` and ``forecast`` are of the peaks of days by gateway logs, times ``scale``.
    """

    resource: finding.Resource
    level: Level
    minutes: pl.DataFrame
    days: list[date]
    values: Series
    forecast: forecast.Forecast | None
    scale: float
