"""What a query answers is told on as the same numbers, whichever way the engine added them up."""

from datetime import timedelta

from pipeline.ask import ask, without_topology
from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.query import queries
from tests import tables

EIGHT = tables.moment("2026-03-10 08:00")
# Added from the left they are 0.6000000000000001, from the right 0.6.
WEIGHTS = (0.1, 0.2, 0.3)


def test_rows_in_any_order_answer_the_same_to_the_last_bit(engine: Engine) -> None:
    # Threads take rows as they come: from run to run, sums of fractions differ in their last bits.
    without_topology(engine)
    query, minute = queries()["requests_by_minute"], EIGHT + timedelta(minutes=1)
    added, answered = [], []
    for weights in (WEIGHTS, WEIGHTS[::-1]):
        hold_requests(engine, weights)
        bound = {"start": EIGHT, "stop": minute}
        added += engine.ask(query, bound)["requests"].to_pylist()
        answered += ask(engine, [query.name], bound)[query.name].frame["requests"].to_list()
    assert added[0] != added[1]
    assert answered == [0.6, 0.6]


def hold_requests(engine: Engine, weights: tuple[float, ...]) -> None:
    """Requests of one minute, each standing for so many, in this order."""
    types = {each.name: each.type for each in datasets()["requests"].columns}
    told = [
        {"resource_id": "gw", "time": EIGHT, "blob": "blob", "position": place, "weight": weight}
        for place, weight in enumerate(weights)
    ]
    engine.hold("requests", tables.arrow(told, types))
