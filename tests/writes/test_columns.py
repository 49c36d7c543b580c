"""What columns hold of what was sent: the whole of it or nothing, and never more than was said."""

from decimal import Decimal
from typing import Any

import pytest

from tests.writes.conftest import Written
from tests.writes.samples import sample

UCUM = "http://unitsofmeasure.org"
CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"


async def row(written: Written, found: dict[str, Any], columns: str) -> tuple[Any, ...]:
    """Columns of the row that a resource is."""
    resolved = written.engine.mappings[found["resourceType"]].resolve(found["id"])
    assert resolved is not None
    part, key = resolved
    table, named = part.source.table, part.id.column.name
    sql = f"SELECT {columns} FROM {table.name} WHERE {named} = '{key}'"  # type: ignore[attr-defined]  # noqa: S608
    return tuple((await written.engine.database.fetch(sql, ()))[0])


async def updated(written: Written, found: dict[str, Any], **changes: Any) -> Any:
    """The resource as it is after an update; None takes an element away."""
    sent = {k: v for k, v in {**found, **changes}.items() if v is not None}
    async with written.writer() as writer:
        return await writer.update(found["resourceType"], found["id"], sent)


async def test_a_report_that_is_issued_is_not_thereby_signed(written: Written) -> None:
    found = await written.made({**sample("DiagnosticReport"), "issued": "2025-02-03T04:05:06+09:00"})
    reported, signed = await row(written, found, "reported_at, signed_at")
    assert (str(reported)[:19], signed) == ("2025-02-03 04:05:06", None)
    assert found["issued"] == "2025-02-03T04:05:06+09:00"
    assert await written.engine.read("Provenance", found["id"]) is None


async def test_what_was_ordered_on_a_day_is_not_ordered_now(written: Written) -> None:
    found = await written.made({**sample("ServiceRequest"), "authoredOn": "2024-02-29"})
    assert found["authoredOn"] == "2024-02-29"
    assert await row(written, found, "ordered_at") == (None,)


async def test_what_says_nothing_of_its_time_is_ordered_now(written: Written) -> None:
    sent = {k: v for k, v in sample("ServiceRequest").items() if k != "authoredOn"}
    [ordered] = await row(written, await written.made(sent), "ordered_at")
    assert ordered is not None


async def test_an_allergy_is_shown_by_the_old_application_while_it_is_active(written: Written) -> None:
    found = await written.made(sample("AllergyIntolerance"))
    for code, shown in (("resolved", 0), ("active", 1), ("inactive", 0)):
        status = {"coding": [{"system": CLINICAL, "code": code}]}
        found = await updated(written, found, clinicalStatus=status)
        assert found["clinicalStatus"] == status
        assert await row(written, found, "is_active") == (shown,)


async def test_an_update_that_says_no_time_leaves_the_rows_own(written: Written) -> None:
    found = await written.made(sample("Task"))
    before = await row(written, found, "created_at")
    found = await updated(written, found, authoredOn=None)
    assert "authoredOn" not in found
    assert await row(written, found, "created_at") == before


async def test_who_is_no_more_said_to_be_dead_is_not_in_the_column_either(written: Written) -> None:
    found = await written.made({**sample("Patient"), "deceasedBoolean": True})
    found = await updated(written, found, deceasedBoolean=None)
    assert "deceasedBoolean" not in found
    assert await row(written, found, "is_deceased") == (0,)


@pytest.mark.parametrize(
    ("quantity", "held"),
    [
        ({"value": Decimal("5.12345678"), "unit": "g"}, ("5.12345678", None, "g")),
        ({"value": Decimal("1234567890123.5"), "unit": "g"}, ("1234567890123.5", None, "g")),
        ({"value": 5, "unit": "a unit that is longer than its column"}, (None, None, None)),
        (
            {"value": 5, "comparator": "<", "unit": "a unit that is longer than its column"},
            (None, None, None),
        ),
        ({"comparator": "<", "unit": "g"}, (None, None, None)),
        ({"value": Decimal("18446744073709551616"), "unit": "g"}, ("18446744073709551616", None, "g")),
        ({"value": Decimal("0.50"), "comparator": "<", "unit": "g"}, ("<0.50", None, "g")),
    ],
)
async def test_of_a_quantity_columns_hold_what_they_can_hold_whole(
    written: Written, quantity: dict[str, Any], held: tuple[Any, ...]
) -> None:
    found = await written.made({**sample("Observation"), "valueQuantity": quantity})
    assert found["valueQuantity"] == quantity
    assert await row(written, found, "value, value_numeric, unit") == held


@pytest.mark.parametrize(
    "dosage",
    [
        {"doseAndRate": [{"doseQuantity": {"value": Decimal("0.00000012"), "unit": "g"}}]},
        {"doseAndRate": [{"doseQuantity": {"value": Decimal("1e2"), "unit": "g"}}]},
        {"timing": {"repeat": {"boundsDuration": {"unit": "days", "system": UCUM, "code": "d"}}}},
        {"timing": {"repeat": {"boundsDuration": {"value": 10**12, "system": UCUM, "code": "d"}}}},
        {"additionalInstruction": [{"coding": [{"system": "urn:x", "code": "with-food"}]}]},
    ],
)
async def test_a_dosage_that_columns_can_not_hold_whole_is_held_in_words(
    written: Written, dosage: dict[str, Any]
) -> None:
    sent = {**sample("MedicationRequest"), "dosageInstruction": [{"text": "아침에", **dosage}]}
    found = await written.made(sent)
    assert found["dosageInstruction"] == sent["dosageInstruction"]
    columns = "dose, dose_unit, frequency, duration_days, instructions"
    assert await row(written, found, columns) == (None, None, None, None, "아침에")


EMERGENCY = {"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C"}


@pytest.mark.parametrize(
    ("more", "held"),
    [
        ({"address": [{"use": "old", "text": "부산"}]}, (None, "010-1111-2222", None)),
        (
            {"address": [{"use": "billing", "text": "부산"}, {"text": "서울"}]},
            ("서울", "010-1111-2222", None),
        ),
        (
            {"telecom": [{"system": "phone", "value": "02-1", "use": "old"}]},
            ("세종대로 110, 서울", None, None),
        ),
        (
            {"contact": [{"relationship": [{"text": "친구"}], "name": {"text": "박친구"}}]},
            ("세종대로 110, 서울", "010-1111-2222", None),
        ),
        ({"contact": [{"name": {"text": "박누구"}}]}, ("세종대로 110, 서울", "010-1111-2222", None)),
        (
            {"contact": [{"relationship": [{"coding": [EMERGENCY]}], "name": {"text": "박급함"}}]},
            ("세종대로 110, 서울", "010-1111-2222", "박급함"),
        ),
    ],
)
async def test_columns_hold_the_address_number_and_contact_that_they_are_for(
    written: Written, more: dict[str, Any], held: tuple[Any, ...]
) -> None:
    found = await written.made({**sample("Patient"), **more})
    assert {name: found[name] for name in more} == more
    assert await row(written, found, "address, phone, emergency_contact_name") == held


@pytest.mark.parametrize(("code", "held"), [("ATND", 2), ("REF", None)])
async def test_who_only_referred_a_visit_is_not_its_doctor(written: Written, code: str, held: Any) -> None:
    coding = {"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": code}
    doctor = {"type": [{"coding": [coding]}], "individual": {"reference": "Practitioner/user-2"}}
    found = await written.made({**sample("Encounter"), "participant": [doctor]})
    assert found["participant"] == [doctor]
    assert await row(written, found, "doctor_id") == (held,)
