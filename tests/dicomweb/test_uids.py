"""UIDs that are somebody else's: no file takes another patient's image out of their study."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from dicomweb.archives.archive import Address
from dicomweb.index.entry import entry_of
from dicomweb.index.reading import instances
from dicomweb.intake import UID_IN_USE, Intake, Received
from mappers.database import Sqlite
from mappers.demo.embedded import CDSS_FILE, OPENEMR_FILE
from mappers.site import Site
from mappers.transaction import transaction
from tests.dicomweb.files import Sent, made
from tests.dicomweb.following.scene import Ward

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
