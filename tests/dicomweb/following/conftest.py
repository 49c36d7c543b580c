"""A database for each test, and a follower of an archive from now on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from dicomweb.archives.archive import Archive
from mappers.database import Database, Sqlite
from mappers.demo.embedded import CDSS_FILE, OPENEMR_FILE
from tests.dicomweb.following.scene import Scene


@pytest_asyncio.fixture
async def database(hospital: Path) -> AsyncIterator[Database]:
    """A hospital's databases."""
    found = Sqlite(hospital / CDSS_FILE, hospital / OPENEMR_FILE)
    yield found
    await found.close()


@pytest_asyncio.fixture
async def scene(archive: Archive, database: Database) -> Scene:
    """Each kind of archive, followed from now on."""
    return await Scene.of(archive, database)
