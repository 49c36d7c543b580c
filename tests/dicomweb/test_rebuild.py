"""The index made anew, and compared: it is what it was, whatever was lost and whoever works meanwhile."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from dicomweb.archives.archive import Address
from dicomweb.archives.embedded import EmbeddedArchive
from dicomweb.following.checking import Compared, check
from dicomweb.following.rebuild import PAGE, Progress, Rebuild
from dicomweb.index.entry import entry_of
from dicomweb.index.reading import metadata, rows
from dicomweb.intake import Intake
from dicomweb.taking import Received
from fhir_facade.app import service_of
from fhir_facade.cli import main
from fhir_facade.imaging.archives import archive_of
from fhir_facade.imaging.demo import make_demo_images
from fhir_facade.imaging.following import follower_of
from fhir_facade.settings import Settings
from mappers.database import Sqlite
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series, fhir_dicom_study
from mappers.transaction import transaction
from tests.dicomweb.files import made
from tests.facade.facade import settings_of

TABLES = ("fhir_dicom_instance", "fhir_dicom_series", "fhir_dicom_study")
IMAGES = 104


@pytest.fixture(scope="module")
def with_images(made_hospital: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hospital with its images, which nobody changes."""
    folder = tmp_path_factory.mktemp("images")
    shutil.copytree(made_hospital, folder, dirs_exist_ok=True)
    make_demo_images(settings_of(folder))
    return folder


@pytest.fixture
def settings(with_images: Path, tmp_path: Path) -> Settings:
    """A copy of it."""
    shutil.copytree(with_images, tmp_path, dirs_exist_ok=True)
    return settings_of(tmp_path)


@dataclass
class Images:
    """An archive and its index."""

    archive: EmbeddedArchive
    database: Sqlite
    intake: Intake

    def rebuild(self) -> Rebuild:
        """Another run."""
        return Rebuild(self.archive, self.database, self.intake)

    async def rebuilt(self) -> Progress:
        """What a whole run comes to."""
        return [one async for one in self.rebuild().run()][-1]

    async def checked(self) -> Compared:
        """What a comparison that reads all files finds."""
        return [one async for one in check(self.archive, self.database, read=True)][-1]

    async def index(self) -> list[Any]:
        """All that the index says, but when it was written and how it is sealed."""
        study = [c for c in fhir_dicom_study.c if c.name != "updated_at"]
        instance = [c for c in fhir_dicom_instance.c if c.name != "metadata"]
        found = [
            sorted(await rows(self.database, select(*columns)))
            for columns in (study, list(fhir_dicom_series.c), instance)
        ]
        studies = [row[0] for row in found[0]]
        return [*found, [await metadata(self.database, Address(uid)) for uid in studies]]


@pytest_asyncio.fixture
async def images(settings: Settings) -> AsyncIterator[Images]:
    """As the server has them."""
    service = service_of(settings)
    archive, database = archive_of(settings, service.at_rest), service.engine.database
    assert isinstance(archive, EmbeddedArchive)
    assert isinstance(database, Sqlite)
    yield Images(archive, database, follower_of(service, archive).intake)
    await archive.close()
    await database.close()


def execute(settings: Settings, *statements: str) -> None:
    """As an accident does."""
    connection = sqlite3.connect(settings.data_path / "cdss.db", isolation_level=None)
    for sql in statements:
        connection.execute(sql)
    connection.close()


def file_of(settings: Settings, number: int) -> Path:
    """One of the archive's files."""
    return sorted((settings.data_path / "archive" / "files").glob("??/??/*"))[number]


async def test_an_index_that_was_lost_is_made_as_it_was(images: Images, settings: Settings) -> None:
    before = await images.index()
    execute(settings, *(f"DELETE FROM {table}" for table in TABLES))  # noqa: S608
    assert len((await images.checked()).not_indexed) == IMAGES
    progress = await images.rebuilt()
    assert (progress.there, progress.indexed, progress.waiting, progress.unreadable) == (IMAGES, IMAGES, 0, 0)
    assert await images.index() == before
    assert (await images.checked()).agrees


