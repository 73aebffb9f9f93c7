"""What a level is: how full something was, minute by minute and day by day."""

from dataclasses import dataclass, field
from datetime import date

import polars as pl

from pipeline.use import Use
from pipeline.window import Window

TIME = pl.Datetime("us")
SHOWN = ("minute", "lower", "estimate", "upper")


@dataclass(frozen=True, slots=True)
class Resource:
    """What can be full: ``kind`` of it, of which gateway, towards which destination.

    ``limit`` is what it is full at; ``limit_is_fact`` whether that is more than assumed. ``scope``
    says of how much that is the limit: of an instance that is told, of any unit, or in total.
    """

    kind: str
    gateway: str
    destination: str | None
    instance: str | None
    limit: float
    limit_from: str
    limit_is_fact: bool
    unit: str
    basis: str
    scope: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells resources apart from week to week."""
        return self.kind, self.gateway, self.destination or "", self.instance or ""


@dataclass(frozen=True, slots=True)
class DayPeak:
    """The peaks of a day; ``estimate`` is what was wanted, where that was more than there is.

    ``mean`` is that of the estimate, of all instances together where they are told.
    """

    day: date
    estimate: float
    upper: float
    mean: float


@dataclass(slots=True)
class Level:
    """How full a resource was.

    ``minutes`` (minute, lower, estimate, upper) are those under review, ``days`` the peaks
    of each day; a minute or day that nothing tells of is not there. Where instances are told, both
    are of the fullest one at each minute, and ``instances`` has what each held under review.
    ``sharing`` counts hosts of unknown address in the upper bound.
    """

    resource: Resource
    minutes: list[pl.DataFrame] = field(default_factory=list)
    days: list[DayPeak] = field(default_factory=list)
    instances: dict[str, Use] = field(default_factory=dict)
    sharing: int = 0

    def add(self, told: pl.DataFrame, review: Window) -> None:
        """Adds what is told of some days: minute, lower, estimate, upper, wanted, in_all.

        A day on which nothing was held at all is one that nothing tells of.
        """
        days = []
        date_of = pl.col("minute").dt.date()
        for (day,), of_day in told.group_by(date_of, maintain_order=True):
            # The upper bound may be that of others alone, who may share the address.
            if _most(of_day["wanted"]) > 0:
                self._add_day(day, of_day)
                days.append(day)
        within = pl.col("minute").is_between(review.start, review.stop, closed="left")
        self.minutes.append(told.filter(within, date_of.is_in(days)).select(SHOWN))

    def add_instance(self, name: str, told: pl.DataFrame, review: Window, hours: pl.Series) -> None:
        """Adds what an instance held under review: minutes of the hours with requests, and of days
        on which it held anything.
        """
        within = told.filter(
            pl.col("minute").is_between(review.start, review.stop, closed="left"),
            pl.col("minute").dt.truncate("1h").is_in(hours),
            pl.col("wanted").max().over(pl.col("minute").dt.date()) > 0,
        )
        self.instances.setdefault(name, Use()).add(within)

    def _add_day(self, day: date, told: pl.DataFrame) -> None:
        highest = _most(told["estimate"])
        # What is held is cut off at the limit; on a day that came up to it, what was wanted counts.
        full = highest >= self.resource.limit
        self.days.append(
            DayPeak(
                day=day,
                estimate=_most(told["wanted"]) if full else highest,
                upper=_most(told["upper"]),
                mean=float(told["in_all"].to_numpy().mean()),
            )
        )

    def peaks(self) -> dict[date, float]:
        """The peak of the estimate on each day."""
        return {each.day: each.estimate for each in self.days}

    def by_minute(self) -> pl.DataFrame:
        """All minutes under review that are told of."""
        none = pl.DataFrame(schema={**dict.fromkeys(SHOWN, pl.Float64), "minute": TIME})
        return pl.concat([none, *self.minutes]).sort("minute")


def _most(values: pl.Series) -> float:
    return float(values.to_numpy().max())
