"""A server on the embedded demo databases, asked without a network."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from fhir_facade.app import Application, create_app
from fhir_facade.settings import Settings


@pytest.fixture(scope="session")
def embedded_app(tmp_path_factory: pytest.TempPathFactory) -> Application:
    """The application over the demo hospital."""
    data: Path = tmp_path_factory.mktemp("capability")
    return create_app(Settings(data_dir=str(data), enable_security=False))


@pytest_asyncio.fixture(scope="session")
async def client(embedded_app: Application) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it."""
    transport = httpx.ASGITransport(app=embedded_app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield client
