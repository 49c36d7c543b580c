"""Clients that write to the shared facades; what they leave in our own tables is gone after each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy import delete

from mappers.facade.tables import fhir_event, fhir_index, fhir_resource, fhir_version
from mappers.transaction import transaction
from tests.facade import Facade
from tests.interactions.client import Client


@pytest_asyncio.fixture
async def client(facade: Facade) -> AsyncIterator[Client]:
    """A client of the facade over each kind of database in turn."""
    yield Client(facade)
    await emptied(facade)


@pytest_asyncio.fixture
async def embedded_client(embedded: Facade) -> AsyncIterator[Client]:
    """A client of the embedded facade."""
    yield Client(embedded)
    await emptied(embedded)


async def emptied(facade: Facade) -> None:
    """Takes out all that clients wrote."""
    async with transaction(facade.service.engine.database) as t:
        for table in (fhir_resource, fhir_index, fhir_version, fhir_event):
            await t.execute(delete(table))
