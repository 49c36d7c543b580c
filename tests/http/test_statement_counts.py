"""How many SQL statements an answer takes: as many as its sources need, whatever the page's size."""

from __future__ import annotations

import pytest

from tests.facade.facade import Facade, ids

# search, statements of a page within the first source, statements of a page that reaches all sources
COUNTS = [
    ("Patient", 3, 6),
    ("Observation", 1, 8),
    ("Observation?category=laboratory", 1, 4),
    ("Observation?patient=P-2025-000001", 1, 8),
    ("Observation?category=laboratory&_include=Observation:patient", 4, 10),
    ("Observation?category=laboratory&patient.gender=female", 2, 5),
    ("Observation?patient.birthdate=ge1900", 2, 9),
    ("Patient?_has:Observation:patient:category=laboratory", 3, 6),
    ("Patient?_revinclude=Observation:patient", 11, 19),
    ("Condition?_total=accurate", 3, 5),
]


async def taken(facade: Facade, counted: list[str], asked: str, size: int) -> int:
    counted.clear()
    bundle = await facade.bundle(f"{asked}{'&' if '?' in asked else '?'}_count={size}")
    assert 0 < len(ids(bundle)) <= size
    return len(counted)


@pytest.mark.parametrize(("asked", "first", "every"), COUNTS, ids=[asked for asked, _, _ in COUNTS])
async def test_statements_depend_on_sources_and_never_on_count(
    embedded: Facade, counted: list[str], asked: str, first: int, every: int
) -> None:
    assert [await taken(embedded, counted, asked, size) for size in (1, 2, 5)] == [first] * 3
    assert [await taken(embedded, counted, asked, size) for size in (800, 1000)] == [every] * 2


async def test_a_read_takes_one_statement_and_one_for_each_kind_of_child(
    embedded: Facade, counted: list[str]
) -> None:
    for address, statements in (("Observation/lab-1", 1), ("Patient/P-2025-000001", 3)):
        counted.clear()
        assert (await embedded.get(address)).status_code == 200
        assert len(counted) == statements, address
