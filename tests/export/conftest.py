"""What tests of exports leave in the table, taken away again."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from fhir_facade.demo_users import demo_users
from smart_auth.passwords import hashed
from smart_auth.store.users import Users
from tests.audit.recording import forget as forget_trail
from tests.export.client import exports_of
from tests.export.guarded import Guarded, own_keys
from tests.facade.facade import Facade, embedded_folder, settings_of, writer
from tests.services.database import DatabaseServer
from tests.smart_auth.app import server_of
from tests.writes.conftest import Written


@pytest.fixture
def exporting(facade: Facade) -> Iterator[Facade]:
    """A facade over each kind of database in turn, whose exports this test alone drives."""
    yield facade
    forget(facade)


@pytest.fixture
def embedded_exporting(embedded: Facade) -> Iterator[Facade]:
    """The same over the embedded databases."""
    yield embedded
    forget(embedded)


@pytest_asyncio.fixture(params=["embedded", "mariadb", "mysql"])
async def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Guarded]:
    """Over each kind of database in turn."""
    server: DatabaseServer | None = None
    if request.param == "embedded":
        embedded_folder(tmp_path)
    else:
        server = request.getfixturevalue(request.param)
    facade = Facade(settings_of(tmp_path, server, enable_security=True, audit="on"))
    users = Users(server_of(facade).store)
    if not users.all():
        users.add_all([(user, hashed("a password of tests")) for user in demo_users()])
    with own_keys(facade), forget_trail(writer(facade, server)):
        yield Guarded(facade, writer(facade, server))
        forget(facade)
        await facade.close()


@pytest_asyncio.fixture
async def deleting(exporting: Facade) -> AsyncIterator[Written]:
    """What writes beside a facade over each kind of database."""
    found = Written(exporting)
    yield found
    await found.clear()


@pytest_asyncio.fixture
async def embedded_deleting(embedded_exporting: Facade) -> AsyncIterator[Written]:
    """The same over the embedded databases."""
    found = Written(embedded_exporting)
    yield found
    await found.clear()


@pytest_asyncio.fixture
async def guarded_deleting(guarded: Guarded) -> AsyncIterator[Written]:
    """The same beside a facade with access control."""
    found = Written(guarded.facade)
    yield found
    await found.clear()


def forget(facade: Facade) -> None:
    """Removes every job, and its files."""
    with server_of(facade).store.transaction() as session:
        session.execute(text("DELETE FROM fhir_job"))
    exports_of(facade).runner.tidy()
