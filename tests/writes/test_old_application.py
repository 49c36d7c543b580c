"""What the old application reads of rows that clients write: plain SQL, every column that it looks at."""

from decimal import Decimal
from typing import Any

import pytest

from tests.writes.conftest import Written
from tests.writes.samples import said, sample


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


async def test_who_signs_what_another_wrote_is_known_beside_the_old_columns(written: Written) -> None:
    wrote = [{"reference": "Practitioner/user-2"}]
    found = await written.made({**sample("DiagnosticReport"), "performer": wrote})
    signer = [{"reference": "Practitioner/user-6"}]
    async with written.writer() as writer:
        changed = {**found, "status": "final", "resultsInterpreter": signer}
        found = await writer.update("DiagnosticReport", found["id"], changed)
    assert (found["performer"], found["resultsInterpreter"]) == (wrote, signer)
    key = found["id"].removeprefix("rad-")
    sql = "SELECT r.radiologist_id, s.signer_id FROM ris_radiologyreport r JOIN fhir_report_signature s"
    sql += f" ON s.report_id = r.id AND s.signed_at = r.signed_at WHERE r.id = {key}"
    rows = await written.engine.database.fetch(sql, ())
    assert [tuple(row) for row in rows] == [(2, 6)]
    named = await written.all_found("DiagnosticReport", "results-interpreter", "Practitioner/user-6")
    assert found["id"] in named
    assert found["id"] not in await written.all_found("DiagnosticReport", "performer", "Practitioner/user-6")
    await written.change(f"UPDATE ris_radiologyreport SET radiologist_id = 7 WHERE id = {key}")  # noqa: S608
    read = await written.engine.read("DiagnosticReport", found["id"])
    assert isinstance(read, dict)
    assert [one["reference"] for one in read["performer"]] == ["Practitioner/user-7"]
