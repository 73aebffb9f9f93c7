"""Ports held to each ip:port during an incident, between bounds, against the limit.

At least: calls in flight that surely had a connection, spread evenly over the units. At most: every
call takes a port of its own and holds it to its end plus the hold time, all on one unit; and every
host whose address is not known may share the address, so that its calls count as well.
"""

import math
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from pipeline.limits import Way
from pipeline.transforms.incidents import Run
from pipeline.window import floor

ADDRESS = re.compile(r"[\d.]+|\[.*\]")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Ports of the unluckiest unit to one destination: at least, at most, and the limit.

    ``sharing`` counts the hosts of unknown address that the upper bound includes.
    """

    destination: str
    lower_peak: int
    upper_peak: int
    peak_at: datetime | None
    limit: int
    sharing: int = 0

    @property
    def excluded(self) -> bool:
        """Whether not even the upper bound comes up to the limit."""
        return self.upper_peak < self.limit


def bounds(ports_by_minute: pl.DataFrame, run: Run, way: Way) -> list[Bounds]:
    """Bounds for each public destination during a run, highest first."""
    units = 1 if way.shared else way.units
    # A port that ran out before the first failure may have been taken one hold time earlier.
    earliest = floor(run.start - timedelta(seconds=int(way.hold_s.value)))
    seen = ports_by_minute.filter(pl.col("minute") <= run.last)
    found = []
    for (destination,), rows in seen.group_by(["destination"], maintain_order=True):
        # A minute without a row is as the one before it.
        standing = rows.filter(pl.col("minute") <= earliest)["minute"].max() or earliest
        frame = rows.filter(pl.col("minute") >= standing)
        top = frame.sort("held_peak", "minute", descending=[True, False]).row(0, named=True)
        lowest = float(frame["connected_peak"].cast(pl.Float64).max() or 0)  # type: ignore[arg-type]
        found.append(
            Bounds(
                destination=str(destination),
                lower_peak=_whole(lowest / units),
                upper_peak=_whole(top["held_peak"]),
                peak_at=top["held_peak_at"],
                limit=int(way.ports.value),
            )
        )
    held = [_widened(each, found) for each in found if each.upper_peak]
    return sorted(held, key=lambda each: (-each.upper_peak, each.destination))


def _widened(bound: Bounds, found: list[Bounds]) -> Bounds:
    """The bound with the peaks of all hosts that may be on the same ip:port."""
    _, _, port = bound.destination.rpartition(":")
    others = [
        other
        for other in found
        if other.destination != bound.destination
        and other.upper_peak
        and other.destination.rpartition(":")[2] == port
        and not ADDRESS.fullmatch(other.destination.rpartition(":")[0])
    ]
    upper = bound.upper_peak + sum(other.upper_peak for other in others)
    return replace(bound, upper_peak=upper, sharing=len(others))


def _whole(ports: float) -> int:
    """Rounded up; what adding weights up leaves behind the sixth digit is no port."""
    return math.ceil(round(ports, 6))
