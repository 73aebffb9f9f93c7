"""The envelopes in which records lie, one file each."""

from functools import cache

from pipeline.envelope import Envelope
from pipeline.shelf import things


@cache
def envelopes() -> dict[str, Envelope]:
    """Every envelope by name."""
    import pipeline.envelopes

    return things(pipeline.envelopes, Envelope)
