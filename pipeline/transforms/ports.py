"""Ports held to each ip:port during an incident, between bounds, against the limit.

At least: calls in flight that surely had a connection, spread evenly over the units. At most: every
call takes a port of its own and holds it to its end plus the hold time, all on one unit.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from pipeline.limits import Way
from pipeline.transforms.incidents import Run


@dataclass(frozen=True, slots=True)
class Bounds:
    """Ports of the unluckiest unit to one destination: at least, at most, and the limit."""

    destination: str
    lower_peak: int
    upper_peak: int
    peak_at: datetime | None
    limit: int

    @property
    def excluded(self) -> bool:
        """Whether not even the upper bound comes up to the limit."""
        return self.upper_peak < self.limit


def bounds(ports_by_minute: pl.DataFrame, run: Run, way: Way) -> list[Bounds]:
    """Bounds for each public destination during a run, highest first."""
    units = 1 if way.shared else way.units
    # A port that ran out before the first failure may have been taken one hold time earlier.
    seen = ports_by_minute.filter(
        pl.col("minute").is_between(
            run.start - timedelta(seconds=int(way.hold_s.value)), run.last, closed="both"
        )
    )
    found = []
    for (destination,), frame in seen.group_by(["destination"], maintain_order=True):
        top = frame.sort("held_peak", "minute", descending=[True, False]).row(0, named=True)
        lowest = float(frame["connected_peak"].cast(pl.Float64).max() or 0)  # type: ignore[arg-type]
        found.append(
            Bounds(
                destination=str(destination),
                lower_peak=math.ceil(lowest / units),
                upper_peak=math.ceil(top["held_peak"]),
                peak_at=top["held_peak_at"],
                limit=int(way.ports.value),
            )
        )
    return sorted(found, key=lambda each: (-each.upper_peak, each.destination))
