"""OpenEMR's files and clinical notes: DocumentReference and DiagnosticReport."""

import pytest

from mappers.engine import Engine
from mappers.openemr.documents import file_name, sha1
from tests.mappings.whole import assert_as_kept, ids, resource

ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


@pytest.mark.parametrize(
    "reference",
    [
        "DocumentReference/oe-doc-5401",
        "DocumentReference/oe-doc-5403",
        "DocumentReference/oe-doc-900006",
        "DocumentReference/oe-doc-900007",
        "DocumentReference/oe-doc-900008",
        "DocumentReference/oe-note-1",
        "DocumentReference/oe-note-900805",
        "DiagnosticReport/oe-note-3",
        "DiagnosticReport/oe-note-900806",
    ],
)
async def test_resource_is_as_kept(engine: Engine, reference: str) -> None:
    await assert_as_kept(engine, reference)


async def test_a_document_in_several_categories_is_one(engine: Engine) -> None:
    found = await resource(engine, "DocumentReference/oe-doc-5401")
    assert [c["text"] for c in found["category"]] == ["Medical Record", "Pathology"]
    assert (await ids(engine, "DocumentReference", patient="P-2025-000001")).count("oe-doc-5401") == 1


@pytest.mark.parametrize("category", ["http://loinc.org|60567-5", "31", "3"])
async def test_each_category_finds_the_document(engine: Engine, category: str) -> None:
    found = await ids(engine, "DocumentReference", category=category, patient="P-2025-000001")
    assert "oe-doc-5401" in found


async def test_a_deleted_document_is_not_there(engine: Engine) -> None:
    assert await engine.read("DocumentReference", "oe-doc-900001") is None


@pytest.mark.parametrize("document", [900003, 900004, 900005])
async def test_a_document_of_no_patient_is_not_there(engine: Engine, document: int) -> None:
    assert await engine.read("DocumentReference", f"oe-doc-{document}") is None


async def test_a_category_that_does_not_exist_is_left_out(engine: Engine) -> None:
    found = await resource(engine, "DocumentReference/oe-doc-900006")
    assert [c["coding"][0]["code"] for c in found["category"]] == ["3", "900001"]


async def test_an_owner_or_visit_that_does_not_exist_is_left_out(engine: Engine) -> None:
    found = await resource(engine, "DocumentReference/oe-doc-900006")
    assert not found.keys() & {"author", "context"}


async def test_encounter_zero_is_none(engine: Engine) -> None:
    assert "context" not in await resource(engine, "DocumentReference/oe-doc-900009")


async def test_a_zero_date_is_absent(engine: Engine) -> None:
    found = await resource(engine, "DocumentReference/oe-doc-900101")
    assert "date" not in found
    assert "creation" not in found["content"][0]["attachment"]
    assert "lastUpdated" not in found["meta"]


@pytest.mark.parametrize(
    ("document", "reason"), [(5401, "unsupported"), (5404, "masked"), (900009, "unsupported")]
)
async def test_what_can_not_be_served_says_why(engine: Engine, document: int, reason: str) -> None:
    found = await resource(engine, f"DocumentReference/oe-doc-{document}")
    attachment = found["content"][0]["attachment"]
    assert attachment["_url"] == {"extension": [{"url": ABSENT, "valueCode": reason}]}
    assert not attachment.keys() & {"url", "data"}


async def test_a_mime_type_that_is_none_is_absent(engine: Engine) -> None:
    found = await resource(engine, "DocumentReference/oe-doc-900008")
    assert "contentType" not in found["content"][0]["attachment"]
    assert await ids(engine, "DocumentReference", contenttype="pdf; <x>") == []


async def test_a_denied_document_is_entered_in_error(engine: Engine) -> None:
    found = await resource(engine, "DocumentReference/oe-doc-900008")
    assert (found["status"], found["docStatus"]) == ("entered-in-error", "entered-in-error")


async def test_a_file_without_a_name_is_called_as_its_path_ends(engine: Engine) -> None:
    found = await resource(engine, "DocumentReference/oe-doc-5404")
    assert found["content"][0]["attachment"]["title"] == "hbv.txt"
    assert (file_name("a\\b.txt"), file_name("a/")) == ("b.txt", None)


def test_only_a_sha1_is_a_hash() -> None:
    assert sha1("da39a3ee5e6b4b0d3255bfef95601890afd80709") == "2jmj7l5rSw0yVb/vlWAYkK/YBwk="
    assert sha1("ab" * 64) is None


async def test_a_note_is_its_own_patients_though_another_form_has_its_form_id(engine: Engine) -> None:
    found = await resource(engine, "DocumentReference/oe-note-900801")
    assert found["subject"] == {"reference": "Patient/oe-pat-900001"}
    assert found["context"]["encounter"] == [{"reference": "Encounter/oe-enc-900204"}]


async def test_a_note_of_a_deleted_form_is_not_there(engine: Engine) -> None:
    assert await engine.read("DocumentReference", "oe-note-900803") is None


async def test_an_inactive_note_is_entered_in_error(engine: Engine) -> None:
    assert (await resource(engine, "DocumentReference/oe-note-900802"))["status"] == "entered-in-error"


async def test_a_note_is_a_report_or_a_document_never_both(engine: Engine) -> None:
    reports = {i for i in await ids(engine, "DiagnosticReport") if i.startswith("oe-note-")}
    documents = {i for i in await ids(engine, "DocumentReference") if i.startswith("oe-note-")}
    assert reports == {"oe-note-3", "oe-note-4", "oe-note-900806"}
    assert not reports & documents


async def test_a_note_of_an_unknown_category_is_a_document_that_says_so(engine: Engine) -> None:
    assert await ids(engine, "DocumentReference", category="astrology") == ["oe-note-900805"]


async def test_a_note_in_no_visit_refers_to_none(engine: Engine) -> None:
    found = await resource(engine, "DocumentReference/oe-note-900804")
    assert "encounter" not in found["context"]
    assert "coding" not in found["type"]


async def test_two_users_of_one_name_are_nobody(engine: Engine) -> None:
    assert "performer" not in await resource(engine, "DiagnosticReport/oe-note-900806")
