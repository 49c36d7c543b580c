"""What a row can't say isn't kept beside it where that would change what the old application does with it."""

from __future__ import annotations

from typing import Any

import pytest

from mappers.write.faults import WriteFault
from tests.writes.conftest import Written
from tests.writes.samples import sample
from tests.writes.test_belonging import rows, updated

VERIFICATION = {
    name: f"http://terminology.hl7.org/CodeSystem/{name}"
    for name in ("condition-ver-status", "allergyintolerance-verification")
}


def verified(name: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": VERIFICATION[name], "code": code}]}


@pytest.mark.parametrize(
    ("resource_type", "changes", "path"),
    [
        *(
            (kind, changes, path)
            for kind in ("ServiceRequest", "MedicationRequest")
            for changes, path in (
                ({"intent": "proposal"}, "intent"),
                ({"intent": "plan"}, "intent"),
                ({"doNotPerform": True}, "doNotPerform"),
            )
        ),
        ("MedicationRequest", {"reportedBoolean": True}, "reported"),
        ("Task", {"intent": "proposal"}, "intent"),
        (
            "Condition",
            {"verificationStatus": verified("condition-ver-status", "refuted")},
            "verificationStatus",
        ),
    ],
)
async def test_what_would_be_carried_out_though_it_must_not_be_is_refused(
    written: Written, resource_type: str, changes: dict[str, Any], path: str
) -> None:
    with pytest.raises(WriteFault) as refused:
        await written.made({**sample(resource_type), **changes})
    assert (refused.value.status, refused.value.expression) == (422, f"{resource_type}.{path}")


@pytest.mark.parametrize("code", ["entered-in-error", "refuted"])
async def test_an_allergy_that_is_none_is_shown_no_more(written: Written, code: str) -> None:
    found = await written.made(sample("AllergyIntolerance"))
    changed = {k: v for k, v in found.items() if k != "clinicalStatus"}
    changed["verificationStatus"] = verified("allergyintolerance-verification", code)
    async with written.writer() as writer:
        after = await writer.update("AllergyIntolerance", found["id"], changed)
    assert "clinicalStatus" not in after
    key = found["id"].removeprefix("allergy-")
    assert await written.column(f"SELECT is_active FROM emr_allergy WHERE id = {key}") == 0  # noqa: S608


@pytest.mark.parametrize(
    ("resource_type", "before", "after"),
    [
        ("Observation", "final", "preliminary"),
        ("Observation", "cancelled", "final"),
        ("Observation", "corrected", "final"),
        ("Observation", "preliminary", "entered-in-error"),
        ("Encounter", "finished", "in-progress"),
        ("Encounter", "cancelled", "in-progress"),
        ("Encounter", "in-progress", "planned"),
        ("Specimen", "entered-in-error", "available"),
        ("ServiceRequest", "revoked", "active"),
        ("ServiceRequest", "completed", "active"),
        ("ServiceRequest", "active", "entered-in-error"),
        ("MedicationRequest", "cancelled", "active"),
        ("MedicationRequest", "completed", "active"),
        ("MedicationRequest", "active", "draft"),
        ("Communication", "completed", "in-progress"),
        ("Task", "cancelled", "requested"),
    ],
)
async def test_what_has_ended_never_begins_again(
    written: Written, resource_type: str, before: str, after: str
) -> None:
    found = await written.made(sample(resource_type))
    if found["status"] != before:
        found = await updated(written, found, status=before)
    with pytest.raises(WriteFault) as refused:
        await updated(written, found, status=after)
    assert (refused.value.status, refused.value.expression) == (422, f"{resource_type}.status")
    assert await written.engine.read(resource_type, found["id"]) == found


async def test_a_final_result_is_another_only_once_it_is_corrected(written: Written) -> None:
    found = await written.made({**sample("Observation"), "status": "final"})
    other = {**found["valueQuantity"], "value": 9}
    with pytest.raises(WriteFault) as refused:
        await updated(written, found, valueQuantity=other)
    assert (refused.value.status, refused.value.expression) == (422, "Observation.value")
    again = await updated(written, found, note=[{"text": "용혈 없음"}])
    after = await updated(written, again, valueQuantity=other, status="corrected")
    key = after["id"].removeprefix("lab-")
    sql = f"SELECT value, status FROM lis_labresult WHERE id = {key}"  # noqa: S608
    assert await rows(written, sql) == [("9", "corrected")]


async def test_a_word_that_nobody_knows_may_become_any_that_is_known(written: Written) -> None:
    found = await written.made(sample("Encounter"))
    await written.change(f"UPDATE emr_encounter SET status = 'odd' WHERE encounter_id = '{found['id']}'")  # noqa: S608
    read = await written.engine.read("Encounter", found["id"])
    assert isinstance(read, dict)
    assert read["status"] == "unknown"
    assert (await updated(written, read, status="finished"))["status"] == "finished"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"payload": [{"contentString": "내일은 드셔도 됩니다"}]}, "payload"),
        ({"recipient": [{"reference": "Practitioner/user-3"}]}, "recipient"),
        ({"sent": "2025-01-01T00:00:00Z"}, "sent"),
    ],
)
async def test_what_was_sent_to_somebody_stays_what_it_was(
    written: Written, changes: dict[str, Any], path: str
) -> None:
    found = await written.made(sample("Communication"))
    with pytest.raises(WriteFault) as refused:
        await updated(written, found, **changes)
    assert (refused.value.status, refused.value.expression) == (422, f"Communication.{path}")


async def test_a_diagnosis_that_is_confirmed_is_not_to_be_ruled_out(written: Written) -> None:
    def status(code: str) -> dict[str, Any]:
        return {"verificationStatus": verified("condition-ver-status", code)}

    found = await written.made({**sample("Condition"), **status("provisional")})
    sql = f"SELECT diag_type FROM ocs_diagnosis WHERE id = {found['id'].removeprefix('diag-')}"  # noqa: S608
    assert await written.column(sql) == "rule_out"
    found = await updated(written, found, **status("confirmed"))
    assert (await written.column(sql), found["verificationStatus"]) == (
        None,
        status("confirmed")["verificationStatus"],
    )
    key = found["id"].removeprefix("diag-")
    await written.change(f"UPDATE ocs_diagnosis SET diag_type = 'primary' WHERE id = {key}")  # noqa: S608
    read = await written.engine.read("Condition", found["id"])
    assert isinstance(read, dict)
    again = await updated(written, read, note=[{"text": "추적"}])
    assert await written.column(sql) == "primary"
    await updated(written, again, **status("differential"))
    assert await written.column(sql) is None
