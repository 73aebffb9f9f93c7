"""Ports to each ip:port by instance, and of whichever instance was fullest in each minute.

A limit is one instance's own, and instances come and go: what may run out is always the fullest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from pipeline.limits import Way
from pipeline.transforms.ports import LEVELS, Band, by_logs
from pipeline.window import Window


@dataclass(frozen=True, slots=True)
class Spread:
    """Ports to one destination, and how they are spread.

    ``fullest`` has in each minute the levels of the instance that was highest then, and ``in_all``,
    the estimate of all together. ``instances`` has a band for each; none where the data does not
    tell instances apart, or where they all draw on one pool.
    """

    fullest: Band
    instances: list[Band]


def by_instance(
    ports_by_minute: pl.DataFrame,
    window: Window,
    way: Way,
    reuse: float,
    addresses: Mapping[str, int],
) -> list[Spread]:
    """The spread of each public destination that was called, as gateway logs tell it."""
    own, rest = _parted(ports_by_minute, way)
    bands: dict[str, list[Band]] = {}
    for _, rows in own.group_by(["instance"], maintain_order=True):
        # What is of any instance may be of this one, and share an address with it.
        for band in by_logs(pl.concat([rows, rest]), window, way, reuse, addresses):
            if band.instance is not None:
                bands.setdefault(band.destination, []).append(band)
    whole = by_logs(ports_by_minute, window, way, reuse, addresses) if rest.height else []
    return [
        *(Spread(_fullest(each), each) for each in bands.values()),
        *(
            Spread(replace(each, minutes=_in_all(each.minutes)), [])
            for each in whole
            if each.destination not in bands
        ),
    ]


def _parted(rows: pl.DataFrame, way: Way) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The destinations of which each instance has its own limit and is told, and the others."""
    if way.shared or rows["instance"].null_count() == rows.height:
        return rows.clear(), rows
    untold = rows.filter(pl.col("instance").is_null())["destination"].unique().implode()
    apart = pl.col("destination").is_in(untold).not_()
    return rows.filter(apart), rows.filter(~apart)


def _fullest(bands: list[Band]) -> Band:
    minutes = (
        pl.concat([each.minutes for each in bands])
        .group_by("minute", maintain_order=True)
        .agg(pl.col(LEVELS).max(), in_all=pl.col("estimate").sum())
        .sort("minute")
    )
    sharing = max(each.sharing for each in bands)
    return replace(bands[0], instance=None, minutes=minutes, sharing=sharing)


def _in_all(minutes: pl.DataFrame) -> pl.DataFrame:
    """Of one pool, or of a unit that stands for all."""
    return minutes.with_columns(in_all="estimate")
