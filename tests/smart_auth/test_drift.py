"""Access where the databases have drifted: what can't be told apart stays closed, and nothing else does."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from tests.facade.facade import Facade, embedded_folder, settings_of
from tests.smart_auth.badges import Badges, user


@pytest_asyncio.fixture(scope="module")
async def without_visits(tmp_path_factory: pytest.TempPathFactory, badges: Badges) -> AsyncIterator[Facade]:
    """A facade over an OpenEMR whose visits and appointments can't be read."""
    folder: Path = embedded_folder(tmp_path_factory.mktemp("drifted"))
    with closing(sqlite3.connect(folder / "openemr.db")) as openemr:
        openemr.execute("ALTER TABLE form_encounter DROP COLUMN sensitivity")
        openemr.execute("ALTER TABLE openemr_postcalendar_events RENAME COLUMN pc_pid TO pc_patient")
        openemr.commit()
    settings = settings_of(folder, enable_security=True, access_model="care-team")
    facade = Facade(settings, badges)
    yield facade
    await facade.close()


async def test_without_visits_who_is_not_cleared_sees_nothing_that_may_belong_to_one(
    without_visits: Facade, badges: Badges
) -> None:
    token = badges.badge("user/*.rs", user("pharmacist"))
    assert (await without_visits.get("Patient?_count=1", authorization=token)).status_code == 200
    refused = await without_visits.get("Condition?_count=1", authorization=token)
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (403, "forbidden")


async def test_the_relations_that_can_be_asked_still_relate(without_visits: Facade, badges: Badges) -> None:
    assert not {"Encounter", "Appointment"} & without_visits.service.mappings.keys()
    seen = {}
    for name in ("user-2", "user-99"):
        token = badges.badge("user/*.rs", user("doctor", fhir_user=f"Practitioner/{name}"))
        seen[name] = (await without_visits.bundle("Patient?_summary=count", authorization=token))["total"]
    assert seen["user-2"] > seen["user-99"] == 0
