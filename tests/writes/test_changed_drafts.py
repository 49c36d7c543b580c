"""A draft of an order can be changed in all that it asks for; one that is given is revoked and replaced.

The old application's rows are read by plain SQL.
"""

from __future__ import annotations

from typing import Any

import pytest

from mappers.write.faults import WriteFault
from tests.writes.conftest import Written
from tests.writes.samples import said, sample
from tests.writes.test_belonging import IMAGING, rows, updated
from tests.writes.test_withdrawn import LABORATORY

LOCAL_TEST = sample("ServiceRequest")["code"]["coding"][0]["system"]
LOCAL_DRUG = sample("MedicationRequest")["medicationCodeableConcept"]["coding"][0]["system"]
ITEMS = (
    "SELECT item_code, item_name, instructions, status FROM ocs_orderitem WHERE order_id = '{id}' ORDER BY id"
)
EXAMINATIONS = "SELECT modality, body_part, procedure_name, scheduled_at, status FROM ris_radiologyorder"
EXAMINATIONS += " WHERE order_id = '{id}'"
LINE = "SELECT item_code, item_name, dose, dose_unit, frequency, duration_days, quantity, i.status, o.status,"
LINE += " o.priority FROM ocs_orderitem i JOIN ocs_order o ON o.order_id = i.order_id WHERE i.id = {key}"


def a_test(code: str, name: str) -> dict[str, Any]:
    return {"coding": [{"system": LOCAL_TEST, "code": code}], "text": name}


GLUCOSE, POTASSIUM, SODIUM = a_test("GLU", "혈당"), a_test("K", "칼륨"), a_test("NA", "나트륨")


