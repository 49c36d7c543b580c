"""A facade whose archive holds files of many vendors, open to all and with access control."""

from __future__ import annotations

import io
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from dicomweb.archives.archive import Address, Archive
from dicomweb.index.entry import entry_of
from dicomweb.index.writing import write
from fhir_facade.imaging.archives import archive_of
from fhir_facade.set_up import migrate_embedded
from mappers.database import Database
from mappers.transaction import transaction
from tests.dicomweb.qido.conftest import Images
from tests.dicomweb.wado.samples import samples
from tests.facade.facade import Facade, copy_databases, embedded_engine, execute, settings_of
from tests.smart_auth.badges import Badges

NOW = "2026-11-23 12:00:00.000000"


async def keep(archive: Archive, database: Database, files: Mapping[Address, bytes], now: str = NOW) -> None:
    """Stores the files, and indexes them."""
    for address, content in files.items():
        place = await archive.store(address, io.BytesIO(content))
        async with transaction(database) as t:
            await write(t, entry_of(io.BytesIO(content)), place, "", now)


@dataclass(frozen=True)
class Archived(Images):
    """A gateway, and the archive that it reads."""

    archive: Archive


@pytest_asyncio.fixture(scope="session")
async def made_archive(embedded_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded databases with an archive, and in the index the samples alone; nobody changes it."""
    folder = tmp_path_factory.mktemp("wado") / "data"
    copy_databases(embedded_data, folder)
    migrate_embedded(settings_of(folder))
    tables = ("fhir_dicom_study", "fhir_dicom_series", "fhir_dicom_instance")
    execute(embedded_engine(folder), *(f"DELETE FROM {table}" for table in tables))  # noqa: S608
    facade = Facade(settings_of(folder))
    archive = archive_of(facade.settings, facade.service.at_rest)
    await keep(archive, facade.service.engine.database, samples())
    await archive.close()
    await facade.close()
    return folder


@pytest.fixture(scope="module")
def wado_data(made_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of them."""
    return Path(shutil.copytree(made_archive, tmp_path_factory.mktemp("wado") / "data"))


@pytest_asyncio.fixture(scope="module")
async def images(wado_data: Path) -> AsyncIterator[Archived]:
    """The gateway, open to all."""
    facade = Facade(settings_of(wado_data))
    archive = archive_of(facade.settings, facade.service.at_rest)
    yield Archived(facade, archive)
    await archive.close()
    await facade.close()


@pytest_asyncio.fixture(scope="module")
async def guarded_images(images: Images, wado_data: Path) -> AsyncIterator[tuple[Images, Badges]]:
    """The same with access control and an audit trail."""
    badges = Badges()
    facade = Facade(settings_of(wado_data, enable_security=True, audit="on"), badges)
    yield Images(facade), badges
    await facade.close()
