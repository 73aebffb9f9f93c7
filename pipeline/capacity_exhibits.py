"""Exhibits of the capacity review: each figure and table with the query that it rests on first."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from pipeline import citation
from pipeline.answer import Answer
from pipeline.ask import ask
from pipeline.engine import Engine
from pipeline.exhibit import Exhibit
from pipeline.finding import Figure
from pipeline.limits import Way
from pipeline.reviewed import Told
from pipeline.window import Window

EXHIBITS = (
    Exhibit("C1", "Daily peaks, and what is to come", ("calls_in_flight",)),
    Exhibit("C2", "The weeks reviewed, minute by minute", ("calls_in_flight",)),
    Exhibit("C3", "Resources", ("calls_in_flight",)),
    Exhibit("C4", "Ports and gateways as measured", ("port_counters_by_minute",)),
    Exhibit("C5", "Load of gateways as measured", ("gateway_capacity_by_minute",)),
    Exhibit("C6", "Traffic by day", ("traffic_by_day",)),
    Exhibit("C7", "Who asks for ports", ("demand_by_week",)),
    Exhibit("C8", "Promises", ("reliability",)),
    Exhibit("C9", "Calls that got no connection", ("starved_by_minute",)),
    Exhibit("C10", "Hours with requests", ("requests_by_hour",)),
)
# Where the data tells instances apart.
INSTANCES = Exhibit("C11", "Instances, where they differ", ("calls_in_flight",))
MEASURED = Exhibit("C12", "Ports as flow logs tell them", ("flow_ports_by_minute",))
# Of the whole lake: rows of the weeks reviewed may be forgotten, and what was read of them not.
OF_LAKE = (
    Exhibit("D1", "What was read", ("read",)),
    Exhibit("D2", "What could not be read", ("refused",)),
)


def figures(
    engine: Engine,
    answers: Mapping[str, Answer],
    about: Mapping[str, Answer],
    ordered: list[Told],
    ways: Mapping[str, Way],
    review: Window,
) -> list[Figure]:
    """Every exhibit with what runs it again; of ports, the day of the highest peak stands for all,
    and of flow logs the hour.

    Each other one is told by the same query with its own start and stop. The review itself reads
    these counts with ``calls_by_second``, which is made for many days.
    """
    day = _fullest_day(ordered, review)
    told_of = dict(answers)
    top = next((each.resource for each in ordered if each.resource.kind == "ports"), None)
    if top is not None:
        bound = {
            "gateway": top.gateway,
            "start": day,
            "stop": min(day + timedelta(days=1), review.stop),
            "hold_s": int(ways[top.gateway].hold_s.value),
        }
        told_of |= ask(engine, ["calls_in_flight"], bound)
    flows = next(_flow_peaks(ordered), None)
    if flows is not None:
        told_of |= ask(engine, ["flow_ports_by_minute"], _hour(*flows, ways, review))
    told = {name: [answer] for name, answer in (told_of | dict(about)).items()}
    several = any(each.resource.spread is not None for each in ordered)
    wanted = [*EXHIBITS, *([INSTANCES] if several else []), MEASURED]
    shown = [each for each in wanted if set(each.queries) <= told.keys()]
    return list(citation.of_document([*shown, *OF_LAKE], told))


def _flow_peaks(ordered: list[Told]) -> Iterator[tuple[str, datetime]]:
    """The gateways and peaks that flow logs tell of."""
    for each in ordered:
        for basis, used in (
            (each.resource.basis, each.resource.utilisation),
            *((other.basis, other.utilisation) for other in each.resource.other_bases),
        ):
            if basis == "flow_logs" and used:
                yield each.resource.gateway, _moment(used.peak_at)


def _hour(
    gateway: str, moment: datetime, ways: Mapping[str, Way], review: Window
) -> dict[str, object]:
    start = max(moment.replace(minute=0), review.start)
    return {
        "start": start,
        "stop": min(start + timedelta(hours=1), review.stop),
        "hold_s": int(ways[gateway].hold_s.value),
        "idle_s": int(ways[gateway].idle_s.value),
    }


def _moment(at: str) -> datetime:
    return datetime.fromisoformat(at.removesuffix("Z"))


def _fullest_day(ordered: list[Told], review: Window) -> datetime:
    ports = (each.resource for each in ordered if each.resource.kind == "ports")
    at = next((each.utilisation.peak_at for each in ports if each.utilisation), None)
    moment = _moment(at) if at else review.start
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
