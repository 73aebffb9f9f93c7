"""What tests share: every engine that answers queries."""

from collections.abc import Callable

import pytest

from pipeline.engine import Engine
from pipeline.engines.duckdb import DuckDB

ENGINES: dict[str, Callable[[], Engine]] = {"duckdb": DuckDB}


@pytest.fixture(scope="session", params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn. It outlives the test: give it every table that a query reads."""
    return ENGINES[request.param]()
