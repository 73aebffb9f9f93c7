"""The figures of the report, one file each."""

from collections.abc import Mapping
from typing import Any

from pipeline.figure import Drawing, FigureKind
from pipeline.shelf import things


def figures() -> dict[str, FigureKind]:
    """Every figure by name."""
    import pipeline.figures

    return things(pipeline.figures, FigureKind)


INCIDENT, COMPARISON = "F", "C"


def draw(facts: Mapping[str, Any], of: str | None = None) -> dict[str, Drawing]:
    """Every figure that is of these facts and has something to show of them, by exhibit id.

    ``of`` narrows them to those of an incident, or of a comparison.
    """
    drawings = {
        kind.id: kind.drawn(facts)
        for kind in figures().values()
        if set(kind.needs) <= set(facts) and (of is None or kind.id.startswith(of))
    }
    return {name: drawing for name, drawing in drawings.items() if drawing is not None}
