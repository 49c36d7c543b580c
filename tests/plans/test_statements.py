"""How many statements a page takes: each is a way to the database and back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fhir_facade.registry import by_type
from mappers.database import Rows, Sqlite
from mappers.engine import Engine
from tests.plans.counting import SITE, query

MAPPINGS = by_type()

FIRST_OF_SEVERAL = "Observation?category=laboratory&patient=P-2025-000001&_sort=-date"
OF_SEVERAL = "Observation?_sort=-date"
NOT_FILLED = "Observation?patient=P-2025-000001&code=http://loinc.org|718-7"


class Listening(Sqlite):
    """The embedded databases, and what was asked of them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "cdss.db", folder / "openemr.db", 1)
        self.asked: list[str] = []

    async def fetch(self, sql: str, parameters: tuple[object, ...]) -> Rows:
        self.asked.append(sql)
        return await super().fetch(sql, parameters)


@pytest.fixture
async def listening(embedded_data: Path) -> AsyncIterator[Listening]:
    """A listener of its own for each test."""
    database = Listening(embedded_data)
    yield database
    await database.close()


async def test_a_sorted_page_whose_rows_are_all_of_the_first_source_takes_one_statement(
    listening: Listening,
) -> None:
    page = await Engine(MAPPINGS, listening, SITE).page(query(FIRST_OF_SEVERAL), 2)
    assert [m["id"][:4] for m in page.matches if isinstance(m, dict)] == ["lab-", "lab-"]
    assert "UNION ALL" in listening.asked[0]
    assert len(listening.asked) == 1


async def test_a_sorted_page_of_several_sources_shows_each_row_once_and_in_order(
    listening: Listening,
) -> None:
    page = await Engine(MAPPINGS, listening, SITE).page(query(OF_SEVERAL), 200)
    found = [m for m in page.matches if isinstance(m, dict)]
    assert {m["id"].partition("-")[0] for m in found} >= {"lab", "oe"}
    assert len({m["id"] for m in found}) == len(found) == 200
    times = [m["effectiveDateTime"] for m in found if "effectiveDateTime" in m]
    assert times == sorted(times, reverse=True)


async def test_whole_rows_are_read_of_no_source_that_has_none(listening: Listening) -> None:
    page = await Engine(MAPPINGS, listening, SITE).page(query(NOT_FILLED), 50)
    assert page.matches
    assert page.after is None
    whole, keys = listening.asked
    assert keys.partition("FROM")[0].count(",") == 3  # branch, number, text, parts
    assert whole.partition("FROM")[0].count(",") > 20
    assert keys.count("SELECT", 0, keys.index("WHERE")) == 1  # a source alone needs no UNION around it
