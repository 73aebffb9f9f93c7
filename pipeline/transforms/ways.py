"""Ways of failing: the requests of an incident that count as failures, by what they died of."""

from dataclasses import dataclass

import polars as pl

from pipeline.transforms.incidents import Run
from pipeline.window import floor

CONNECT_FAULTS = ("connect_timeout", "connect_failed")
# Faults that no want of a port can look like.
NEVER_CONNECTING = ("dns", "tls", "refused", "reset", "idle_closed", "local_ports")


# Reasons of calls that went out, even where their destination was not recorded.
OUTBOUND = ("BackendConnectionFailure", "Timeout", "ClientConnectionFailure")


@dataclass(frozen=True, slots=True)
class Ways:
    """Failures of one incident.

    ``frame`` holds destination, outcome, reason, fault, backend_status and requests, for outcomes
    that count as failures here.
    """

    frame: pl.DataFrame
    failures: float

    def count(self, *conditions: pl.Expr) -> float:
        """Failures for which all conditions hold; a null holds for none."""
        return float(self.frame.filter(*conditions)["requests"].sum())

    def share(self, failures: float) -> float:
        """What part of the failures so many are, 0 to 1; of none, none."""
        return failures / self.failures if self.failures else 0.0

    @property
    def told(self) -> float:
        """Failures of which the logs say something: a reason or the backend's status."""
        return self.count(pl.col("reason").is_not_null() | pl.col("backend_status").is_not_null())

    @property
    def connect_failures(self) -> float:
        """Failures to connect: no answer to the connect, and no backend status."""
        return self.count(self.connecting)

    @property
    def connecting(self) -> pl.Expr:
        """The condition of a failure to connect that waited in vain, neither refused nor reset."""
        return pl.col("fault").is_in(CONNECT_FAULTS) & pl.col("backend_status").is_null()

    @property
    def in_gateway(self) -> pl.Expr:
        """The condition of a failure inside the gateway, with a reason of its own."""
        return (
            pl.col("destination").is_null()
            & pl.col("reason").is_not_null()
            & ~pl.col("reason").is_in(OUTBOUND)
        )

    @property
    def unplaced(self) -> float:
        """Failures of calls that went out, or tried to, without a word on where to."""
        return self.count(
            pl.col("destination").is_null()
            & (
                (pl.col("reason") == "BackendConnectionFailure")
                | pl.col("fault").is_in(CONNECT_FAULTS)
            )
            & ~pl.col("fault").is_in(NEVER_CONNECTING).fill_null(value=False)
        )

    def by_destination(self, *conditions: pl.Expr) -> list[tuple[str | None, float]]:
        """Failures for which the conditions hold, by destination, most first."""
        counted = (
            self.frame.filter(*conditions)
            .group_by("destination")
            .agg(pl.col("requests").sum())
            .sort("requests", "destination", descending=[True, False], nulls_last=True)
        )
        return list(counted.iter_rows())


def ways(failures_by_minute: pl.DataFrame, run: Run) -> Ways:
    """What the failures of a run died of."""
    frame = (
        failures_by_minute.filter(
            pl.col("outcome").is_in(run.counted.split(","))
            & pl.col("minute").is_between(floor(run.start), run.last)
        )
        .group_by("destination", "outcome", "reason", "fault", "backend_status")
        .agg(pl.col("requests").sum())
        .sort("destination", "outcome", "reason", "fault", "backend_status", nulls_last=True)
    )
    return Ways(frame, float(frame["requests"].sum()))
