"""The datasets of the lake, one file each."""

from functools import cache

from pipeline.dataset import Dataset
from pipeline.shelf import things


@cache
def datasets() -> dict[str, Dataset]:
    """Every dataset by name."""
    import pipeline.datasets

    return things(pipeline.datasets, Dataset)
