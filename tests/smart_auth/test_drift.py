"""Access where the databases have drifted: what can't be told apart stays closed, and nothing else does."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.facade.facade import Facade, Resource, embedded_folder, settings_of
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


@contextmanager
def _drifted(folder: Path, change: str, badges: Badges) -> Iterator[Facade]:
    """A facade with access control over a CDSS that has been changed."""
    embedded_folder(folder)
    with closing(sqlite3.connect(folder / "cdss.db")) as cdss:
        cdss.execute(change)
        cdss.commit()
    yield Facade(settings_of(folder, enable_security=True), badges)


@pytest_asyncio.fixture(scope="module")
async def untold(tmp_path_factory: pytest.TempPathFactory, badges: Badges) -> AsyncIterator[Facade]:
    """A facade over orders that don't say in which visit they were placed."""
    change = "ALTER TABLE ocs_order RENAME COLUMN encounter_id TO visit"
    with _drifted(tmp_path_factory.mktemp("untold"), change, badges) as facade:
        yield facade
        await facade.close()


@pytest_asyncio.fixture(scope="module")
async def without_cdss_visits(
    tmp_path_factory: pytest.TempPathFactory, badges: Badges
) -> AsyncIterator[Facade]:
    """A facade that can serve OpenEMR's visits only."""
    change = "ALTER TABLE emr_encounter RENAME COLUMN status TO state"
    with _drifted(tmp_path_factory.mktemp("half"), change, badges) as facade:
        yield facade
        await facade.close()


async def _seen(facade: Facade, badges: Badges, role: str, resource_type: str) -> list[Resource]:
    token = badges.badge("user/*.rs", user(role))
    bundle = await facade.bundle(f"{resource_type}?_count=500", authorization=token)
    return [e["resource"] for e in bundle.get("entry", []) if e["search"]["mode"] == "match"]


@pytest.mark.parametrize(
    ("resource_type", "role", "closed"),
    [
        ("ImagingStudy", "radiologist", {"ris_radiologystudy"}),
        ("MedicationRequest", "pharmacist", {"ocs_order", "ocs_orderitem"}),
    ],
)
async def test_rows_that_lost_their_visit_are_seen_only_by_who_may_see_any(
    untold: Facade, badges: Badges, resource_type: str, role: str, closed: set[str]
) -> None:
    every, seen = [
        {r["meta"]["source"].split(":")[3] for r in await _seen(untold, badges, who, resource_type)}
        for who in ("admin", role)
    ]
    assert closed <= every
    assert seen == every - closed


async def test_rows_of_visits_that_are_not_served_are_seen_only_by_who_may_see_any(
    without_cdss_visits: Facade, badges: Badges
) -> None:
    every = await _seen(without_cdss_visits, badges, "admin", "Condition")
    seen = {r["id"] for r in await _seen(without_cdss_visits, badges, "pharmacist", "Condition")}
    of_ours = {
        r["id"] for r in every if r.get("encounter", {}).get("reference", "").startswith("Encounter/E-")
    }
    visitless = {r["id"] for r in every if "encounter" not in r}
    assert of_ours
    assert visitless
    assert visitless <= seen
    assert not of_ours & seen


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
