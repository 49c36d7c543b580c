"""Whichever table is lost: what is served says less and never else, and what isn't served is named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import pytest_asyncio

from fhir_facade.registry import by_type
from mappers.database import SourceDownError
from mappers.engine import Page
from mappers.outage import SUBSETTED, tables_of
from mappers.query import SearchQuery
from mappers.reader import Unreadable
from tests.facade.comparing import facts, no_more
from tests.facade.facade import Facade, embedded_folder, execute, settings_of, writer

MAPPINGS = by_type()
CASES = sorted((".".join(table), name) for name, m in MAPPINGS.items() for table in tables_of(m))
TABLES = sorted({table for table, _ in CASES})
Resource = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Facade]:
    facade = Facade(settings_of(embedded_folder(tmp_path_factory.mktemp("tables"))))
    yield facade
    await facade.close()


@contextmanager
def lost(facade: Facade, table: str) -> Iterator[None]:
    """A table is away for a while."""
    schema, _, name = table.partition(".")
    place = "main" if schema == "cdss_db" else schema
    engine = writer(facade)
    execute(engine, f"ALTER TABLE {place}.{name} RENAME TO {name}_away")
    try:
        yield
    finally:
        execute(engine, f"ALTER TABLE {place}.{name}_away RENAME TO {name}")


def told(page: Page) -> dict[str, Resource]:
    return {m["id"]: m for m in page.matches if isinstance(m, dict)}


def unreadable(page: Page) -> int:
    return sum(isinstance(m, Unreadable) for m in page.matches)


@pytest.mark.parametrize("table", TABLES)
async def test_without_a_table_less_is_said_and_nothing_else(own: Facade, table: str) -> None:
    engine = own.service.engine
    for name in (name for lost_table, name in CASES if lost_table == table):
        whole = told(await engine.page(SearchQuery(name), 2000))
        with lost(own, table):
            try:
                page = await engine.page(SearchQuery(name), 2000)
            except SourceDownError:
                continue  # nothing of the type is left
        found = told(page)
        assert found.keys() <= whole.keys()
        assert len(found) == len(whole) or page.down or unreadable(page), name
        for id_text, resource in found.items():
            assert no_more(facts(resource), facts(whole[id_text])), (name, resource, whole[id_text])
            assert resource["meta"].get("security") == whole[id_text]["meta"].get("security")
            assert all((n in resource) == (n in whole[id_text]) for n in ("subject", "patient", "status"))
            if facts(resource) != facts(whole[id_text]):
                assert SUBSETTED in resource["meta"]["tag"]
                assert resource["meta"]["versionId"] != whole[id_text]["meta"]["versionId"]
                assert page.lacking == [table.replace(".", "/")]
    assert told(await engine.page(SearchQuery(name), 2000)) == whole
