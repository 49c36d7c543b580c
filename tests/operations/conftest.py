"""Facades with access control on; badges stand for the tokens that an authorization server issues."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.facade.facade import Facade, settings_of
from tests.search.asking import oracle_of
from tests.smart_auth.badges import Badges
from tests.smart_auth.sight import Sight


@pytest.fixture(scope="session")
def badges() -> Badges:
    """The tokens that guarded facades know."""
    return Badges()


@pytest_asyncio.fixture(scope="session")
async def guarded(embedded_data: Path, badges: Badges) -> AsyncIterator[Facade]:
    """The embedded facade with access control."""
    facade = Facade(settings_of(embedded_data, enable_security=True), badges)
    yield facade
    await facade.close()


@pytest_asyncio.fixture(scope="session")
async def by_care(embedded_data: Path, badges: Badges) -> AsyncIterator[Facade]:
    """The embedded facade on which clinical roles see the patients whom they have to do with."""
    facade = Facade(settings_of(embedded_data, enable_security=True, access_model="care-team"), badges)
    yield facade
    await facade.close()


@pytest_asyncio.fixture(scope="session")
async def sight(embedded: Facade) -> Sight:
    """What callers may see of the embedded rows."""
    return Sight(await oracle_of(embedded))
