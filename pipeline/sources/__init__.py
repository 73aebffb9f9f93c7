"""The formats that land, one file each."""

from functools import cache

from pipeline.shelf import things
from pipeline.source import Source


@cache
def sources() -> dict[str, Source]:
    """Every format by name."""
    import pipeline.sources

    return things(pipeline.sources, Source)
