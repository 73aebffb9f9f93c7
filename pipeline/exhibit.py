"""Exhibits: the figures and tables of a report, each with the queries that it rests on.

What only sets the edges of an incident stands with none of them: the incident itself tells it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A figure (F), table (T) or table on the data (D); panels of a figure share its number."""

    id: str
    title: str
    queries: tuple[str, ...]

    @property
    def query(self) -> str:
        """The query that it rests on first."""
        return self.queries[0]

    def numbered(self, incident: int) -> str:
        """Its id in the chapter of an incident, counted from 0."""
        return numbered(self.id, incident)


def numbered(exhibit: str, incident: int) -> str:
    """The id of an exhibit in the chapter of an incident: the second's F1a is F101a."""
    kind, digits = exhibit[0], exhibit[1:].rstrip("ab")
    return f"{kind}{int(digits) + 100 * incident}{exhibit[1 + len(digits) :]}"


# What the whole document rests on; D for data.
OF_DATA = (
    Exhibit("D1", "What was read", ("read_between",)),
    Exhibit("D2", "What could not be read", ("refused_between",)),
)
# What is held between bounds, by all that tells of ports and of calls that share them.
PORTS = ("calls_in_flight", "flow_ports_by_minute", "port_counters_by_minute", "calls_by_minute")
EXHIBITS = (
    Exhibit("F1a", "Requests that ended badly, by minute", ("failures_by_minute",)),
    Exhibit(
        "F1b",
        "New backend calls per second, peak and mean of each minute",
        ("calls_by_minute", "failures_by_minute"),
    ),
    Exhibit("F2", "Share of calls that failed, by destination and minute", ("calls_by_minute",)),
    Exhibit(
        "F3",
        "BackendTime of successful calls, by minute",
        ("backend_time_by_minute", "failures_by_minute"),
    ),
    Exhibit("F4", "How long failing requests lasted", ("failing_durations",)),
    Exhibit(
        "F5",
        "Ports held to the worst destinations, between bounds",
        (*PORTS, "failures_by_minute"),
    ),
    Exhibit("T1", "Who was hit", ("impact", "failures_by_attributes", "requests_by_minute")),
    Exhibit("T2", "Destinations and bursts", ("calls_by_minute", "hosts")),
    Exhibit("T3", "What the failures died of", ("failures_by_minute",)),
    Exhibit("T4", "What the failures have in common", ("failures_by_attributes",)),
    Exhibit("T5", "The gateway's own time", ("overhead_by_minute",)),
    Exhibit("T6", "BackendTime before and during", ("backend_time_by_minute",)),
    Exhibit(
        "T7",
        "What moved with the failures",
        (
            "calls_by_minute",
            "requests_by_minute",
            "backend_time_by_minute",
            "failures_by_minute",
            "calls_in_flight",
            "hosts",
        ),
    ),
    Exhibit("T8", "Single requests to look up", ("failure_samples",)),
    Exhibit("T9", "Callers with most failures", ("failing_callers",)),
    Exhibit("T10", "Ports by destination", (*PORTS, "hosts")),
    Exhibit("T11", "What port counters say", ("port_counters_by_minute", "port_events")),
    Exhibit("T12", "Changes near the gateway", ("changes_around",)),
    Exhibit("T13", "Failures by instance", ("failures_by_instance",)),
    Exhibit("T14", "How busy the gateway was", ("gateway_load_by_minute",)),
    Exhibit(
        "T15",
        "Why demand for ports rose, and calls asked again",
        ("demand_by_minute", "answers_by_operation", "flow_ports_by_minute", "hosts"),
    ),
)
# What stands in the comparison with another period, asked of both; C for comparison.
OF_COMPARISON = (
    Exhibit("C1", "Failures and load before and after, hour by hour", ("requests_by_minute",)),
    Exhibit(
        "C2",
        "Before and after, in matched minutes",
        ("requests_by_minute", "backend_time_by_minute", *PORTS),
    ),
    Exhibit("C3", "Ports before and after, between bounds", (*PORTS, "requests_by_minute")),
)
