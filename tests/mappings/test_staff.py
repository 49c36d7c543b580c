"""Practitioner, PractitionerRole, Organization and Location."""

from __future__ import annotations

import pytest

from mappers.engine import Engine
from tests.mappings.reading import ids
from tests.mappings.whole import assert_as_kept
from tests.mappings.whole import resource as read

KR = "http://www.hl7korea.or.kr/fhir/krcore/StructureDefinition"
LICENSE = "http://www.hl7korea.or.kr/Identifier/mohw-md-license-id"


@pytest.mark.parametrize(
    "reference",
    [
        "Practitioner/user-2",
        "Practitioner/user-4",
        "Practitioner/user-900001",
        "Practitioner/user-900002",
        "Practitioner/oe-user-2",
        "Practitioner/oe-user-900005",
        "PractitionerRole/role-2",
        "PractitionerRole/role-3",
        "PractitionerRole/oe-role-1",
        "PractitionerRole/oe-role-6",
        "PractitionerRole/oe-user-7",
        "PractitionerRole/oe-user-8",
        "Organization/oe-fac-3",
        "Organization/oe-fac-900001",
        "Organization/oe-ins-5201",
        "Organization/oe-lab-1",
        "Organization/oe-org-6",
        "Location/oe-fac-3",
        "Location/oe-fac-5",
    ],
)
async def test_staff_and_places_are_told_whole(engine: Engine, reference: str) -> None:
    await assert_as_kept(engine, reference)


async def test_a_user_who_is_a_patient_is_no_practitioner(engine: Engine) -> None:
    assert await engine.read("Practitioner", "user-11") is None
    assert await engine.read("PractitionerRole", "role-11") is None


async def test_a_user_without_npi_is_a_practitioner_too(engine: Engine) -> None:
    assert (await read(engine, "Practitioner/oe-user-8"))["active"] is False


async def test_an_address_book_company_is_an_organization_and_nobody(engine: Engine) -> None:
    assert await engine.read("Practitioner", "oe-user-6") is None
    assert (await read(engine, "Organization/oe-org-6"))["name"].startswith("한강")


async def test_a_system_account_is_nobody(engine: Engine) -> None:
    assert await engine.read("Practitioner", "oe-user-5") is None


async def test_a_physician_without_a_licence_says_that_it_is_unknown(engine: Engine) -> None:
    doctor = await read(engine, "Practitioner/user-900002")
    [identifier] = doctor["qualification"][0]["identifier"]
    assert identifier["system"] == LICENSE
    assert identifier["_value"]["extension"][0]["valueCode"] == "unknown"
    assert f"{KR}/krcore-medical-doctor" in doctor["meta"]["profile"]


async def test_a_licence_finds_its_holder(engine: Engine) -> None:
    assert await ids(engine, "Practitioner", identifier=f"{LICENSE}|10001") == {"user-2"}
    assert await ids(engine, "Practitioner", code="간호사") == {"user-4", "user-5"}


async def test_a_nurse_is_no_medical_doctor(engine: Engine) -> None:
    nurse = await read(engine, "Practitioner/user-4")
    assert nurse["meta"]["profile"] == [f"{KR}/krcore-practitioner"]


async def test_a_department_off_the_list_is_text_and_claims_no_doctors_role(engine: Engine) -> None:
    role = await read(engine, "PractitionerRole/role-3")
    assert role["specialty"] == [{"text": "내분비내과"}]
    assert role["meta"]["profile"] == [f"{KR}/krcore-practitioner-role"]


async def test_the_taxonomy_that_nobody_chose_is_left_out(engine: Engine) -> None:
    assert "207Q00000X" not in str(await read(engine, "PractitionerRole/oe-user-8"))


async def test_a_user_at_two_facilities_has_two_roles(engine: Engine) -> None:
    assert {"oe-role-4", "oe-role-6"} <= await ids(engine, "PractitionerRole", practitioner="oe-user-3")


async def test_an_inactive_facility_says_so(engine: Engine) -> None:
    assert (await read(engine, "Organization/oe-fac-5"))["active"] is False
    assert (await read(engine, "Location/oe-fac-5"))["status"] == "inactive"
    assert "oe-fac-5" in await ids(engine, "Location", status="inactive")


async def test_a_facility_without_a_name_still_has_an_identifier(engine: Engine) -> None:
    facility = await read(engine, "Organization/oe-fac-900001")
    assert "name" not in facility
    assert facility["identifier"][0]["value"] == "900001"
    assert "profile" not in facility["meta"]


async def test_a_telephone_in_parts_is_one_number(engine: Engine) -> None:
    assert await ids(engine, "Organization", telecom="02-000-2000") == {"oe-ins-5202"}
    assert await ids(engine, "Organization", telecom="020002000") == {"oe-ins-5202"}
