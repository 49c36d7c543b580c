"""UIDs that are somebody else's: no file takes another patient's image out of their study."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from dicomweb.archives.archive import Address
from dicomweb.index.entry import entry_of
from dicomweb.index.reading import instances, rows
from dicomweb.intake import UID_IN_USE, Intake
from dicomweb.taking import Received
from mappers.database import Sqlite
from mappers.demo.embedded import CDSS_FILE, OPENEMR_FILE
from mappers.facade.imaging import (
    fhir_dicom_instance,
    fhir_dicom_quarantine,
    fhir_dicom_series,
    fhir_dicom_study,
)
from mappers.site import Site
from mappers.transaction import transaction
from tests.dicomweb.files import Sent, made
from tests.dicomweb.following.scene import Ward

INSTANCE, WAITING = fhir_dicom_instance.c, fhir_dicom_quarantine.c
#: what is left of what was taken in
LEFT = (
    (INSTANCE.instance, INSTANCE.series, INSTANCE.study, INSTANCE.place, INSTANCE.digest),
    (fhir_dicom_series.c.series, fhir_dicom_series.c.study),
    (fhir_dicom_study.c.study, fhir_dicom_study.c.patient_id, fhir_dicom_study.c.accession_number),
    (WAITING.instance, WAITING.study, WAITING.reason, WAITING.place, WAITING.digest),
)
FIRST, SECOND = "P-2025-000001", "P-2025-000002"


@pytest_asyncio.fixture
async def database(hospital: Path) -> AsyncIterator[Sqlite]:
    """A hospital's databases."""
    found = Sqlite(hospital / CDSS_FILE, hospital / OPENEMR_FILE)
    yield found
    await found.close()


async def taken(database: Sqlite, sent: Sent, place: str, *, anew: bool = False) -> str:
    """Why it waits; '' if it is indexed."""
    received = Received(entry_of(sent.file), place, place)
    async with transaction(database) as t:
        [reason] = await Intake(Site(), Ward()).take(t, [received], anew=anew)
    return reason


@pytest.mark.parametrize("shared", ["instance", "series", "both", "instance in its own study"])
async def test_uids_of_anothers_study_wait_and_take_nothing_from_it(database: Sqlite, shared: str) -> None:
    first = made(PatientID=FIRST)
    study, series, instance = first.address
    uids = {
        "instance": {"SOPInstanceUID": instance},
        "series": {"SeriesInstanceUID": series},
        "both": {"SeriesInstanceUID": series, "SOPInstanceUID": instance},
        "instance in its own study": {"StudyInstanceUID": study, "SOPInstanceUID": instance},
    }[shared]
    second = made(PatientID=SECOND, **uids)
    assert await taken(database, first, "first") == ""
    before = await instances(database, Address(study))
    assert await taken(database, second, "second") == UID_IN_USE
    assert await instances(database, Address(study)) == before
    assert await instances(database, second.address) == []
    assert await taken(database, second, "second") == UID_IN_USE  # whoever sends it again

    async with transaction(database) as t:
        await Intake(Site(), Ward()).drop(t, [(first.address, "first")])
    assert await taken(database, second, "second", anew=True) == ""
    assert [one.address for one in await instances(database, second.address)] == [second.address]


async def test_the_same_instance_of_the_same_series_is_no_contradiction(database: Sqlite) -> None:
    first = made(PatientID=FIRST)
    study, series, instance = first.address
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": instance}
    assert await taken(database, first, "before") == ""
    assert await taken(database, made(PatientID=FIRST, **uids), "after") == ""
    assert [one.place for one in await instances(database, first.address)] == ["after"]


async def test_what_is_taken_in_together_becomes_what_it_becomes_one_by_one(
    database: Sqlite, hospital: Path
) -> None:
    """Of studies that share UIDs, of files that come twice or are replaced, also by what must wait."""
    first, other, third = made(PatientID=FIRST), made(PatientID=SECOND), made(PatientID=FIRST)
    study, series, instance = first.address
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": instance}
    unknown = made(PatientID=FIRST, AccessionNumber="UNKNOWN", **uids)
    files = [
        (first, "a"),
        (first, "a"),
        (made(PatientID=SECOND, SeriesInstanceUID=series), "b"),
        (made(PatientID=SECOND, SOPInstanceUID=instance), "c"),
        (other, "d"),
        (unknown, "a"),
        (unknown, "a"),
        (made(PatientID=SECOND, SeriesInstanceUID=series), "e"),
        (made(PatientID=FIRST, StudyInstanceUID=third.address.study), "f"),
        (first, "a"),
        (third, "g"),
    ]
    alone = Path(shutil.copytree(hospital, hospital / "alone"))
    digests = [(sent, place, sha256(sent.content).hexdigest()) for sent, place in files]
    received = [Received(entry_of(sent.file), place, digest) for sent, place, digest in digests]
    intake, told = Intake(Site(), Ward(unknown={"UNKNOWN"})), list[tuple[list[str], Any]]()
    for at, batches in ((database, [received]), (None, [[one] for one in received])):
        opened = at or Sqlite(alone / CDSS_FILE, alone / OPENEMR_FILE)
        reasons = list[str]()
        for batch in batches:
            async with transaction(opened) as t:
                reasons += await intake.take(t, batch)
        told.append((reasons, [await rows(opened, select(*columns)) for columns in LEFT]))
        if at is None:
            await opened.close()
    assert told[0] == told[1]
    assert (told[0][0].index(UID_IN_USE), told[0][0].index("unknown-patient")) == (2, 5)
    assert told[0][0][9] == UID_IN_USE  # its series is that of what came when it was gone


async def test_nothing_taken_in_is_nothing_changed(database: Sqlite) -> None:
    async with transaction(database) as t:
        assert await Intake(Site(), Ward()).take(t, []) == []
