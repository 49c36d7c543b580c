"""Nobody has a pixel of a study that they may not see, nor learns that it is there."""

from __future__ import annotations

import asyncio
from functools import reduce
from typing import Any

import httpx
import pytest

from dicomweb.archives.archive import Address
from dicomweb.http.routes import Route
from dicomweb.qido.services import ROUTES as QIDO
from dicomweb.wado.services import ROUTES as WADO
from mappers.demo.imaging import STUDIES
from tests.dicomweb.qido.conftest import Images
from tests.dicomweb.wado.samples import PATIENT, STUDY, address_of, path_of
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
#: a study of P-2025-000001
OTHERS = STUDIES[0].study_instance_uid


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


def filled(route: Route, address: Address) -> str:
    """A route's path for an address."""
    more = {"{frames}": "1", "{bulk:path}": "7FE00010"}
    places = {f"{{{level}}}": uid for level, uid in address._asdict().items()}
    return reduce(lambda path, place: path.replace(*place), (places | more).items(), route.path)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_no_resource_shows_what_is_hidden_or_of_another_study(
    guarded_images: Guarded, method: str
) -> None:
    images, badges = guarded_images
    own = badges.badge("patient/*.rs", user("patient", fhir_user=f"Patient/{PATIENT}"), patient=PATIENT)
    other = badges.badge("patient/*.rs", user("patient"), patient="P-2025-000001")
    hidden, absent = address_of("explicit"), Address("1.2.3", "1.2.4", "1.2.5")
    elsewhere = hidden._replace(study=OTHERS)
    for route in (*WADO, *(route for route in QIDO if "{study}" in route.path)):
        asked = [(hidden, other), (absent, other), (elsewhere, other), (elsewhere, own)]
        answers = [
            await images.request(method, filled(route, address), authorization=token)
            for address, token in asked
        ]
        alike = answers[:2] if route.path.count("{") == 1 else answers  # a study of their own is there
        assert {a.status_code for a in alike} == {200 if route.doing == "query" else 404}, route.path
        assert len({_told(a) for a in alike}) == 1, route.path
        assert (await images.request(method, filled(route, hidden))).status_code == 401


def _told(answer: httpx.Response) -> str:
    told = answer.json() if answer.content else []
    return str(told["message"] if isinstance(told, dict) else told)


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
