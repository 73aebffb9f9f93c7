"""Readings of capacity: what each kind of data says of the same ports, and which of them leads."""

import math
from dataclasses import dataclass

import polars as pl

from pipeline import capacity_finding as finding
from pipeline.capacity_demand import rounded
from pipeline.level import Level
from pipeline.measured import Measured
from pipeline.use import Use

FLOW_LOGS = "flow_logs"
# What is further off than by this factor, up or down, is not told by both alike.
ALIKE = 2.0


@dataclass(frozen=True, slots=True)
class Readings:
    """What leads, and what others say ``beside`` it.

    ``led`` are the minutes by what leads; ``minutes`` are all, those that it misses by the others.
    ``scale`` is what the peaks of days by gateway logs are to be taken times: what flow logs
    measured of the same minutes, where they lead. ``refuted`` is whether that is too far off.
    """

    leading: finding.Reading
    led: pl.DataFrame
    minutes: pl.DataFrame
    beside: list[finding.Reading]
    scale: float = 1.0

    @property
    def refuted(self) -> bool:
        """Whether flow logs tell of other ports altogether."""
        return not 1 / ALIKE <= self.scale <= ALIKE


def readings(level: Level, minutes: pl.DataFrame, measured: Measured | None) -> Readings:
    """What is told of a level under review; ``minutes`` are those that it was made of.

    Flow logs lead where no minute that they do not cover was fuller by gateway logs.
    """
    own, limit = level.resource, level.resource.limit
    logs = _reading(own.basis, own.scope, minutes, level.instances, limit)
    if measured is None or minutes.is_empty():
        return Readings(logs, minutes, minutes, [])
    flows = _reading(FLOW_LOGS, measured.scope, measured.minutes, measured.sources, limit)
    same = measured.minutes.select("minute")
    missed = minutes.join(same, on="minute", how="anti")
    peak = _peak(measured.minutes)
    if missed.height and _peak(missed) > peak:
        return Readings(logs, minutes, minutes, [flows])
    every = pl.concat([measured.minutes, missed]).sort("minute")
    scale = _scale(measured.minutes, minutes, limit)
    return Readings(flows, measured.minutes, every, [logs], scale)


def _scale(measured: pl.DataFrame, by_logs: pl.DataFrame, limit: float) -> float:
    """How many times the peak of a day by gateway logs it is by flow logs: of days, the median.

    On days that were full by gateway logs, both are: there is no more to compare.
    """
    both = measured.join(by_logs, on="minute", suffix="_by_logs")
    days = both.group_by(pl.col("minute").dt.date()).agg(pl.col("upper", "estimate_by_logs").max())
    if days.filter(pl.col("estimate_by_logs") > 0).is_empty():
        return math.inf
    told = days.filter(pl.col("estimate_by_logs").is_between(0, limit, closed="none"))
    times = (told["upper"] / told["estimate_by_logs"]).median()
    return float(times) if isinstance(times, float) else 1.0


def _peak(minutes: pl.DataFrame) -> float:
    return float(minutes["estimate"].to_numpy().max())


def _reading(
    basis: str, scope: str, minutes: pl.DataFrame, parts: dict[str, Use], limit: float
) -> finding.Reading:
    use = Use()
    use.add(minutes)
    used = use.utilisation(limit)
    told_of = sorted(
        (
            finding.Instance(id=name, utilisation=part, headroom=_left(part))
            for name, each in parts.items()
            if (part := each.utilisation(limit))
        ),
        key=lambda each: (-each.utilisation.peak, -each.utilisation.p99, each.id),
    )
    peaks = [each.utilisation.peak for each in told_of]
    return finding.Reading(
        basis=basis,  # type: ignore[arg-type]
        scope=scope,  # type: ignore[arg-type]
        utilisation=used,
        headroom=None if used is None else _left(used),
        peak_instance=_peak_instance(told_of, used),
        instances=told_of,
        spread=rounded(max(peaks) - min(peaks)) if len(peaks) > 1 else None,
    )


def _left(used: finding.Utilisation) -> float:
    return rounded(max(0.0, 1 - used.peak))


def _peak_instance(
    instances: list[finding.Instance], used: finding.Utilisation | None
) -> str | None:
    """The instance that was fullest at the peak; of several at the limit, the first there."""
    at = used.peak_at if used else None
    there = [each.id for each in instances if each.utilisation.peak_at == at]
    return next(iter([*there, *(each.id for each in instances)]), None)
