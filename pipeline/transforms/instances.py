"""Instances: each one's part of the requests of an incident, and of its failures."""

from dataclasses import dataclass

import polars as pl

# With fewer requests an instance is not held against the others.
LEAST_REQUESTS = 20
# What part of the failures must name their instance.
NAMED = 0.9


@dataclass(frozen=True, slots=True)
class Part:
    """What one instance served, and its shares of 0 to 1 of all that name an instance."""

    id: str
    requests: float
    failures: float
    share_of_requests: float
    share_of_failures: float

    @property
    def rate(self) -> float:
        """What part of its requests failed."""
        return self.failures / self.requests if self.requests else 0.0


def instances(failures_by_instance: pl.DataFrame) -> list[Part]:
    """The instances, most failures first; none where most failures do not name theirs."""
    named = failures_by_instance.drop_nulls("instance")
    requests, failures = float(named["requests"].sum()), float(named["failures"].sum())
    if not failures or failures < NAMED * float(failures_by_instance["failures"].sum()):
        return []
    return [
        Part(
            row["instance"],
            row["requests"],
            row["failures"],
            row["requests"] / requests,
            row["failures"] / failures,
        )
        for row in named.sort(
            "failures", "requests", "instance", descending=[True, True, False]
        ).iter_rows(named=True)
    ]
