"""The demo's images, for the embedded archive: made once, at the first start."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from dicomweb.archives.embedded import EmbeddedArchive
from dicomweb.demo.files import DemoFile, Person, files_of, in_hangul, of_patient
from dicomweb.index.entry import entry_of
from dicomweb.index.writing import write
from fhir_facade.encryption import at_rest_of
from fhir_facade.imaging.archives import FOLDER
from fhir_facade.settings import Settings
from mappers.database import Sqlite
from mappers.demo.embedded import CDSS_FILE, OPENEMR_FILE, alone
from mappers.demo.imaging import STUDIES, DemoStudy
from mappers.site import Site
from mappers.transaction import transaction

_PATIENT = "SELECT name, name_en, birth_date, gender FROM emr_patientcache WHERE patient_id = ?"
_USER = "SELECT last_name, first_name FROM accounts_user WHERE id = ?"
_STUDY = "SELECT 1 FROM ris_radiologystudy WHERE study_instance_uid = ?"


def make_demo_images(settings: Settings) -> None:
    """Makes the images of the demo studies that the embedded RIS knows, where there is no archive yet.

    The archive is there whole or not at all; its index is written first, and again if that is interrupted.
    """
    folder = settings.data_path / FOLDER
    if not settings.embedded or settings.orthanc_api_url or folder.exists():
        return
    with alone(settings.data_path, ".imaging"):
        if not folder.exists():
            asyncio.run(_make(settings, folder))


async def _make(settings: Settings, folder: Path) -> None:
    database = Sqlite(settings.data_path / CDSS_FILE, settings.data_path / OPENEMR_FILE)
    database.at_rest = at_rest_of(settings)
    building = folder.with_name(f"{FOLDER}.building")
    shutil.rmtree(building, ignore_errors=True)
    archive = EmbeddedArchive(building, database.at_rest, durable=False)
    try:
        await archive.alive()
        await _store(archive, database, str(Site(settings.site_timezone).wall_clock(datetime.now(UTC))))
    finally:
        await archive.close()
        await database.close()
    os.replace(building, folder)


async def _store(archive: EmbeddedArchive, database: Sqlite, now: str) -> None:
    """All files, and all rows in one transaction: its rows are seen when the last one is written."""
    async with transaction(database) as t:
        for study in STUDIES:
            for made in await _files(database, study):
                file = io.BytesIO(made.content)
                place = await archive.store(made.address, file)
                await write(t, entry_of(file), place, sha256(made.content).hexdigest(), now)


async def _files(database: Sqlite, study: DemoStudy) -> Iterable[DemoFile]:
    """A study's files, of the persons whom the CDSS knows; none where the RIS has no such study."""
    known = await database.fetch(_STUDY, (study.study_instance_uid,))
    patients = await database.fetch(_PATIENT, (study.patient_id,))
    users = await database.fetch(_USER, (study.referring_physician_id,))
    if not (known and patients and users):
        return ()
    return files_of(study, of_patient(*map(str, patients[0])), Person(in_hangul(*map(str, users[0]))))
