"""Pages that are read lazily hold what other pages hold, one resource after the other."""

from __future__ import annotations

import gc

import pytest

from mappers.engine import Engine
from mappers.query import SearchQuery
from mappers.reader import Resource, Unreadable


async def walked(engine: Engine, resource_type: str, count: int) -> list[list[Resource | Unreadable]]:
    """All pages of a type."""
    pages, after, query = [], None, SearchQuery(resource_type)
    while True:
        page = await engine.page(query, count, after)
        pages.append(list(page.each()))
        if (after := page.after) is None:
            return pages


@pytest.mark.parametrize("resource_type", ["Observation", "Patient", "Medication"])
@pytest.mark.parametrize("count", [7, 1000])
async def test_a_walk_that_is_read_lazily_is_the_same_walk(
    engine: Engine, resource_type: str, count: int
) -> None:
    eager = await walked(engine, resource_type, count)
    assert await walked(engine.lazily(), resource_type, count) == eager
    assert sum(map(len, eager)) > 5


async def test_a_resource_that_is_let_go_of_is_gone_when_the_next_is_made(engine: Engine) -> None:
    page = await engine.lazily().page(SearchQuery("Observation"), 50)
    assert page.matches == []
    alive = []
    for _ in range(3):
        next(page.coming)
        alive.append(sum(_is_observation(found) for found in gc.get_objects()))
    assert alive[0] == alive[1] == alive[2]


def _is_observation(found: object) -> bool:
    return type(found) is dict and found.get("resourceType") == "Observation"
