"""What goes to rows of the CDSS comes back as it was sent, and neither side loses what the other changes."""

import copy
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from mappers.cdss.laboratory import LOCAL_TEST
from mappers.stored.content import dumps
from mappers.transaction import transaction
from mappers.write import history
from mappers.write.faults import WriteFault
from tests.writes.conftest import Written
from tests.writes.samples import SAMPLES, sample

TYPES = sorted(SAMPLES)


def said(resource: Any) -> dict[str, Any]:
    """A resource without what the server says of it."""
    assert isinstance(resource, dict)
    generated = resource.get("text", {}).get("status") == "generated"
    own = {"id", "meta", *(["text"] if generated else [])}
    return {k: v for k, v in resource.items() if k not in own}


async def column(written: Written, sql: str) -> Any:
    """One value, by plain SQL."""
    rows = await written.engine.database.fetch(sql, ())
    return rows[0][0]


async def change(written: Written, sql: str) -> None:
    """What another program writes."""
    async with transaction(written.engine.database) as t:
        await t.execute(text(sql))


@pytest.mark.parametrize("resource_type", TYPES)
async def test_what_is_created_is_read_as_it_was_sent(written: Written, resource_type: str) -> None:
    sent = sample(resource_type)
    found = await written.made(sent)
    read = await written.engine.read(resource_type, found["id"])
    assert dumps(sorted(said(read).items())) == dumps(sorted(said(sent).items()))
    assert read == found


@pytest.mark.parametrize("resource_type", TYPES)
async def test_what_is_written_back_as_it_was_read_changes_no_column(
    written: Written, resource_type: str
) -> None:
    found = await written.made(sample(resource_type))
    async with written.writer() as writer:
        again = await writer.update(resource_type, found["id"], copy.deepcopy(found))
    assert said(again) == said(found)
    assert again["meta"]["versionId"] != found["meta"]["versionId"]


@pytest.mark.parametrize("resource_type", TYPES)
async def test_every_version_that_was_read_can_be_read_again(written: Written, resource_type: str) -> None:
    found = await written.made(sample(resource_type))
    async with written.writer() as writer:
        again = await writer.update(resource_type, found["id"], {**found, "language": "ko"})
    for version in (found, again):
        kept = await history.version(
            written.engine.database, resource_type, found["id"], version["meta"]["versionId"]
        )
        assert kept is not None
        assert kept.resource == version


async def test_the_old_application_sees_a_result_in_its_columns(written: Written) -> None:
    found = await written.made(sample("Observation"))
    key = found["id"].removeprefix("lab-")
    rows = await written.engine.database.fetch(
        "SELECT patient_id, test_code, value, value_numeric, unit, status, performed_by, verified_by"  # noqa: S608
        f" FROM lis_labresult WHERE id = {key}",
        (),
    )
    patient, test, value, number, unit, status, performer, verifier = rows[0]
    assert (patient, test, value, unit, status) == ("P-2025-000001", "GLU", "5.40", "mmol/L", "preliminary")
    assert Decimal(str(number)) == Decimal("5.4")
    assert (performer, verifier) == (2, None)


async def test_others_changes_are_never_masked(written: Written) -> None:
    found = await written.made(sample("Observation"))
    key = found["id"].removeprefix("lab-")
    await change(written, f"UPDATE lis_labresult SET value = '7.1', value_numeric = 7.1 WHERE id = {key}")  # noqa: S608
    read = await written.engine.read("Observation", found["id"])
    assert isinstance(read, dict)
    assert read["valueQuantity"]["value"] == Decimal("7.1")
    assert read["method"] == {"text": "효소법"}
    assert read["meta"]["versionId"] != found["meta"]["versionId"]


async def test_an_update_of_what_others_have_changed_is_refused(written: Written) -> None:
    found = await written.made(sample("Observation"))
    key = found["id"].removeprefix("lab-")
    await change(written, f"UPDATE lis_labresult SET status = 'final' WHERE id = {key}")  # noqa: S608
    with pytest.raises(WriteFault) as refused:
        async with written.writer() as writer:
            await writer.update("Observation", found["id"], found, found["meta"]["versionId"])
    assert refused.value.status == 412
    assert await column(written, f"SELECT status FROM lis_labresult WHERE id = {key}") == "final"  # noqa: S608


