"""The text of a request to Azure Support, for the measurement that only Microsoft has."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.seen import Seen
from pipeline.transforms.ports import Bounds
from pipeline.window import iso

MOST_DESTINATIONS = 3
MOST_CALLS = 5


def support_request(seen: Seen, facts: Mapping[str, Any]) -> str:
    """Which resource, when (UTC), where to, how many ports by the logs, and calls to look up."""
    run, way = seen.run, seen.way
    failed = {name: failures for name, (_, failures) in facts["calls_during"].items()}
    held: list[Bounds] = [each for each in facts["ports"] if failed.get(each.destination)]
    calls = seen.frame("failure_samples").filter(pl.col("correlation_id").is_not_null())
    lines = [
        "Outbound connections failed, and we ask whether SNAT ports ran out.",
        "",
        f"Resource: {run.gateway}",
        *([f"Its way out: {seen.egress_resource_id}"] if seen.egress_resource_id else []),
        f"Time (UTC): {iso(run.start)} to {iso(run.end or run.last)}",
        f"Requests that failed: {facts['ways'].failures:,.0f}, of which "
        f"{facts['ways'].connect_failures:,.0f} failed to connect",
        "",
        "Destinations:",
        *(
            f"- {each.destination}: {failed[each.destination]:,.0f} failed; by our logs between "
            f"{each.lower_peak:,} and {each.upper_peak:,} ports of one instance at "
            f"{iso(each.peak_at)}"
            for each in held[:MOST_DESTINATIONS]
        ),
        *(["- not told by the failed calls"] if not held else []),
        "",
        "Sample failures (correlation id, time):",
        *(
            f"- {row['correlation_id']}, {iso(row['time'])}"
            for row in calls.head(MOST_CALLS).iter_rows(named=True)
        ),
        *(["- the logs tell no correlation id"] if not calls.height else []),
        "",
        "Please tell us for this window, by minute and back-end instance:",
        "1. the failed SNAT connections, by destination ip and port if you can;",
        "2. SNAT ports used and allocated (we reckon with "
        f"{int(way.ports.value):,} to one destination, {way.ports.source});",
        "3. whether instances were added, removed or moved.",
    ]
    return "\n".join(lines)
