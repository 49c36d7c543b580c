"""Facades that record, each with a trail of its own: servers' rows are taken away before and after."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.audit.recording import Recording, forget
from tests.facade.facade import Facade, embedded_folder, settings_of, writer
from tests.services.database import DatabaseServer
from tests.smart_auth.badges import Badges


@pytest.fixture
def badges() -> Badges:
    """The tokens that a guarded facade knows."""
    return Badges()


@pytest_asyncio.fixture(params=["embedded", "mariadb", "mysql"])
async def recording(
    request: pytest.FixtureRequest, tmp_path: Path, badges: Badges
) -> AsyncIterator[Recording]:
    """A guarded facade that records, over each kind of database in turn, and the access to its rows."""
    server: DatabaseServer | None = None
    if request.param == "embedded":
        embedded_folder(tmp_path)
    else:
        server = request.getfixturevalue(request.param)
    settings = settings_of(tmp_path, server, enable_security=True, audit="on")
    facade = Facade(settings, badges)
    with forget(writer(facade, server)):
        yield Recording(facade, badges, writer(facade, server), server)
        await facade.close()


@pytest_asyncio.fixture
async def embedded_recording(tmp_path: Path, badges: Badges) -> AsyncIterator[Recording]:
    """The same over the embedded database only."""
    facade = Facade(settings_of(embedded_folder(tmp_path), enable_security=True, audit="on"), badges)
    yield Recording(facade, badges, writer(facade))
    await facade.close()
