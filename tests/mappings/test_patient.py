"""Patient, of the CDSS and of OpenEMR."""

from __future__ import annotations

import pytest

from mappers.engine import Engine
from tests.mappings.reading import ids
from tests.mappings.whole import assert_as_kept
from tests.mappings.whole import resource as read

KR_PATIENT = "http://www.hl7korea.or.kr/fhir/krcore/StructureDefinition/krcore-patient"
UNKNOWN = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    ]
}


@pytest.mark.parametrize(
    "id_text", ["P-2025-000001", "P-2025-000004", "P-2025-000005", "P-2025-900006", "oe-pat-2", "oe-pat-3"]
)
async def test_a_patient_is_told_whole(engine: Engine, id_text: str) -> None:
    await assert_as_kept(engine, f"Patient/{id_text}")


async def test_an_openemr_patient_whom_the_cdss_has_is_no_patient_of_its_own(engine: Engine) -> None:
    assert await engine.read("Patient", "oe-pat-1") is None


async def test_a_zero_birth_date_is_absent_and_says_why(engine: Engine) -> None:
    patient = await read(engine, "Patient/P-2025-900006")
    assert "birthDate" not in patient
    assert patient["_birthDate"] == UNKNOWN
    assert KR_PATIENT in patient["meta"]["profile"]


async def test_a_zero_date_of_death_is_no_death(engine: Engine) -> None:
    patient = await read(engine, "Patient/oe-pat-900101")
    assert not [name for name in patient if name.startswith("deceased")]


async def test_a_date_of_death_counts_only_for_the_deceased(engine: Engine) -> None:
    assert (await read(engine, "Patient/P-2025-900006"))["deceasedBoolean"] is False
    assert (await read(engine, "Patient/P-2025-900005"))["deceasedBoolean"] is True
    dead = await ids(engine, "Patient", deceased="true")
    assert {"P-2025-000004", "P-2025-900005"} <= dead
    assert "P-2025-900006" not in dead


async def test_deceased_false_finds_everybody_else(engine: Engine) -> None:
    dead, alive = (
        await ids(engine, "Patient", deceased="true"),
        await ids(engine, "Patient", deceased="false"),
    )
    assert not dead & alive
    assert dead | alive == await ids(engine, "Patient")


async def test_odd_words_for_sex_are_an_unknown_gender(engine: Engine) -> None:
    assert (await read(engine, "Patient/P-2025-900003"))["gender"] == "unknown"
    assert "P-2025-900003" in await ids(engine, "Patient", gender="unknown")


async def test_a_number_that_both_databases_hold_is_said_once(engine: Engine) -> None:
    patient = await read(engine, "Patient/P-2025-000001")
    values = [(point["system"], point["value"]) for point in patient["telecom"]]
    assert len(values) == len(set(values))
    assert {"system": "phone", "value": "010-0000-0001", "use": "mobile"} in patient["telecom"]


async def test_former_names_are_old_and_found(engine: Engine) -> None:
    patient = await read(engine, "Patient/P-2025-000001")
    [old] = [name for name in patient["name"] if name["use"] == "old"]
    assert (old["family"], old["period"]) == ("Park", {"end": "1984-10-20"})
    assert "P-2025-000001" in await ids(engine, "Patient", family="Park")


async def test_a_name_at_birth_that_never_changed_is_not_repeated(engine: Engine) -> None:
    patient = await read(engine, "Patient/P-2025-000001")
    assert [name["use"] for name in patient["name"]].count("old") == 1


async def test_more_addresses_have_use_type_and_period(engine: Engine) -> None:
    patient = await read(engine, "Patient/P-2025-000001")
    [temporary] = [one for one in patient["address"] if one["use"] == "temp"]
    assert (temporary["type"], temporary["period"]) == ("postal", {"start": "2025-02-16"})
    assert "P-2025-000001" in await ids(engine, "Patient", address_city="대전")
    assert "P-2025-000001" in await ids(engine, "Patient", address_use="temp")


async def test_a_list_of_races_is_one_extension(engine: Engine) -> None:
    race = (await read(engine, "Patient/P-2025-000001"))["extension"][0]
    assert [part["url"] for part in race["extension"]] == ["ombCategory", "detailed", "text"]
    assert race["extension"][-1]["valueString"] == "Asian, Korean"


async def test_a_contact_without_a_name_or_a_number_is_left_out(engine: Engine) -> None:
    for id_text in await ids(engine, "Patient"):
        for contact in (await read(engine, f"Patient/{id_text}")).get("contact", ()):
            assert contact.keys() & {"name", "telecom"}


async def test_a_resident_number_never_leaves_unasked(engine: Engine) -> None:
    assert "580314" not in str(await read(engine, "Patient/P-2025-000001"))