async def test_what_others_wrote_is_kept_as_a_version_before_it_is_written_over(written: Written) -> None:
    found = await written.made(sample("Observation"))
    for table in ("fhir_resource", "fhir_version"):
        await change(written, f"DELETE FROM {table}")  # noqa: S608 - as if others had made the row
    before = await written.engine.read("Observation", found["id"])
    assert isinstance(before, dict)
    async with written.writer() as writer:
        await writer.update("Observation", found["id"], {**before, "language": "ko"})
    kept = await history.version(
        written.engine.database, "Observation", found["id"], before["meta"]["versionId"]
    )
    assert kept is not None
    assert kept.resource == before


async def test_only_what_is_said_otherwise_is_written(written: Written) -> None:
    """`in_progress` and `ordered` are both `active`: saying `active` again leaves the word as it is."""
    found = await written.made(sample("Specimen"))
    sql = f"UPDATE lis_specimen SET status = 'processing' WHERE specimen_id = '{found['id']}'"  # noqa: S608
    await change(written, sql)
    async with written.writer() as writer:
        await writer.update("Specimen", found["id"], {**found, "note": [{"text": "흔들지 말 것"}]})
    sql = f"SELECT status FROM lis_specimen WHERE specimen_id = '{found['id']}'"  # noqa: S608
    assert await column(written, sql) == "processing"


@pytest.mark.parametrize(
    ("resource_type", "sql"),
    [
        ("AllergyIntolerance", "SELECT is_active FROM emr_allergy WHERE id = {key}"),
        ("Observation", "SELECT status FROM lis_labresult WHERE id = {key}"),
        ("Encounter", "SELECT status FROM emr_encounter WHERE encounter_id = '{key}'"),
        ("Patient", "SELECT is_active FROM emr_patientcache WHERE patient_id = '{key}'"),
    ],
)
async def test_a_deleted_row_stays_and_is_retired(written: Written, resource_type: str, sql: str) -> None:
    found = await written.made(sample(resource_type))
    async with written.writer() as writer:
        assert await writer.delete(resource_type, found["id"]) is not None
    assert await written.engine.read(resource_type, found["id"]) is None
    assert await written.found(resource_type, "_id", found["id"]) == []
    key = found["id"].removeprefix("allergy-").removeprefix("lab-")
    assert await column(written, sql.format(key=key)) in (0, "cancelled")
    async with written.writer() as writer:
        assert await writer.tombstone(resource_type, found["id"])
        assert await writer.delete(resource_type, found["id"]) is None


async def test_a_row_that_others_bring_back_is_served_again(written: Written) -> None:
    found = await written.made(sample("AllergyIntolerance"))
    key = found["id"].removeprefix("allergy-")
    async with written.writer() as writer:
        await writer.delete("AllergyIntolerance", found["id"])
    await change(written, f"UPDATE emr_allergy SET is_active = 1 WHERE id = {key}")  # noqa: S608
    assert isinstance(await written.engine.read("AllergyIntolerance", found["id"]), dict)


@pytest.mark.parametrize("resource_type", ["Condition", "Specimen"])
async def test_what_can_not_be_retired_is_not_deleted(written: Written, resource_type: str) -> None:
    found = await written.made(sample(resource_type))
    with pytest.raises(WriteFault) as refused:
        async with written.writer() as writer:
            await writer.delete(resource_type, found["id"])
    assert refused.value.status == 405


@pytest.mark.parametrize(
    ("resource_type", "change_", "expression"),
    [
        ("Observation", {"subject": {"reference": "Patient/oe-pat-3"}}, "Observation.subject"),
        ("Observation", {"subject": {"display": "누군가"}}, "Observation.subject"),
        ("Observation", {"code": {"coding": [{"system": "urn:x", "code": "1"}]}}, "Observation.code"),
        ("Encounter", {"status": "onleave"}, "Encounter.status"),
        ("AllergyIntolerance", {"code": None}, "AllergyIntolerance.code"),
        ("Patient", {"name": [{"use": "maiden", "text": "박"}]}, "Patient.name"),
        ("Condition", {"recorder": {"reference": "Practitioner/oe-user-1"}}, "Condition.recorder"),
    ],
)
async def test_what_the_table_has_no_place_for_is_refused_by_name(
    written: Written, resource_type: str, change_: dict[str, Any], expression: str
) -> None:
    sent = {k: v for k, v in {**sample(resource_type), **change_}.items() if v is not None}
    with pytest.raises(WriteFault) as refused:
        await written.made(sent)
    assert refused.value.status == 422
    assert refused.value.expression == expression


