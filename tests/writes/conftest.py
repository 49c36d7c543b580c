"""A facade beside what writes to its database; what a test leaves in our own tables is gone after it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest_asyncio
from sqlalchemy import delete

from mappers.facade.tables import fhir_event, fhir_index, fhir_resource, fhir_version
from mappers.query import SearchQuery
from mappers.stored.search_values import SearchValues
from mappers.transaction import transaction
from mappers.write.history import Author
from mappers.write.writer import Writer
from tests.facade import Facade


class Written:
    """A facade beside what writes to its database."""

    def __init__(self, facade: Facade) -> None:
        self.facade, self.engine = facade, facade.service.engine
        self.values = SearchValues(self.engine.mappings, self.engine.site, (facade.service.base,))

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


@pytest_asyncio.fixture
async def written(facade: Facade) -> AsyncIterator[Written]:
    """The shared facade over each kind of database."""
    yield Written(facade)
    async with transaction(facade.service.engine.database) as t:
        for table in (fhir_resource, fhir_index, fhir_version, fhir_event):
            await t.execute(delete(table))