async def drafted(written: Written, *details: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A draft of a laboratory order."""
    sent = {**sample("ServiceRequest"), "status": "draft", "category": [LABORATORY], **more}
    del sent["code"]
    found: dict[str, Any] = await written.made({**sent, "orderDetail": list(details)})
    return found


async def items(written: Written, found: dict[str, Any]) -> list[tuple[Any, ...]]:
    return await rows(written, ITEMS.format(id=found["id"]))


async def test_items_of_a_draft_are_added_replaced_and_taken_back(written: Written) -> None:
    found = await drafted(written, GLUCOSE, POTASSIUM, patientInstruction="금식")
    await written.change(
        f"UPDATE ocs_orderitem SET quantity = 3 WHERE order_id = '{found['id']}' AND item_code = 'GLU'"  # noqa: S608
    )
    found = await updated(written, found, orderDetail=[SODIUM, GLUCOSE])
    assert await items(written, found) == [
        ("GLU", "혈당", "금식", "draft"),
        ("K", "칼륨", "금식", "cancelled"),
        ("NA", "나트륨", "금식", "draft"),
    ]
    assert found["orderDetail"] == [SODIUM, GLUCOSE]
    again = await updated(written, found, orderDetail=[SODIUM], patientInstruction="물만")
    assert [row for row in await items(written, again) if row[3] == "draft"] == [
        ("NA", "나트륨", "물만", "draft")
    ]
    assert again["orderDetail"] == [SODIUM]
    back = await updated(written, again, orderDetail=[SODIUM, POTASSIUM], status="active")
    assert [row for row in await items(written, back) if row[3] == "ordered"] == [
        ("NA", "나트륨", "물만", "ordered"),
        ("K", "칼륨", "물만", "ordered"),
    ]
    kept = f"SELECT count(*) FROM ocs_orderitem WHERE order_id = '{found['id']}' AND quantity = 3"  # noqa: S608
    assert await written.column(kept) == 1


async def test_the_code_of_a_draft_is_another_or_the_same_by_another_name(written: Written) -> None:
    found = await written.made({**sample("ServiceRequest"), "status": "draft"})
    found = await updated(written, found, code=a_test("GLU", "공복혈당"))
    assert [row[:2] for row in await items(written, found)] == [("GLU", "공복혈당")]
    found = await updated(written, found, code=POTASSIUM)
    assert [(*row[:2], row[3]) for row in await items(written, found)] == [
        ("GLU", "공복혈당", "cancelled"),
        ("K", "칼륨", "draft"),
    ]
    read = await written.engine.read("ServiceRequest", found["id"])
    assert isinstance(read, dict)
    assert (read["code"], "orderDetail" in read) == (POTASSIUM, False)


async def test_what_others_added_to_a_draft_is_not_lost_to_who_knows_the_version(written: Written) -> None:
    found = await drafted(written, GLUCOSE, POTASSIUM)
    await written.change(
        "INSERT INTO ocs_orderitem (order_id, item_code, item_name, status)"  # noqa: S608
        f" VALUES ('{found['id']}', 'NA', '나트륨', 'draft')"
    )
    changed = {**found, "orderDetail": [GLUCOSE]}
    with pytest.raises(WriteFault) as refused:
        async with written.writer() as writer:
            await writer.update("ServiceRequest", found["id"], changed, found["meta"]["versionId"])
    assert refused.value.status == 412
    assert [row[3] for row in await items(written, found)] == ["draft"] * 3
    read = await written.engine.read("ServiceRequest", found["id"])
    assert isinstance(read, dict)
    assert len(read["orderDetail"]) == 3
    read = await updated(written, read, orderDetail=read["orderDetail"][1:])
    assert [(row[0], row[3]) for row in await items(written, read)] == [
        ("GLU", "cancelled"),
        ("K", "draft"),
        ("NA", "draft"),
    ]


async def test_an_item_that_others_act_on_is_not_taken_back(written: Written) -> None:
    found = await drafted(written, GLUCOSE, POTASSIUM)
    await written.change(
        f"UPDATE ocs_orderitem SET status = 'in_progress' WHERE order_id = '{found['id']}'"  # noqa: S608
        " AND item_code = 'K'"
    )
    with pytest.raises(WriteFault) as refused:
        await updated(written, found, orderDetail=[GLUCOSE, SODIUM])
    assert (refused.value.status, refused.value.expression) == (422, "ServiceRequest.orderDetail")
    assert [row[3] for row in await items(written, found)] == ["draft", "in_progress"]
    await updated(written, found, orderDetail=[SODIUM, POTASSIUM])
    assert [row[3] for row in await items(written, found)] == ["cancelled", "in_progress", "draft"]


async def test_a_drafts_examination_is_what_it_asks_for_now(written: Written) -> None:
    ct = {"coding": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"}]}
    mr = {"coding": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "MR"}]}
    brain = {"coding": [{"system": "http://snomed.info/sct", "code": "12738006"}]}
    at, later = "2025-03-01T09:30:00+09:00", "2025-03-02T09:30:00+09:00"
    found = await written.made(
        {
            **sample("ServiceRequest"),
            "status": "draft",
            "category": [IMAGING, ct],
            "code": {"text": "뇌 CT"},
            "occurrenceDateTime": at,
        }
    )
    changes = {"category": [IMAGING, mr], "code": {"text": "뇌 MR"}, "bodySite": [brain]}
    found = await updated(written, found, **changes, occurrenceDateTime=later)
    [row] = await rows(written, EXAMINATIONS.format(id=found["id"]))
    assert (*row[:3], row[4]) == ("MR", "BRAIN", "뇌 MR", "draft")
    assert str(row[3]).startswith("2025-03-02 09:30:00")
    found = await updated(written, found, status="active")
    assert (await rows(written, EXAMINATIONS.format(id=found["id"])))[0][4] == "ordered"
    with pytest.raises(WriteFault) as refused:
        await updated(written, found, occurrenceDateTime=at)
    assert (refused.value.status, refused.value.expression) == (422, "ServiceRequest.occurrence")


async def test_an_examination_that_the_ris_acts_on_is_no_drafts_any_more(written: Written) -> None:
    found = await written.made({**sample("ServiceRequest"), "status": "draft", "category": [IMAGING]})
    await written.change(
        f"UPDATE ris_radiologyorder SET status = 'scheduled' WHERE order_id = '{found['id']}'"  # noqa: S608
    )
    with pytest.raises(WriteFault) as refused:
        await updated(written, found, occurrenceDateTime="2025-03-02T09:30:00+09:00")
    assert (refused.value.status, refused.value.expression) == (422, "ServiceRequest.occurrence")
    with pytest.raises(WriteFault) as refused:
        await updated(written, found, category=[LABORATORY])
    assert (refused.value.status, refused.value.expression) == (422, "ServiceRequest.category")


def dosage(count: int, days: int) -> list[dict[str, Any]]:
    [one] = sample("MedicationRequest")["dosageInstruction"]
    bounds = {"value": days, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"}
    timing = {**one["timing"], "repeat": {"boundsDuration": bounds}}
    dose = [{"doseQuantity": {"value": count, "unit": "tablet"}}]
    return [{**one, "text": f"{count}", "timing": timing, "doseAndRate": dose}]


async def test_the_drug_the_dose_and_the_amount_of_a_draft_are_changed(written: Written) -> None:
    found = await written.made(
        {
            **sample("MedicationRequest"),
            "status": "draft",
            "dosageInstruction": dosage(1, 3),
            "dispenseRequest": {"quantity": {"value": 6}},
        }
    )
    sql = LINE.format(key=found["id"].removeprefix("rx-"))
    [row] = await rows(written, sql)
    assert (row[0], float(row[2]), row[5], float(row[6])) == ("MED001", 1.0, 3, 6.0)
    drug = {"coding": [{"system": LOCAL_DRUG, "code": "MED002"}], "text": "메트포르민"}
    changes = {
        "medicationCodeableConcept": drug,
        "dosageInstruction": dosage(2, 7),
        "dispenseRequest": {"quantity": {"value": 28}},
        "status": "active",
        "priority": "stat",
    }
    found = await updated(written, found, **changes)
    [row] = await rows(written, sql)
    assert (*row[:2], float(row[2]), *row[3:6], float(row[6]), *row[7:]) == (
        *("MED002", "메트포르민", 2.0, "tablet", "BID", 7, 28.0),
        *("ordered", "ordered", "stat"),
    )
    assert {k: v for k, v in said(found).items() if k in changes} == changes


@pytest.mark.parametrize(
    ("resource_type", "changes", "path", "way"),
    [
        ("ServiceRequest", {"code": POTASSIUM}, "code", "replaces"),
        ("ServiceRequest", {"orderDetail": [POTASSIUM]}, "orderDetail", "replaces"),
        ("ServiceRequest", {"requester": {"reference": "Practitioner/user-3"}}, "requester", "replaces"),
        ("ServiceRequest", {"authoredOn": "2025-03-02T09:00:00+09:00"}, "authoredOn", "replaces"),
        ("ServiceRequest", {"encounter": {"reference": "Encounter/E-2025-000001"}}, "encounter", "replaces"),
        (
            "MedicationRequest",
            {"medicationCodeableConcept": {"text": "다른 약"}},
            "medication",
            "priorPrescription",
        ),
        ("MedicationRequest", {"dosageInstruction": dosage(2, 7)}, "dosageInstruction", "priorPrescription"),
        (
            "MedicationRequest",
            {"dispenseRequest": {"quantity": {"value": 1}}},
            "dispenseRequest",
            "priorPrescription",
        ),
        (
            "MedicationRequest",
            {"authoredOn": "2025-03-02T09:00:00+09:00"},
            "authoredOn",
            "priorPrescription",
        ),
    ],
)
async def test_what_was_ordered_is_replaced_and_never_changed(
    written: Written, resource_type: str, changes: dict[str, Any], path: str, way: str
) -> None:
    found = await written.made(sample(resource_type))
    with pytest.raises(WriteFault) as refused:
        await updated(written, found, **changes)
    assert (refused.value.status, refused.value.expression) == (422, f"{resource_type}.{path}")
    assert way in refused.value.diagnostics
    read = await written.engine.read(resource_type, found["id"])
    assert read == found


async def test_an_order_is_replaced_by_another_that_names_it(written: Written) -> None:
    old = await written.made(sample("ServiceRequest"))
    await updated(written, old, status="revoked")
    address = {"reference": f"ServiceRequest/{old['id']}"}
    new = await written.made({**sample("ServiceRequest"), "code": POTASSIUM, "replaces": [address]})
    assert new["replaces"] == [address]
    assert [row[3] for row in await items(written, old)] == ["cancelled"]
    assert [(row[0], row[3]) for row in await items(written, new)] == [("K", "ordered")]


async def test_a_draft_names_its_drug(written: Written) -> None:
    found = await written.made({**sample("MedicationRequest"), "status": "draft"})
    changed = {k: v for k, v in found.items() if k != "medicationCodeableConcept"}
    changed["medicationReference"] = {"reference": "Medication/med-1"}
    with pytest.raises(WriteFault) as refused:
        async with written.writer() as writer:
            await writer.update("MedicationRequest", found["id"], changed)
    assert (refused.value.status, refused.value.expression) == (422, "MedicationRequest.medication")


async def test_items_that_no_column_can_name_stay_whatever_else_is_written(written: Written) -> None:
    loinc = {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]}
    unknown = {"coding": [{"system": "urn:others", "code": "7"}]}
    found = await drafted(written, loinc, unknown)
    before = await rows(written, f"SELECT * FROM ocs_orderitem WHERE order_id = '{found['id']}'")  # noqa: S608
    again = await updated(written, found, note=[{"text": "급함"}])
    assert await rows(written, f"SELECT * FROM ocs_orderitem WHERE order_id = '{found['id']}'") == before  # noqa: S608
    given = await updated(written, again, status="active")
    given = await updated(written, given, note=[{"text": "천천히"}])
    assert given["orderDetail"] == [loinc, unknown]
    assert [row[3] for row in await items(written, given)] == ["ordered", "ordered"]
