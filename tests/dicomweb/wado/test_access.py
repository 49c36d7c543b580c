"""Nobody has a pixel of a study that they may not see, nor learns that it is there."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.dicomweb.qido.conftest import Images
from tests.dicomweb.wado.samples import PATIENT, STUDY, path_of
from tests.smart_auth.badges import Badges, user

RESOURCES = (
    path_of("explicit"),
    f"/studies/{STUDY}",
    f"/studies/{STUDY}/metadata",
    f"/studies/{STUDY}/thumbnail",
    f"{path_of('explicit')}/frames/1",
    f"{path_of('explicit')}/frames/99",
    f"{path_of('explicit')}/rendered",
    f"{path_of('explicit')}/bulkdata/7FE00010",
)
Guarded = tuple[Images, Badges]


async def test_a_patient_has_their_own_images_and_nobody_elses(guarded_images: Guarded) -> None:
    images, badges = guarded_images
    own = badges.badge("patient/*.rs", user("patient", fhir_user=f"Patient/{PATIENT}"), patient=PATIENT)
    other = badges.badge("patient/*.rs", user("patient"), patient="P-2025-000001")
    for path in RESOURCES:
        hidden = await images.get(path, authorization=other)
        absent = await images.get(path.replace(STUDY, "1.2.3"), authorization=other)
        assert (hidden.status_code, absent.status_code) == (404, 404)
        assert hidden.json()["message"] == absent.json()["message"]
        seen = await images.get(path, authorization=own)
        assert seen.status_code == (404 if path.endswith("99") else 200), path


async def test_an_entity_tag_opens_nothing(guarded_images: Guarded) -> None:
    images, badges = guarded_images
    doctor = badges.badge("user/*.rs", user("doctor"))
    other = badges.badge("patient/*.rs", user("patient"), patient="P-2025-000001")
    for path in (f"/studies/{STUDY}/metadata", f"{path_of('explicit')}/frames/1"):
        tag = (await images.get(path, authorization=doctor)).headers["etag"]
        again = await images.get(path, authorization=doctor, if_none_match=tag)
        assert again.status_code == 304
        refused = await images.get(path, authorization=other, if_none_match=tag)
        assert (refused.status_code, "etag" in refused.headers) == (404, False)


@pytest.mark.parametrize("scopes", ["user/Patient.rs", "user/ImagingStudy.c"])
async def test_a_token_for_other_things_retrieves_nothing(guarded_images: Guarded, scopes: str) -> None:
    images, badges = guarded_images
    sent = badges.badge(scopes, user("doctor"))
    for path in RESOURCES:
        assert (await images.get(path, authorization=sent)).status_code == 403
        assert (await images.get(path)).status_code == 401


async def test_retrievals_of_a_study_leave_one_event_a_token(guarded_images: Guarded) -> None:
    images, badges = guarded_images
    before = await events(images, badges)
    doctor = badges.badge("user/*.rs", user("doctor"))
    paths = [f"{path_of('frames')}/frames/{number}" for number in range(1, 16)]
    answers = await asyncio.gather(*(images.get(path, authorization=doctor) for path in paths))
    assert {a.status_code for a in answers} == {200}
    await images.get(f"/studies/{STUDY}/metadata", authorization=doctor)
    assert len(await events(images, badges)) == len(before) + 1


async def events(images: Images, badges: Badges) -> list[dict[str, Any]]:
    admin = badges.badge("user/*.rs", user("admin"))
    path = "AuditEvent?entity=ImagingStudy/ST-2025-000003&_count=200&_total=accurate"
    answer = await images.facade.get(path, authorization=admin)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json().get("entry", [])
    return found
