"""A pytest plugin: facades that tests share. What writes must put back what was there, or take its own."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.facade.facade import Facade, embedded_folder, settings_of, writer
from tests.facade.imaged import leave_images
from tests.facade.trail import leave_trail
from tests.services.database import DatabaseServer


@pytest.fixture(scope="session")
def embedded_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the embedded databases: the demo's and the awkward rows."""
    return embedded_folder(tmp_path_factory.mktemp("embedded"))


@pytest_asyncio.fixture(scope="session")
async def embedded(embedded_data: Path) -> AsyncIterator[Facade]:
    """A facade over the embedded databases; some accesses are in its trail."""
    settings = settings_of(embedded_data)
    await leave_trail(settings)
    facade = Facade(settings)
    leave_images(writer(facade))
    yield facade
    await facade.close()


@pytest_asyncio.fixture(scope="session")
async def on_mariadb(
    mariadb: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Facade]:
    """A facade over MariaDB, with the same accesses."""
    settings = settings_of(tmp_path_factory.mktemp("mariadb"), mariadb)
    await leave_trail(settings)
    facade = Facade(settings)
    leave_images(writer(facade, mariadb))
    yield facade
    await facade.close()


@pytest_asyncio.fixture(scope="session")
async def on_mysql(mysql: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Facade]:
    """A facade over MySQL, with the same accesses."""
    settings = settings_of(tmp_path_factory.mktemp("mysql"), mysql)
    await leave_trail(settings)
    facade = Facade(settings)
    leave_images(writer(facade, mysql))
    yield facade
    await facade.close()


@pytest.fixture(scope="session", params=["embedded", "on_mariadb", "on_mysql"])
def facade(request: pytest.FixtureRequest) -> Facade:
    """The facade over each kind of database in turn."""
    found: Facade = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def counted(embedded: Facade, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements of the embedded facade from here on, but for those that come with time."""
    database, found = embedded.service.engine.database, list[str]()
    fetch = database.fetch

    async def counting(sql: str, parameters: tuple[Any, ...]) -> Any:
        if "fhir_amended" not in sql:  # what is looked at once a second, whoever asks
            found.append(sql)
        return await fetch(sql, parameters)

    monkeypatch.setattr(database, "fetch", counting)
    return found