async def test_an_index_that_is_wrong_is_made_right(images: Images, settings: Settings) -> None:
    before = await images.index()
    execute(
        settings,
        "UPDATE fhir_dicom_study SET patient = 'P-2025-000003', attributes = '{}'",
        "UPDATE fhir_dicom_instance SET digest = '', frames = 7",
    )
    await images.rebuilt()
    assert await images.index() == before


async def test_what_was_interrupted_goes_on_where_it_was(images: Images, settings: Settings) -> None:
    before = await images.index()
    execute(settings, *(f"DELETE FROM {table}" for table in TABLES))  # noqa: S608
    begun = images.rebuild().run()
    first, second = await anext(begun), await anext(begun)
    assert (first.there, second.indexed) == (IMAGES, PAGE)
    await begun.aclose()  # type: ignore[attr-defined]
    again = [(one.before, one.done) async for one in images.rebuild().run()]
    assert again[0] == (PAGE, PAGE)
    assert again[-1] == (PAGE, IMAGES)
    assert await images.index() == before
    assert (await images.rebuilt()).before == 0  # a run that ended leaves nothing to go on with


async def test_what_comes_during_a_rebuild_stays_and_what_has_no_file_goes(
    images: Images, settings: Settings
) -> None:
    file_of(settings, 0).unlink()
    running = images.rebuild().run()
    await anext(running)
    sent = made(PatientID="P-2025-000001")
    place = await images.archive.store(sent.address, sent.file)
    async with transaction(images.database) as t:
        await images.intake.take(t, [Received(entry_of(sent.file), place, "")])
    [*_, last] = [one async for one in running]
    assert (last.there, last.gone) == (IMAGES - 1, 1)
    found = await images.checked()
    assert found.agrees
    assert found.there == IMAGES


async def test_a_file_that_was_changed_is_named_and_keeps_nothing_else_from_being_indexed(
    images: Images, settings: Settings
) -> None:
    damaged = file_of(settings, 5)
    content = damaged.read_bytes()
    damaged.write_bytes(content[:500] + b"\0\0\0\0" + content[504:])
    found = await images.checked()
    assert found.changed == [damaged.name]
    assert not found.agrees
    progress = await images.rebuilt()
    assert (progress.indexed, progress.unreadable, progress.gone) == (IMAGES - 1, 1, 0)


async def test_a_rebuild_waits_for_others_who_write(images: Images) -> None:
    async def others() -> None:
        for _ in range(5):
            async with transaction(images.database) as t:
                await t.lock("dicom/1.2.3")
                await asyncio.sleep(0.02)

    progress, _ = await asyncio.gather(images.rebuilt(), others())
    assert progress.indexed == IMAGES


def test_the_commands_tell_what_is_there_and_what_is_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", settings.data_dir)
    monkeypatch.setenv("ENABLE_SECURITY", "false")
    assert main(["archive", "check", "--read"]) == 0
    told = capsys.readouterr()
    assert told.out == "104 files, 104 read: all agrees\n"
    assert "100%  104 of 104" in told.err
    gone = file_of(settings, 3)
    gone.unlink()
    assert main(["archive", "check"]) == 1
    assert f"indexed instances without a file: 1 ({gone.name})" in capsys.readouterr().out
    assert main(["archive", "rebuild"]) == 0
    assert capsys.readouterr().out == (
        "103 files: 103 indexed, 0 in quarantine, 0 can't be read; 1 instances without a file taken out\n"
    )
    assert main(["archive", "check"]) == 0


def test_an_archive_that_is_down_is_said_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", settings.data_dir)
    monkeypatch.setenv("ENABLE_SECURITY", "false")
    monkeypatch.setenv("ORTHANC_API_URL", "http://127.0.0.1:1")
    assert main(["archive", "rebuild"]) == 2
    assert "the imaging archive is down" in capsys.readouterr().err
