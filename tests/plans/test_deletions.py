"""An export's look for what was deleted reads what was deleted, and not all that was written since."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator

import pytest

from mappers.facade.tables import fhir_version
from mappers.write.deletions import Between, deletions
from tests.plans.counting import Counting
from tests.services.database import DatabaseServer

RESOURCES, PAGE = 3000, 50
#: of how many resources one is deleted
EVERY = 20
#: index entries and rows that a page may take: the deletion, its last version, and that there is no later one
BOUND = 15 * PAGE
ALL = Between("2025-01-01 00:00:00", "2026-01-01 00:00:00")
ANALYZE = "ANALYZE TABLE fhir_version"


@pytest.fixture(scope="module")
def large(server: DatabaseServer) -> Iterator[DatabaseServer]:
    """Each server in turn with thousands of versions, few of them deletions."""
    engine, mine = server.engine(server.owner), fhir_version.c.author == "a plan"
    with engine.begin() as connection:
        connection.execute(fhir_version.insert(), [row for n in range(RESOURCES) for row in rows(n)])
        connection.exec_driver_sql(ANALYZE)
    yield server
    with engine.begin() as connection:
        connection.execute(fhir_version.delete().where(mine))
        connection.exec_driver_sql(ANALYZE)


def rows(number: int) -> list[dict[str, object]]:
    """The versions of one resource."""
    kept = [("POST", "{}"), ("PUT", "{}"), *([("DELETE", None)] if number % EVERY == 0 else ())]
    return [
        {
            "resource_type": "Goal",
            "resource_id": f"n-{number}",
            "version_id": str(version),
            "recorded": str(dt.datetime(2025, 1, 1) + dt.timedelta(minutes=3 * number + version)),
            "method": method,
            "content": content,
            "author": "a plan",
        }
        for version, (method, content) in enumerate(kept)
    ]


@pytest.fixture
async def counting(large: DatabaseServer) -> AsyncIterator[Counting]:
    """A counter of its own for each test."""
    database = Counting(large)
    yield database
    await database.close()


async def test_each_page_of_deletions_reads_what_it_tells(counting: Counting) -> None:
    found, after = 0, None
    while page := await deletions(counting, ALL, PAGE, after):
        assert counting.read <= BOUND, f"page after {found}"
        found, after, counting.read = found + len(page), page[-1].place, 0
    assert found == RESOURCES // EVERY


async def test_a_recent_look_reads_little(counting: Counting) -> None:
    recent = Between("2025-01-07 05:00:00", ALL.before)
    assert 0 < len(await deletions(counting, recent, PAGE)) < PAGE
    assert counting.read <= BOUND