async def test_a_record_is_never_moved_to_another_patient(written: Written) -> None:
    found = await written.made(sample("Observation"))
    moved = {**found, "subject": {"reference": "Patient/P-2025-000002"}}
    with pytest.raises(WriteFault) as refused:
        async with written.writer() as writer:
            await writer.update("Observation", found["id"], moved)
    assert (refused.value.status, refused.value.expression) == (422, "Observation.subject")


async def test_of_a_joined_patient_only_the_hospitals_columns_change(written: Written) -> None:
    found = await written.made(sample("Patient"))
    link = f"UPDATE emr_patientcache SET openemr_pid = 3 WHERE patient_id = '{found['id']}'"  # noqa: S608
    await change(written, link)
    openemr = "SELECT * FROM openemr.patient_data WHERE pid = 3"
    theirs = await written.engine.database.fetch(openemr, ())
    before = await written.engine.read("Patient", found["id"])
    assert isinstance(before, dict)
    changed = {
        **before,
        "telecom": [{"system": "phone", "value": "010-9999-0000"}],
        "birthDate": "1991-01-01",
    }
    async with written.writer() as writer:
        after = await writer.update("Patient", found["id"], changed)
    assert after["telecom"] == changed["telecom"]
    phone = f"SELECT phone FROM emr_patientcache WHERE patient_id = '{found['id']}'"  # noqa: S608
    assert await column(written, phone) == "010-9999-0000"
    assert await written.engine.database.fetch(openemr, ()) == theirs


async def test_a_row_of_openemr_is_refused(written: Written) -> None:
    with pytest.raises(WriteFault) as refused:
        async with written.writer() as writer:
            await writer.update("Patient", "oe-pat-3", {"resourceType": "Patient"})
    assert refused.value.status == 405


@pytest.mark.parametrize(
    ("resource_type", "param", "finds", "finds_no_more"),
    [
        ("AllergyIntolerance", "code", "http://snomed.info/sct|91935009", ""),
        ("AllergyIntolerance", "category", "medication", ""),
        ("AllergyIntolerance", "criticality", "low", "high"),
        ("Condition", "clinical-status", "recurrence", "active"),
        ("Condition", "onset-date", "2024-12", ""),
        ("Patient", "family", "이", ""),
        ("Patient", "telecom", "010-1111-2222", ""),
        ("Specimen", "accession", "urn:others|B-1", ""),
        ("Observation", "code", "urn:others|GLU", ""),
    ],
)
async def test_it_is_searched_by_what_was_sent(
    written: Written, resource_type: str, param: str, finds: str, finds_no_more: str
) -> None:
    found = await written.made(sample(resource_type))
    assert found["id"] in await written.all_found(resource_type, param, finds)
    if finds_no_more:
        assert found["id"] not in await written.all_found(resource_type, param, finds_no_more)


async def test_others_rows_are_found_as_before_beside_amended_ones(written: Written) -> None:
    before = await written.all_found("Observation", "code", f"{LOCAL_TEST}|GLU")
    found = await written.made(sample("Observation"))
    after = await written.all_found("Observation", "code", f"{LOCAL_TEST}|GLU")
    assert sorted(after) == sorted([*before, found["id"]])


async def test_once_others_change_the_columns_these_are_searched_again(written: Written) -> None:
    found = await written.made(sample("AllergyIntolerance"))
    key = found["id"].removeprefix("allergy-")
    await change(written, f"UPDATE emr_allergy SET category = 'environment' WHERE id = {key}")  # noqa: S608
    assert found["id"] not in await written.all_found("AllergyIntolerance", "category", "medication")
    assert found["id"] in await written.all_found("AllergyIntolerance", "category", "environment")
    assert found["id"] in await written.all_found("AllergyIntolerance", "criticality", "low")


