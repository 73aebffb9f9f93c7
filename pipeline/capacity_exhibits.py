"""Exhibits of the capacity review: each figure and table with the query that it rests on first."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pipeline.answer import Answer
from pipeline.ask import ask
from pipeline.engine import Engine
from pipeline.finding import Figure
from pipeline.limits import Way
from pipeline.query import queries
from pipeline.reviewed import Told
from pipeline.window import Window

# Exhibits: what is shown, and the query that it rests on first.
EXHIBITS = (
    ("C1", "Daily peaks, and what is to come", "calls_in_flight"),
    ("C2", "The weeks reviewed, minute by minute", "calls_in_flight"),
    ("C3", "Resources", "calls_in_flight"),
    ("C4", "Ports and gateways as measured", "port_counters_by_minute"),
    ("C5", "Load of gateways as measured", "gateway_load_by_minute"),
    ("C6", "Traffic by day", "traffic_by_day"),
    ("C7", "Who asks for ports", "demand_by_week"),
    ("C8", "Promises", "reliability"),
    ("C9", "Calls that got no connection", "starved_by_minute"),
    ("C10", "Hours with requests", "requests_by_hour"),
)
OF_DATA = (("D1", "What was read", "read"), ("D2", "What could not be read", "refused"))


def figures(
    engine: Engine,
    answers: Mapping[str, Answer],
    about: Mapping[str, Answer],
    ordered: list[Told],
    ways: Mapping[str, Way],
    review: Window,
) -> list[Figure]:
    """Every exhibit with what runs it again; of ports, the day of the highest peak stands for all.

    Each other day is told by the same query with its own start and stop.
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
    return [
        _figure(id_, title, told_of[query]) for id_, title, query in EXHIBITS if query in told_of
    ] + [_figure(id_, title, about[query]) for id_, title, query in OF_DATA]


def _fullest_day(ordered: list[Told], review: Window) -> datetime:
    ports = (each.resource for each in ordered if each.resource.kind == "ports")
    at = next((each.utilisation.peak_at for each in ports if each.utilisation), None)
    moment = datetime.fromisoformat(at.removesuffix("Z")) if at else review.start
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _figure(id_: str, title: str, answer: Answer) -> Figure:
    return Figure(
        id=id_,
        title=title,
        query=queries()[answer.query].path,
        parameters=answer.told,
        sha256=answer.sha256,
        rows=answer.frame.height,
        incident=None,
    )
