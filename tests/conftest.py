"""What tests share: every engine that answers queries, and a real Azure Blob Storage."""

from collections.abc import Callable, Iterator

import pytest

from pipeline.engine import Engine
from pipeline.engines.duckdb import DuckDB
from tests import azurite as emulator
from tests.azurite import Azurite

ENGINES: dict[str, Callable[[], Engine]] = {"duckdb": DuckDB}


@pytest.fixture(scope="session", params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn. It outlives the test: give it every table that a query reads."""
    return ENGINES[request.param]()


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """An Azurite of its own for each process that runs tests."""
    with emulator.running() as running:
        yield running
