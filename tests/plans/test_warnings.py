"""No search makes a database convert what it compares: that costs the index, and the log gets the values."""

import logging
from collections.abc import AsyncIterator

import pytest

from mappers.database import MySql
from tests.plans.counting import MAPPINGS, Counting, engine_of, query
from tests.services.database import DatabaseServer

EXAMPLES = [
    f"{m.resource_type}?{p.name}={p.example}" for m in MAPPINGS.values() for p in m.search_params if p.example
]


@pytest.fixture
async def counting(server: DatabaseServer) -> AsyncIterator[Counting]:
    """A counter of its own for each test."""
    database = Counting(server)
    yield database
    await database.close()


async def test_no_parameter_makes_the_database_warn(counting: Counting) -> None:
    engine = engine_of(counting)
    for search in EXAMPLES:
        await engine.page(query(search), 5)
        assert (search, list(counting.warnings.values())) == (search, [])


async def test_a_warning_of_the_database_leaves_no_value_in_the_log(
    counting: Counting, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await MySql.fetch(counting, "SELECT CAST('12 Kim Younghee' AS DECIMAL(5))", ())
    assert list(counting.warnings.values()) != []
    assert "Younghee" not in caplog.text
