"""A facade beside what writes to its database; what a test leaves in our own tables is gone after it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import replace
from typing import Any

import pytest_asyncio
from sqlalchemy import delete, select, text

from mappers.facade.tables import fhir_amended, fhir_event, fhir_index, fhir_resource, fhir_version
from mappers.mapping import Part
from mappers.query import SearchQuery
from mappers.statement import Slots, compiled
from mappers.stored.search_values import SearchValues
from mappers.transaction import Transaction, transaction
from mappers.write.history import Author
from mappers.write.writer import Writer
from tests.facade import Facade
from tests.facade.facade import Resource


class Written:
    """A facade beside what writes to its database."""

    def __init__(self, facade: Facade) -> None:
        self.facade, self.engine = facade, facade.service.engine
        self.values = SearchValues(self.engine.mappings, self.engine.site, (facade.service.base,))
        self.made_here: list[tuple[str, str]] = []

    async def made(self, resource: Resource) -> Any:
        """The resource as it was created, by a writer of its own; its row goes when the test ends."""
        async with self.writer() as writer:
            found = await writer.create(resource["resourceType"], resource)
        self.made_here.append((resource["resourceType"], found["id"]))
        return found

    async def all_found(self, resource_type: str, name: str, value: str) -> list[str]:
        """The same of all pages."""
        where = (self.facade.service.parser().condition(resource_type, name, value),)
        page = await self.engine.page(SearchQuery(resource_type, where), 5000)
        return [m["id"] for m in page.matches if isinstance(m, dict)]

    async def column(self, sql: str) -> Any:
        """One value, by plain SQL."""
        rows = await self.engine.database.fetch(sql, ())
        return rows[0][0]

    async def change(self, sql: str) -> None:
        """What another program writes."""
        async with transaction(self.engine.database) as t:
            await t.execute(text(sql))

    async def clear(self) -> None:
        """Takes away the rows that were made, and all that is kept beside rows."""
        self.engine.plans.amended.known = frozenset()
        async with transaction(self.engine.database) as t:
            for resource_type, id_ in reversed(self.made_here):
                resolved = self.engine.mappings[resource_type].resolve(id_)
                assert resolved is not None
                await _gone(t, *resolved)
            for table in (fhir_resource, fhir_index, fhir_amended, fhir_version, fhir_event):
                await t.execute(delete(table))

    def permitting(self, *permissions: str) -> Written:
        """The same for who may see what these permissions open."""
        found = copy(self)
        site = replace(self.engine.site, permits=frozenset(permissions))
        found.engine = self.engine.at(site)
        found.values = SearchValues(found.engine.mappings, site, (self.facade.service.base,))
        return found

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[Writer]:
        """A writer within one transaction."""
        async with transaction(self.engine.database) as t:
            yield Writer(self.engine.within(t), t, self.values, Author("a test", "pytest", "r-1"))

    async def found(self, resource_type: str, name: str = "", value: str = "") -> list[str]:
        """The ids that a search finds, in order."""
        parser = self.facade.service.parser()
        where = (parser.condition(resource_type, name, value),) if name else ()
        page = await self.engine.page(SearchQuery(resource_type, where), 50)
        return [m["id"] for m in page.matches if isinstance(m, dict)]


async def _gone(t: Transaction, part: Part, key: Any) -> None:
    """A row without a trace, and the rows of other tables that came with it."""
    upkeep, parents = part.upkeep, []
    if upkeep is not None and upkeep.parent is not None:
        found = compiled(select(upkeep.parent.link).where(part.id.column == key), t.dialect, Slots(()), {})
        parents = [row[0] for row in await t.fetch(found.sql, found.parameters((), {}))]
    for lines in upkeep.lines if upkeep else ():
        await t.execute(delete(lines.table).where(lines.link == key))
    await t.execute(delete(part.source.table).where(part.id.column == key))  # type: ignore[arg-type]
    for parent in parents:
        assert upkeep is not None
        assert upkeep.parent is not None
        table = upkeep.parent.table
        await t.execute(delete(table).where(next(iter(table.primary_key)) == parent))


@pytest_asyncio.fixture
async def written(facade: Facade) -> AsyncIterator[Written]:
    """The shared facade over each kind of database."""
    found = Written(facade)
    yield found
    await found.clear()
