"""The kinds of targets that reports are published to, one file each."""

from functools import cache

from pipeline.publisher import Publisher
from pipeline.shelf import things


@cache
def publishers() -> dict[str, Publisher]:
    """Every kind of target by name."""
    import pipeline.publishers

    return things(pipeline.publishers, Publisher)
