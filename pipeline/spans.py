"""Spans: from when to when the lake has rows of each resource."""

from datetime import datetime

from pipeline import method
from pipeline.ask import ask
from pipeline.dataset import DATED
from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.lake import Lake


def spans(engine: Engine, lake: Lake) -> method.Spans:
    """From when to when each dataset of events has rows of each resource, as the queries name it.

    Needs the engine to know the requests.
    """
    found: dict[tuple[str, str | None], tuple[datetime, datetime]] = {}
    for name, dataset in datasets().items():
        if not dataset.identity or not (files := lake.files(name)):
            continue
        if name == method.REQUESTS:
            rows = ask(engine, ["extent"], {})["extent"].frame.drop("records")
        else:
            engine.attach("dated", DATED, files)
            rows = ask(engine, ["spans"], {})["spans"].frame
        found |= {(name, resource): (first, last) for resource, first, last in rows.iter_rows()}
    return found
