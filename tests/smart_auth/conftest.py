"""Facades with access control on; badges stand for the tokens that an authorization server issues."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from fhir_facade.demo_users import demo_users
from fhir_facade.settings import Settings
from smart_auth.passwords import hashed
from smart_auth.store.users import Users
from tests.facade.facade import Facade, embedded_folder, settings_of
from tests.search.asking import oracle_of
from tests.services.database import DatabaseServer
from tests.smart_auth.app import App, server_of
from tests.smart_auth.badges import Badges
from tests.smart_auth.keycloak.realms import at_keycloak
from tests.smart_auth.sight import Sight


@pytest.fixture(scope="session")
def badges() -> Badges:
    """The tokens that guarded facades know."""
    return Badges()


@pytest_asyncio.fixture(scope="session")
async def guarded(embedded_data: Path, badges: Badges) -> AsyncIterator[Facade]:
    """The embedded facade with access control."""
    facade = Facade(settings_of(embedded_data, enable_security=True, serve_resident_number=True), badges)
    yield facade
    await facade.close()


@pytest_asyncio.fixture(scope="module")
async def own_hospital(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Facade]:
    """A guarded hospital of the module's own, whose users change and whose tables go away."""
    facade = Facade(settings_of(embedded_folder(tmp_path_factory.mktemp("hospital")), enable_security=True))
    yield facade
    await facade.close()


@pytest_asyncio.fixture(scope="session")
async def by_care(embedded_data: Path, badges: Badges) -> AsyncIterator[Facade]:
    """The embedded facade on which clinical roles see the patients whom they have to do with."""
    facade = Facade(settings_of(embedded_data, enable_security=True, access_model="care-team"), badges)
    yield facade
    await facade.close()


@pytest_asyncio.fixture(scope="session")
async def guarded_server(
    server: DatabaseServer, badges: Badges, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Facade]:
    """The facade with access control and care teams, over each server in turn."""
    folder = tmp_path_factory.mktemp("guarded")
    settings = settings_of(folder, server, enable_security=True, access_model="care-team")
    facade = Facade(settings, badges)
    yield facade
    await facade.close()


@pytest_asyncio.fixture(scope="session")
async def sight(embedded: Facade) -> Sight:
    """What callers may see of the embedded rows."""
    return Sight(await oracle_of(embedded))


@pytest_asyncio.fixture(scope="session", params=["embedded", "mariadb", "mysql", "with_keycloak"])
async def secured(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Facade]:
    """A facade with its own authorization server and the demo's users, over each kind of database in turn;
    and once more with the users in Keycloak.
    """
    folder: Path = tmp_path_factory.mktemp(f"secured-{request.param}")
    other = None if request.param == "embedded" else request.getfixturevalue(request.param)
    settings = settings_of(folder, other if isinstance(other, DatabaseServer) else None, enable_security=True)
    facade = Facade(at_keycloak(settings, other) if isinstance(other, Settings) else settings)
    users = Users(server_of(facade).store)
    if not users.all():
        users.add_all([(user, hashed("a password of tests")) for user in demo_users()])
    yield facade
    await facade.close()


@pytest_asyncio.fixture
async def app(secured: Facade) -> AsyncIterator[App]:
    """A public app with a browser at which nobody is signed in."""
    made = App.of(secured)
    yield made
    await made.browser.aclose()
