"""A pytest plugin: facades that tests share. What writes must put back what was there, or take its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.facade.counting import counted
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


@pytest.fixture(name="counted")
def counted_here(embedded: Facade) -> Iterator[list[str]]:
    """The statements of the embedded facade from here on, but for those that come with time."""
    with counted(embedded) as found:
        yield found
