"""What the hospital's tables have no place for, or a row's state doesn't allow, is refused by name."""

from typing import Any

import pytest

from mappers.write.faults import WriteFault
from tests.writes.conftest import Written
from tests.writes.samples import sample


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


async def test_a_row_of_openemr_is_refused(written: Written) -> None:
    with pytest.raises(WriteFault) as refused:
        async with written.writer() as writer:
            await writer.update("Patient", "oe-pat-3", {"resourceType": "Patient"})
    assert refused.value.status == 405


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
