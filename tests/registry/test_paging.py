"""Walking pages yields each match exactly once, in the order of one big page, on every database."""

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import pytest

from fhir_facade.registry import MAPPINGS
from mappers.branch import sort_expression
from mappers.mapping import ResourceMapping
from mappers.query import SearchQuery, Sort
from tests.facade.facade import Facade

TYPES = [m.resource_type for m in MAPPINGS]
MANY = 100_000
ENDLESS = 5_000


def sortable(mapping: ResourceMapping) -> list[str]:
    """The parameters that a type can be sorted by."""
    names = ["_id", "_lastUpdated", *mapping.params]
    return [n for n in names if any(sort_expression(mapping, p, n) is not None for p in mapping.parts)]


def orders(mapping: ResourceMapping) -> list[tuple[Sort, ...]]:
    """No order, each key both ways, and some pairs of keys with ties in the first."""
    names = sortable(mapping)
    single = [(Sort(n, down),) for n in names for down in (False, True)]
    pairs = [(Sort(a, True), Sort(b, False)) for a, b in pairwise(names)]
    return [(), *single, *pairs[:6]]


async def walked(facade: Facade, query: SearchQuery, size: int) -> AsyncIterator[str]:
    """What the pages of one size hold, one after the other; a page too full or a walk without end fails."""
    after, pages = None, 0
    while True:
        page = await facade.service.engine.page(query, size, after, strict=True)
        assert len(page.matches) <= size
        for match in page.matches:
            yield match["id"] if isinstance(match, dict) else match.source
        after, pages = page.after, pages + 1
        assert pages < ENDLESS
        if after is None:
            return


async def listed(facade: Facade, query: SearchQuery, size: int) -> list[str]:
    """The walk as a list."""
    return [one async for one in walked(facade, query, size)]


def sizes_for(count: int, order: int) -> Sequence[int]:
    """Small pages for few matches; for many, as many pages as time allows; one by one for some orders."""
    small = (1, 3) if order % 4 == 0 else (2, 7)
    return small if count <= 40 else (max(7, count // 8 + 1),)


@pytest.mark.parametrize("resource_type", TYPES)
async def test_pages_of_every_size_and_order_yield_each_match_once(
    facade: Facade, resource_type: str
) -> None:
    mapping = facade.service.mappings[resource_type]
    total = await facade.service.engine.total(SearchQuery(resource_type))
    wrong = []
    for number, sort in enumerate(orders(mapping)):
        query = SearchQuery(resource_type, sort=sort)
        whole = await listed(facade, query, MANY)
        if len(whole) != len(set(whole)) or len(whole) != total:
            wrong.append(f"{sort}: {len(whole)} listed, {len(set(whole))} distinct, {total} counted")
        for size in sizes_for(total, number):
            if await listed(facade, query, size) != whole:
                wrong.append(f"{sort} by {size}")  # noqa: PERF401  an await may not stand in a generator
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("resource_type", TYPES)
async def test_descending_is_ascending_the_other_way_round(facade: Facade, resource_type: str) -> None:
    mapping = facade.service.mappings[resource_type]
    for name in sortable(mapping):
        up = await listed(facade, SearchQuery(resource_type, sort=(Sort(name),)), MANY)
        down = await listed(facade, SearchQuery(resource_type, sort=(Sort(name, True),)), MANY)
        assert sorted(up) == sorted(down), name
