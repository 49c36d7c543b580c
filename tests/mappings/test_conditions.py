"""Condition and AllergyIntolerance, of the CDSS and of OpenEMR."""

from __future__ import annotations

from typing import Any

import pytest

from mappers.engine import Engine
from tests.mappings.reading import ids, unreadable
from tests.mappings.whole import assert_as_kept
from tests.mappings.whole import resource as read

ICD10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
KCD = "http://www.hl7korea.or.kr/CodeSystem/kostat-kcd-8"


def clinical(resource: dict[str, Any]) -> str | None:
    """The code of a clinical status."""
    coding = resource.get("clinicalStatus", {}).get("coding")
    return str(coding[0]["code"]) if coding else None


def codes(resource: dict[str, Any]) -> list[tuple[str, str]]:
    """(system, code) of what it is."""
    return [(c["system"], c["code"]) for c in resource["code"].get("coding", ())]


@pytest.mark.parametrize(
    "reference",
    [
        "Condition/diag-3",
        "Condition/diag-8",
        "Condition/diag-900001",
        "Condition/oe-cond-2",
        "Condition/oe-cond-4",
        "Condition/oe-cond-5",
        "Condition/oe-cond-900405",
        "Condition/oe-cond-900423",
        "AllergyIntolerance/allergy-1",
        "AllergyIntolerance/allergy-900003",
        "AllergyIntolerance/allergy-900004",
        "AllergyIntolerance/oe-allergy-11",
        "AllergyIntolerance/oe-allergy-13",
        "AllergyIntolerance/oe-allergy-900431",
        "AllergyIntolerance/oe-allergy-900432",
    ],
)
async def test_it_is_told_whole(engine: Engine, reference: str) -> None:
    await assert_as_kept(engine, reference)


async def test_several_codes_are_several_codings(engine: Engine) -> None:
    assert codes(await read(engine, "Condition/oe-cond-2")) == [(ICD10_CM, "E11.9"), (SNOMED, "44054006")]


@pytest.mark.parametrize("id_text", ["oe-cond-1", "oe-cond-900402", "oe-cond-900403"])
async def test_blanks_and_trailing_dots_are_no_part_of_a_code(engine: Engine, id_text: str) -> None:
    assert codes(await read(engine, f"Condition/{id_text}")) == [(ICD10_CM, "I10")]
    assert id_text in await ids(engine, "Condition", code=f"{ICD10_CM}|I10")


@pytest.mark.parametrize("id_text", ["oe-cond-900401", "oe-cond-900404"])
async def test_a_code_without_a_system_is_no_coding(engine: Engine, id_text: str) -> None:
    condition = await read(engine, f"Condition/{id_text}")
    assert codes(condition) == []
    assert condition["code"]["text"]


@pytest.mark.parametrize(
    ("id_text", "status"),
    [
        ("oe-cond-1", "active"),
        ("oe-cond-4", "resolved"),
        ("oe-cond-5", "inactive"),
        ("oe-cond-900406", "active"),
        ("oe-cond-900407", "inactive"),
        ("oe-cond-900408", "active"),
        ("oe-cond-900423", None),
        ("diag-1", "active"),
        ("diag-3", "resolved"),
    ],
)
async def test_clinical_status(engine: Engine, id_text: str, status: str | None) -> None:
    assert clinical(await read(engine, f"Condition/{id_text}")) == status
    for code in ("active", "inactive", "resolved"):
        found = await ids(engine, "Condition", clinical_status=code)
        assert (id_text in found) is (code == status)


async def test_a_zero_date_is_absent(engine: Engine) -> None:
    condition = await read(engine, "Condition/oe-cond-900408")
    assert not condition.keys() & {"onsetDateTime", "abatementDateTime", "recordedDate"}
    assert "onsetDateTime" not in await read(engine, "Condition/diag-900004")


async def test_a_vanished_or_shared_user_name_is_no_recorder(engine: Engine) -> None:
    assert "recorder" not in await read(engine, "Condition/oe-cond-900409")
    assert "recorder" not in await read(engine, "Condition/oe-cond-900410")


async def test_a_problem_of_many_visits_is_one_condition(engine: Engine) -> None:
    problem = await read(engine, "Condition/oe-cond-900424")
    assert "encounter" not in problem
    found = await ids(engine, "Encounter", diagnosis="oe-cond-900424")
    assert found == {"oe-enc-900204", "oe-enc-900207"}


async def test_a_problem_of_one_visit_belongs_to_it(engine: Engine) -> None:
    problem = await read(engine, "Condition/oe-cond-4")
    assert problem["encounter"] == {"reference": "Encounter/oe-enc-105"}
    assert await ids(engine, "Condition", encounter="oe-enc-105") == {"oe-cond-4"}


async def test_the_type_counts_in_any_case_and_that_of_newer_releases_too(engine: Engine) -> None:
    assert (await read(engine, "Condition/oe-cond-900416"))["code"]["text"] == "Type case"
    assert (await read(engine, "Condition/oe-cond-900417"))["code"]["text"] == "Health concern"
    assert await engine.read("Condition", "oe-cond-900418") is None
    assert await engine.read("Condition", "oe-cond-11") is None


async def test_a_problem_of_nobody_is_unreadable(engine: Engine) -> None:
    found = await unreadable(engine, "Condition")
    assert {f"openemr/lists/{key}" for key in (900411, 900412, 900413)} <= found.keys()


async def test_a_code_that_no_kcd_can_have_is_the_hospitals_own(engine: Engine) -> None:
    for id_text in ("diag-900001", "diag-900006"):
        condition = await read(engine, f"Condition/{id_text}")
        assert [system for system, _ in codes(condition)] == [
            "http://neuronova.example/fhir/CodeSystem/diagnosis"
        ]
        assert "profile" not in condition["meta"]
    assert "diag-900001" not in await ids(engine, "Condition", code=f"{KCD}|")


async def test_an_unknown_category_and_severity_are_left_out(engine: Engine) -> None:
    allergy = await read(engine, "AllergyIntolerance/allergy-900001")
    assert not allergy.keys() & {"category", "criticality", "reaction"}


async def test_a_soft_deleted_allergy_is_inactive(engine: Engine) -> None:
    assert clinical(await read(engine, "AllergyIntolerance/allergy-900003")) == "inactive"


async def test_only_what_can_be_an_atc_code_is_one(engine: Engine) -> None:
    assert "http://www.whocc.no/atc" not in str(await read(engine, "AllergyIntolerance/allergy-900004"))


async def test_an_unassigned_reaction_is_none(engine: Engine) -> None:
    allergy = await read(engine, "AllergyIntolerance/oe-allergy-900432")
    assert "reaction" not in allergy
    assert allergy["criticality"] == "unable-to-assess"


async def test_a_reaction_off_the_list_keeps_its_word(engine: Engine) -> None:
    allergy = await read(engine, "AllergyIntolerance/oe-allergy-900431")
    assert allergy["reaction"][0]["manifestation"][0]["text"] == "boils"
    assert "verificationStatus" not in allergy
