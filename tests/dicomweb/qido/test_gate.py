"""Nobody finds a study, or anything of it, whose ImagingStudy they don't find."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from mappers.demo.imaging import STUDIES
from tests.dicomweb.qido.conftest import Images, value
from tests.dicomweb.qido.indexed import INSTANCES, NOBODYS, OLD, SECOND_ROW, SERIES, add_study
from tests.facade.facade import execute, writer
from tests.smart_auth.badges import Badges, user
from tests.smart_auth.test_enforcement import CASES, Case, headers

UIDS = {f"urn:oid:{study.study_instance_uid}" for study in STUDIES}


async def shown(images: Images, sent: dict[str, str]) -> set[str]:
    """The indexed studies whose ImagingStudies a FHIR search shows."""
    answer = await images.facade.get("ImagingStudy?_count=200", **sent)
    if answer.status_code == 403:
        return set()
    assert answer.status_code == 200, answer.text
    found = [e["resource"] for e in answer.json().get("entry", []) if e["search"]["mode"] == "match"]
    told = {i.get("value", "") for study in found for i in study.get("identifier", ())}
    return {uid.removeprefix("urn:oid:") for uid in told & UIDS}


async def agrees(images: Images, badges: Badges, case: Case) -> None:
    sent, _ = headers(badges, case)
    expected = await shown(images, sent)
    if not expected and (await images.get("/studies", **sent)).status_code == 403:
        assert (await images.get("/instances", **sent)).status_code == 403
        return
    assert set(await images.studies(**sent)) == expected
    series = await images.found("/series", **sent)
    assert len(series) == sum(SERIES[uid][1] for uid in expected)
    assert len(await images.found("/instances", **sent)) == len(series) * INSTANCES
    for hidden in (set(SERIES) | {"1.2.3"}) - expected:
        answers = [
            await images.get(f"/studies/{hidden}/series", **sent),
            await images.get(f"/studies/{hidden}/instances?includefield=all", **sent),
            await images.get(f"/studies?StudyInstanceUID={hidden}", **sent),
        ]
        assert [(a.status_code, a.text) for a in answers] == [(200, "[]")] * 3


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_searches_show_the_studies_whose_imaging_studies_are_shown(
    case: Case, guarded_images: Images, images_by_care: Images, badges: Badges
) -> None:
    await agrees(guarded_images, badges, case)
    await agrees(images_by_care, badges, case)


@pytest.mark.parametrize("case", [c for c in CASES if "*.rs" in c.scopes], ids=str)
async def test_servers_show_the_studies_whose_imaging_studies_are_shown(
    case: Case, guarded_server_images: Images, badges: Badges
) -> None:
    await agrees(guarded_server_images, badges, case)


async def test_a_study_without_a_row_of_the_ris_is_nobodys(images: Images) -> None:
    assert NOBODYS not in await images.studies()
    assert await images.found(f"/studies/{NOBODYS}/series") == []


async def test_a_study_of_two_patients_rows_is_the_one_whom_the_index_names(
    guarded_images: Images, badges: Badges
) -> None:
    second = badges.badge(
        "patient/*.rs", user("patient", fhir_user="Patient/P-2025-000003"), patient="P-2025-000003"
    )
    assert await guarded_images.studies(authorization=second) == []
    admin = badges.badge("user/*.rs", user("admin"))
    assert (await guarded_images.studies(authorization=admin)).count(OLD) == 1


async def test_a_page_is_full_beside_studies_whose_images_are_another_rows(
    guarded_images: Images, badges: Badges
) -> None:
    engine, older = writer(guarded_images.facade), "1.2.20200101"
    third = badges.badge(
        "patient/*.rs", user("patient", fhir_user="Patient/P-2025-000003"), patient="P-2025-000003"
    )
    added = (
        "UPDATE ris_radiologystudy SET study_id = 'ST-0000-OLDER', study_instance_uid = :uid "
        "WHERE study_id = 'ST-0000-SECOND'"
    )
    with engine.begin() as connection:
        connection.execute(text(added), {"uid": older})
        connection.execute(SECOND_ROW)
        add_study(connection, older, study_date="20200101", ris_study="ST-0000-OLDER")
    try:
        for query, expected in {"?limit=1": [older], "": [older], "?limit=1&offset=1": []}.items():
            assert await guarded_images.studies(query, authorization=third) == expected
    finally:
        execute(
            engine,
            "DELETE FROM ris_radiologystudy WHERE study_id = 'ST-0000-OLDER'",
            f"DELETE FROM fhir_dicom_study WHERE study = '{older}'",  # noqa: S608
        )


async def test_a_patients_search_finds_no_images_of_another_row(images: Images) -> None:
    assert await images.studies("?PatientID=P-2025-000003") == []
    assert await images.studies("?PatientID=P-2025-000001") == [OLD]


async def test_the_patient_of_a_row_that_is_not_seen_finds_nothing(
    guarded_images: Images, badges: Badges
) -> None:
    first = badges.badge("patient/*.rs", user("patient"), patient="P-2025-000001")
    assert await guarded_images.studies("?PatientID=P-2025-000001", authorization=first) == [OLD]
    assert await guarded_images.studies("?PatientID=P-2025-000003", authorization=first) == []


@pytest.mark.parametrize("token", ["", "Bearer nonsense", "Basic dXNlcjpwYXNz"])
async def test_who_has_no_good_token_is_asked_for_one(guarded_images: Images, token: str) -> None:
    sent = {"authorization": token} if token else {}
    for path in ("/studies", "/studies/1.2/series", "/nonsense"):
        answer = await guarded_images.get(path, **sent)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/json"


async def test_scopes_of_other_types_or_other_letters_open_no_search(
    guarded_images: Images, badges: Badges
) -> None:
    for scopes in ("user/Patient.rs", "user/ImagingStudy.r", "user/ImagingStudy.c"):
        answer = await guarded_images.get("/studies", authorization=badges.badge(scopes, user("doctor")))
        assert answer.status_code == 403
        assert "insufficient_scope" in answer.headers["www-authenticate"]


async def test_answers_say_what_is_left_of_this_minute(guarded_images: Images, badges: Badges) -> None:
    token = badges.badge("user/*.rs", user("doctor"))
    answer = await guarded_images.get("/studies", authorization=token)
    assert answer.headers["ratelimit"].startswith('"caller";r=')
    assert value(answer.json()[0], "00080056") == "ONLINE"
