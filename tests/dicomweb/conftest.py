"""The archives that these tests share."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from dicomweb.archives.archive import Archive
from dicomweb.archives.embedded import EmbeddedArchive
from dicomweb.archives.orthanc import Orthanc
from tests.dicomweb.embedded import archive_in
from tests.dicomweb.hospital import hospital, made_hospital
from tests.dicomweb.orthanc import client_of
from tests.services.orthanc import OrthancServer, orthanc_server

__all__ = ["hospital", "made_hospital"]


@pytest.fixture(scope="session")
def orthanc_running() -> Iterator[OrthancServer]:
    """An Orthanc that replaces what comes again, shared: each test has studies of its own."""
    with orthanc_server() as server:
        yield server


@pytest_asyncio.fixture(scope="session")
async def orthanc(orthanc_running: OrthancServer) -> AsyncIterator[Orthanc]:
    """That Orthanc as an archive."""
    archive = client_of(orthanc_running)
    yield archive
    await archive.close()


@pytest_asyncio.fixture(scope="session")
async def embedded_archive(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedArchive]:
    """An embedded archive that seals its files."""
    archive = archive_in(tmp_path_factory.mktemp("archive"))
    yield archive
    await archive.close()


@pytest.fixture(scope="session", params=["embedded_archive", "orthanc"])
def archive(request: pytest.FixtureRequest) -> Archive:
    """Each kind of archive in turn."""
    found: Archive = request.getfixturevalue(request.param)
    return found
