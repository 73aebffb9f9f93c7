"""What was seen of one incident: the queries' answers, and the facts that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.answer import Answer
from pipeline.limits import Way
from pipeline.transforms import latency
from pipeline.transforms.incidents import Run
from pipeline.transforms.overhead import overhead
from pipeline.transforms.ports import bounds
from pipeline.transforms.ways import ways
from pipeline.window import Window

HEALTHY_SHARE = 0.02
LEAST_CALLS = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is known of one incident: its run, its way out, and the answers, by query."""

    run: Run
    window: Window
    way: Way
    answers: Mapping[str, Answer]
    number: int

    def frame(self, query: str) -> pl.DataFrame:
        """A query's rows, those of other gateways left out."""
        frame = self.answers[query].frame
        return (
            frame.filter(pl.col("gateway") == self.run.gateway)
            if "gateway" in frame.columns
            else frame
        )

    def facts(self) -> dict[str, Any]:
        """What hypotheses and figures may ask for, by the names of their parameters."""
        run = self.run
        during = _during(self.frame("hosts"))
        return {
            "run": run,
            "window": self.window,
            "way": self.way,
            "ways": ways(self.frame("failures_by_minute"), run),
            "ports": bounds(self.frame("ports_by_minute"), run, self.way),
            "latency": latency.shifts(self.frame("backend_time_by_minute"), run, self.window),
            "overhead": overhead(self.frame("overhead_by_minute"), run, self.window),
            "calls_during": during,
            "healthy": [
                name
                for name, (calls, failed) in during.items()
                if calls >= LEAST_CALLS and failed / calls < HEALTHY_SHARE
            ],
            **{name: self.frame(name) for name in self.answers},
        }


def _during(hosts: pl.DataFrame) -> dict[str, tuple[float, float]]:
    """Calls and failures of each destination during a run."""
    summed = hosts.group_by("destination").agg(pl.col("calls").sum(), pl.col("failures").sum())
    return {name: (calls, failed) for name, calls, failed in summed.sort("destination").iter_rows()}