async def test_chains_see_what_was_sent(written: Written) -> None:
    patient = await written.made(sample("Patient"))
    sent = {**sample("Observation"), "subject": {"reference": f"Patient/{patient['id']}"}}
    found = await written.made(sent)
    assert await written.all_found("Observation", "subject:Patient.family", "이") == [found["id"]]


#: for each type what the old application reads of a sample's row: plain SQL, and what it finds
OLD_APPLICATION: dict[str, tuple[str, tuple[Any, ...]]] = {
    "Patient": (
        "SELECT name, name_en, birth_date, gender, phone, email, address, postal_code, primary_doctor_id,"
        " is_deceased, is_active, openemr_pid FROM emr_patientcache WHERE patient_id = '{key}'",
        (
            "이새봄", None, "1990-02-03", "O", "010-1111-2222", None, "세종대로 110, 서울", "04524",
            2, 0, 1, None,
        ),
    ),
    "Encounter": (
        "SELECT patient_id, doctor_id, encounter_type, status, chief_complaint, ended_at, ward"
        " FROM emr_encounter WHERE encounter_id = '{key}'",
        ("P-2025-000001", 2, "OPD", "in_progress", "두통", None, None),
    ),
    "Condition": (
        "SELECT patient_id, encounter_id, diag_code, diag_type, onset_date, resolved_date, recorded_by, note"
        " FROM ocs_diagnosis WHERE id = {key}",
        ("P-2025-000001", None, "I10", None, None, None, 2, "첫 줄"),
    ),
    "AllergyIntolerance": (
        "SELECT patient_id, allergen, allergen_code, category, severity, reaction, noted_at, is_active"
        " FROM emr_allergy WHERE id = {key}",
        ("P-2025-000001", "땅콩", None, "food", "severe", "두드러기", None, 1),
    ),
    "Specimen": (
        "SELECT patient_id, order_id, sample_type, barcode, collected_by, status, received_at"
        " FROM lis_specimen WHERE specimen_id = '{key}'",
        ("P-2025-000001", None, "Blood", None, 2, "collected", None),
    ),
    "ServiceRequest": (
        "SELECT o.patient_id, o.order_type, o.priority, o.status, o.clinical_info, o.ordered_by,"
        " i.item_code, i.item_name, i.status"
        " FROM ocs_order o JOIN ocs_orderitem i ON i.order_id = o.order_id WHERE o.order_id = '{key}'",
        ("P-2025-000001", "LAB", "urgent", "ordered", "공복", 2, "GLU", "혈당", "ordered"),
    ),
    "MedicationRequest": (
        "SELECT o.patient_id, o.order_type, o.status, o.ordered_by, i.item_code, i.item_name, i.dose_unit,"
        " i.frequency, i.route, i.duration_days, i.status"
        " FROM ocs_order o JOIN ocs_orderitem i ON i.order_id = o.order_id WHERE i.id = {key}",
        (
            "P-2025-000001", "MEDICATION", "ordered", 2, "MED001", "아스피린", "tablet", "BID", None, None,
            "ordered",
        ),
    ),
    "DiagnosticReport": (
        "SELECT study_id, radiologist_id, findings, impression, status, signed_at"
        " FROM ris_radiologyreport WHERE id = {key}",
        ("ST-2025-000001", 2, None, "특이 소견 없음", "preliminary", None),
    ),
    "Task": (
        "SELECT study_id, patient_id, model_type, status, result, retry_count FROM ai_aijob WHERE id = {key}",
        ("ST-2025-000001", "P-2025-000001", "tumor_detection", "PENDING", None, 0),
    ),
    "Communication": (
        "SELECT recipient_id, patient_id, category, severity, title, message, is_read, read_at"
        " FROM alert_notification WHERE id = {key}",
        (2, "P-2025-000001", "ORDER", "warning", "검사 안내", "내일 금식", 0, None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("resource_type", sorted(OLD_APPLICATION))
async def test_the_old_application_reads_correct_rows(written: Written, resource_type: str) -> None:
    found = await written.made(sample(resource_type))
    sql, expected = OLD_APPLICATION[resource_type]
    resolved = written.engine.mappings[resource_type].resolve(found["id"])
    assert resolved is not None
    rows = await written.engine.database.fetch(sql.format(key=resolved[1]), ())
    assert [tuple(row) for row in rows] == [expected]


@pytest.mark.parametrize(
    ("resource_type", "change_", "expression"),
    [
        ("ServiceRequest", {"status": "draft"}, "ServiceRequest.status"),
        ("ServiceRequest", {"code": {"text": "다른 검사"}}, "ServiceRequest.code"),
        ("MedicationRequest", {"dosageInstruction": []}, "MedicationRequest.dosageInstruction"),
        (
            "MedicationRequest",
            {"medicationCodeableConcept": {"text": "다른 약"}},
            "MedicationRequest.medication",
        ),
        ("DiagnosticReport", {"status": "amended"}, "DiagnosticReport.status"),
        ("DiagnosticReport", {"subject": {"reference": "Patient/P-2025-000002"}}, "DiagnosticReport.subject"),
        ("Task", {"status": "completed"}, "Task.status"),
    ],
)
async def test_what_the_state_does_not_allow_is_refused(
    written: Written, resource_type: str, change_: dict[str, Any], expression: str
) -> None:
    found = await written.made(sample(resource_type))
    with pytest.raises(WriteFault) as refused:
        async with written.writer() as writer:
            await writer.update(resource_type, found["id"], {**found, **change_})
    assert (refused.value.status, refused.value.expression) == (422, expression)


async def test_a_report_is_registered_released_signed_and_amended(written: Written) -> None:
    found = await written.made({**sample("DiagnosticReport"), "status": "registered"})
    key = found["id"].removeprefix("rad-")
    sql = f"SELECT status, signed_at IS NULL FROM ris_radiologyreport WHERE id = {key}"  # noqa: S608
    for status, unsigned in (("preliminary", 1), ("final", 0), ("amended", 0)):
        async with written.writer() as writer:
            changed = {**found, "status": status, "conclusion": f"소견: {status}"}
            found = await writer.update("DiagnosticReport", found["id"], changed)
        assert found["conclusion"] == f"소견: {status}"
        rows = await written.engine.database.fetch(sql, ())
        assert tuple(rows[0]) == (status, unsigned)


async def test_a_drafts_words_are_kept_as_they_were_sent(written: Written) -> None:
    sent = {**sample("DiagnosticReport"), "status": "registered"}
    found = await written.made(sent)
    assert said(await written.engine.read("DiagnosticReport", found["id"])) == sent


async def test_half_a_dosage_is_never_written(written: Written) -> None:
    sent = sample("MedicationRequest")
    sent["dosageInstruction"][0]["maxDosePerPeriod"] = {
        "numerator": {"value": 4, "unit": "tablet"},
        "denominator": {"value": 1, "unit": "d"},
    }
    found = await written.made(sent)
    key = found["id"].removeprefix("rx-")
    sql = f"SELECT dose, frequency, instructions FROM ocs_orderitem WHERE id = {key}"  # noqa: S608
    rows = await written.engine.database.fetch(sql, ())
    assert tuple(rows[0]) == (None, None, "하루 두 번 한 알")
    assert found["dosageInstruction"] == sent["dosageInstruction"]


async def test_the_servers_words_follow_what_they_tell_of(written: Written) -> None:
    found = await written.made(sample("Specimen"))
    assert found["text"]["status"] == "generated"
    async with written.writer() as writer:
        again = await writer.update("Specimen", found["id"], {**found, "status": "unavailable"})
    assert "unavailable" in again["text"]["div"]


async def test_a_reference_written_in_full_leads_where_the_short_one_does(written: Written) -> None:
    found = await written.made(sample("DiagnosticReport"))
    full = {"reference": f"{written.facade.service.base}/Patient/P-2025-000001"}
    async with written.writer() as writer:
        again = await writer.update("DiagnosticReport", found["id"], {**found, "subject": full})
    assert again["subject"] == full


@pytest.mark.parametrize("value", ["12|urn:units|drops", "12||drops", "gt11||drops", "12"])
async def test_a_quantity_of_any_unit_is_found(written: Written, value: str) -> None:
    drops = {"value": 12, "unit": "drops", "system": "urn:units", "code": "drops"}
    found = await written.made({**sample("Observation"), "valueQuantity": drops})
    assert found["id"] in await written.all_found("Observation", "value-quantity", value)
    assert found["id"] not in await written.all_found("Observation", "value-quantity", "13||drops")
