"""What was seen of one incident: the queries' answers, and the facts that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.answer import Answer
from pipeline.config import Gateway
from pipeline.limits import Way, reuse_assumed
from pipeline.transforms import counters, latency
from pipeline.transforms.changes import changes, log_read
from pipeline.transforms.dips import Dip, beside, dips
from pipeline.transforms.exhaustion import exhaustion
from pipeline.transforms.fingerprints import modes
from pipeline.transforms.incidents import Run
from pipeline.transforms.instances import instances
from pipeline.transforms.load import loads
from pipeline.transforms.lost_reuse import lost_reuse
from pipeline.transforms.occupancy import ports_by_minute
from pipeline.transforms.overhead import overhead
from pipeline.transforms.ports import around, bands, bounds
from pipeline.transforms.reuse import reuse
from pipeline.transforms.scale_in import scale_in
from pipeline.transforms.silence import after_silence
from pipeline.transforms.strands import own_failures, own_minutes
from pipeline.transforms.through import Through, through
from pipeline.transforms.trigger import Before
from pipeline.transforms.ways import Ways, ways
from pipeline.window import Window

# Queries that tell of failures at destinations of other incidents, too.
OF_ALL_INCIDENTS = ("failures_by_minute", "hosts")
HEALTHY_SHARE = 0.02
LEAST_CALLS = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is known of one incident: its run, its way out, and the answers, by query.

    ``addresses`` tells the number of addresses of hosts that have several, ``egress_resource_id``
    whose counters are those of the way out, where the settings state it; ``stated`` is all that
    they state of the gateway.
    """

    run: Run
    window: Window
    way: Way
    answers: Mapping[str, Answer]
    number: int
    addresses: Mapping[str, int]
    egress_resource_id: str | None
    stated: Gateway | None = None

    def frame(self, query: str) -> pl.DataFrame:
        """A query's rows, those of other gateways left out, and the failures of other incidents
        that were going on at the same time.
        """
        frame = self.answers[query].frame
        if "gateway" in frame.columns:
            frame = frame.filter(pl.col("gateway") == self.run.gateway)
        elsewhere = self.run.elsewhere
        if elsewhere and query in OF_ALL_INCIDENTS:
            return own_failures(frame, elsewhere)
        if elsewhere and query == "requests_by_minute":
            return own_minutes(frame, self.frame("failures_by_minute"), elsewhere)
        return frame

    def ports_by_minute(self) -> pl.DataFrame:
        """Peaks of ports held by the logs, by minute, instance and destination."""
        near = around(self.run, self.window, self.way)
        return ports_by_minute(self.frame("calls_in_flight"), near, self.way.holds)

    def facts(self) -> dict[str, Any]:
        """What hypotheses and figures may ask for, by the names of their parameters."""
        run = self.run
        near_by = changes(self.frame("changes_around"), run.gateway)
        during = _during(self.frame("hosts"))
        died = ways(self.frame("failures_by_minute"), run)
        shifts = latency.shifts(self.frame("backend_time_by_minute"), run, self.window)
        got = self._through(died, shifts)
        return {
            **self._ports(died, {name: failed for name, (_, failed) in during.items()}, got),
            "through": got,
            "run": run,
            "window": self.window,
            "way": self.way,
            "ways": died,
            "latency": shifts,
            "modes": modes(self.frame("failing_durations"), _service_ms(shifts, died)),
            "after_silence": after_silence(
                self.frame("calls_by_minute"),
                {name for name, (_, failed) in during.items() if failed},
                run,
                float(self.way.idle_s.value),
            ),
            "load": loads(self.frame("gateway_load_by_minute"), run, self.window),
            "instances": instances(self.frame("failures_by_instance")),
            "overhead": overhead(self.frame("overhead_by_minute"), run, self.window),
            "changes": near_by,
            "before": Before(near_by, scale_in(near_by, self.stated, self.way), self._lost()),
            "dips": beside(self._dips(), run),
            "activity_log": log_read(self.frame("changes_told")),
            "calls_during": during,
            "healthy": [
                name
                for name, (calls, failed) in during.items()
                if calls >= LEAST_CALLS and failed / calls < HEALTHY_SHARE
            ],
            **{name: self.frame(name) for name in self.answers},
        }

    def _dips(self) -> list[Dip]:
        """What was unwell; the health of resources is told among the changes."""
        said = self.frame("said_unwell").filter(pl.col("said") == "health_event")
        return dips(self.frame("availability_dips"), said)

    def _lost(self) -> str | None:
        """Reuse of connections that was lost before: by flow logs, else by the counter."""
        calls = self.frame("calls_by_minute").filter(pl.col("destination").is_not_null())
        begun = self.frame("flow_ports_by_minute").filter(pl.col("begun") > 0)
        if begun.height:
            told = begun["destination"].unique()
            opened = begun.select("minute", connections="begun")
            return lost_reuse(calls.filter(pl.col("destination").is_in(told)), opened, self.run)
        own = {self.run.gateway, (self.egress_resource_id or "").lower()}
        counted = self.frame("port_counters_by_minute").filter(pl.col("resource_id").is_in(own))
        return lost_reuse(calls, counters.new_connections(counted), self.run)

    def _through(self, died: Ways, shifts: list[latency.Shift]) -> Through | None:
        """What got through where most connects waited in vain; null where none did."""
        worst = next((name for name, _ in died.by_destination(died.connecting) if name), None)
        slowest = next((each.during.p95 for each in shifts if each.destination == worst), None)
        calls, hold_s = self.frame("calls_by_minute"), float(self.way.hold_s.value)
        return through(calls, worst, self.run, hold_s, slowest)

    def _ports(
        self, died: Ways, failed: Mapping[str, float], got: Through | None
    ) -> dict[str, Any]:
        """What is known of ports: bands, bounds, counters, and whether they ran out."""
        run, way = self.run, self.way
        calls, flows = self.frame("calls_by_minute"), self.frame("flow_ports_by_minute")
        told = counters.counters(
            self.frame("port_counters_by_minute"), self.frame("port_events"), run.start, run.last
        )
        own = {run.gateway, (self.egress_resource_id or "").lower()}
        counted = self.frame("port_counters_by_minute").filter(pl.col("resource_id").is_in(own))
        reused = reuse(
            calls, flows, counters.new_connections(counted), run, float(reuse_assumed().value)
        )
        found = bands(self.ports_by_minute(), flows, run, self.window, way, reused, self.addresses)
        held = bounds(found, run, way)
        return {
            "reuse": reused,
            "bands": found,
            "ports": held,
            "all_counters": told,
            "counters": [each for each in told if each.resource_id in own],
            "measured_ports": counters.measured(counted),
            "exhaustion": exhaustion(
                held,
                [each for each in told if each.resource_id in own],
                died,
                way,
                failed,
                bool(calls.height or died.told),
                got,
            ),
        }


def _service_ms(shifts: list[latency.Shift], died: Ways) -> float | None:
    """How long successful calls took meanwhile, where most requests failed; null if not known."""
    worst = next((name for name, _ in died.by_destination() if name), None)
    return next((each.during.p50 for each in shifts if each.destination == worst), None)


def _during(hosts: pl.DataFrame) -> dict[str, tuple[float, float]]:
    """Calls and failures of each destination during a run."""
    summed = hosts.group_by("destination").agg(pl.col("calls").sum(), pl.col("failures").sum())
    return {name: (calls, failed) for name, calls, failed in summed.sort("destination").iter_rows()}
