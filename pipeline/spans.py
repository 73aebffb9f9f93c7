"""Spans: from when to when the lake, or a window, has rows of each resource."""

from datetime import datetime

from pipeline import method
from pipeline.ask import ask
from pipeline.dataset import DATED
from pipeline.datasets import datasets
from pipeline.engine import Engine
from pipeline.lake import Lake
from pipeline.window import Window

# As the queries name who logged requests and did not tell.
NOT_TOLD = "resource not told"


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


def spans_between(engine: Engine, lake: Lake, window: Window) -> method.Spans:
    """The same of a window alone: what else the lake holds, before or after, is none of it."""
    found: dict[tuple[str, str | None], tuple[datetime, datetime]] = {}
    within = {"start": window.start, "stop": window.stop}
    for name, dataset in datasets().items():
        if not dataset.identity:
            continue
        files = lake.files_between(name, "time", window.start, window.stop)
        engine.attach("dated", DATED, files)
        rows = ask(engine, ["rows_between"], within)["rows_between"].frame
        unnamed = NOT_TOLD if name == method.REQUESTS else None
        found |= {
            (name, resource or unnamed): (first, last)
            for resource, _, first, last in rows.iter_rows()
        }
    return found
