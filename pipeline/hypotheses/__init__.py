"""The catalogue of mechanisms, one file each."""

from pipeline.hypothesis import HypothesisTest
from pipeline.shelf import things


def hypotheses() -> dict[str, HypothesisTest]:
    """Every hypothesis by its id."""
    import pipeline.hypotheses

    return things(pipeline.hypotheses, HypothesisTest)
