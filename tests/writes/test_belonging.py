"""What belongs to a row is written with it: the old application reads an order as clients told it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mappers.transaction import transaction
from mappers.write.faults import WriteFault
from tests.writes.conftest import Written
from tests.writes.samples import sample

LINE = "SELECT i.status, o.status, o.priority, o.clinical_info FROM ocs_orderitem i JOIN ocs_order o"
LINE += " ON o.order_id = i.order_id WHERE i.id = {key}"
IMAGING = {"coding": [{"system": "http://snomed.info/sct", "code": "363679005"}]}


async def updated(written: Written, found: dict[str, Any], **changes: Any) -> Any:
    """The resource after an update."""
    async with written.writer() as writer:
        return await writer.update(found["resourceType"], found["id"], {**found, **changes})


async def rows(written: Written, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await written.engine.database.fetch(sql, ())]


async def order_rows(written: Written, order: str) -> list[Any]:
    """The statuses of an order, of its items and of the RIS's row."""
    return [
        [row[0] for row in await rows(written, f"SELECT status FROM {table} WHERE order_id = '{order}'")]  # noqa: S608
        for table in ("ocs_order", "ocs_orderitem", "ris_radiologyorder")
    ]


async def examined(written: Written, **changes: Any) -> Any:
    """An order of two examinations, one of which the RIS knows."""
    details = {"orderDetail": [{"text": "뇌 MRI"}, {"text": "조영제"}]}
    return await written.made({**sample("ServiceRequest"), "category": [IMAGING], **details, **changes})


async def test_what_belongs_to_an_order_goes_its_way(written: Written) -> None:
    found = await examined(written, status="draft")
    steps = (("draft", "draft"), ("active", "ordered"), ("on-hold", "on_hold"), ("active", "ordered"))
    for status, word in (*steps, ("revoked", "cancelled")):
        if found["status"] != status:
            found = await updated(written, found, status=status)
        assert await order_rows(written, found["id"]) == [[word], [word, word], [word]]


async def test_what_belongs_to_a_deleted_order_is_cancelled_but_what_was_done_stays_done(
    written: Written,
) -> None:
    found = await examined(written)
    await written.change(
        f"UPDATE ocs_orderitem SET status = 'completed' WHERE order_id = '{found['id']}'"  # noqa: S608
        " AND item_name = '조영제'"
    )
    async with written.writer() as writer:
        await writer.delete("ServiceRequest", found["id"])
    assert await order_rows(written, found["id"]) == [
        ["cancelled"],
        ["cancelled", "completed"],
        ["cancelled"],
    ]


async def test_what_a_patient_is_told_stands_in_every_item_or_is_refused(written: Written) -> None:
    found = await examined(written, patientInstruction="금식 4시간")
    found = await updated(written, found, patientInstruction="금식 8시간")
    sql = f"SELECT instructions FROM ocs_orderitem WHERE order_id = '{found['id']}'"  # noqa: S608
    assert await rows(written, sql) == [("금식 8시간",)] * 2
    await written.change(
        f"UPDATE ocs_orderitem SET instructions = '물만' WHERE order_id = '{found['id']}'"  # noqa: S608
        " AND item_name = '조영제'"
    )
    current = await written.engine.read("ServiceRequest", found["id"])
    assert isinstance(current, dict)
    assert current["patientInstruction"] == "금식 8시간; 물만"
    with pytest.raises(WriteFault) as refused:
        await updated(written, current, patientInstruction="금식")
    assert (refused.value.status, refused.value.expression) == (422, "ServiceRequest.patientInstruction")


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE ocs_orderitem SET item_name = '다른 검사' WHERE order_id = '{id}'", "다른 검사"),
        ("UPDATE ris_radiologyorder SET scheduled_at = '2025-04-01 10:00:00' WHERE order_id = '{id}'",
         "2025-04-01T10:00:00+09:00"),
    ],
)  # fmt: skip
async def test_what_others_change_of_it_is_another_version_and_never_masked(
    written: Written, sql: str, told: str
) -> None:
    found = await written.made(
        {**sample("ServiceRequest"), "category": [IMAGING], "occurrenceDateTime": "2025-03-01T00:10:00Z"}
    )
    await written.change(sql.format(id=found["id"]))
    read = await written.engine.read("ServiceRequest", found["id"])
    assert isinstance(read, dict)
    assert told in (read["code"]["text"], read["occurrenceDateTime"])
    with pytest.raises(WriteFault) as refused:
        async with written.writer() as writer:
            await writer.update("ServiceRequest", found["id"], found, found["meta"]["versionId"])
    assert refused.value.status == 412


async def test_a_specimen_that_arrives_takes_nothing_of_what_was_ordered_away(written: Written) -> None:
    coding = [{"system": "urn:others", "code": "7"}]
    found = await written.made({**sample("ServiceRequest"), "code": {"coding": coding, "text": "혈당"}})
    order = {"reference": f"ServiceRequest/{found['id']}"}
    await written.made({**sample("Specimen"), "request": [order]})
    read = await written.engine.read("ServiceRequest", found["id"])
    assert isinstance(read, dict)
    assert read["code"] == found["code"]
    assert len(read["specimen"]) == 1


async def test_a_line_and_its_order_say_the_same(written: Written) -> None:
    found = await written.made({**sample("MedicationRequest"), "status": "draft"})
    sql = LINE.format(key=found["id"].removeprefix("rx-"))
    assert [r[:2] for r in await rows(written, sql)] == [("draft", "draft")]
    changes = {"status": "active", "priority": "stat", "note": [{"text": "바로"}]}
    found = await updated(written, found, **changes)
    assert await rows(written, sql) == [("ordered", "ordered", "stat", "바로")]
    await written.change(
        f"UPDATE ocs_order SET priority = 'routine' WHERE order_id = (SELECT order_id FROM ocs_orderitem"  # noqa: S608
        f" WHERE id = {found['id'].removeprefix('rx-')})"
    )
    read = await written.engine.read("MedicationRequest", found["id"])
    assert isinstance(read, dict)
    assert read["priority"] == "routine"
    assert read["meta"]["versionId"] != found["meta"]["versionId"]
    async with written.writer() as writer:
        await writer.delete("MedicationRequest", found["id"])
    assert [r[:2] for r in await rows(written, sql)] == [("cancelled", "cancelled")]


async def test_what_an_order_says_of_several_lines_is_not_changed_by_one(written: Written) -> None:
    current = await written.engine.read("MedicationRequest", "rx-6")
    assert isinstance(current, dict)
    with pytest.raises(WriteFault) as refused:
        await updated(written, current, priority="stat")
    assert (refused.value.status, refused.value.expression) == (422, "MedicationRequest.priority")


async def test_a_line_joins_no_order_by_its_number(written: Written) -> None:
    known = await written.engine.read("MedicationRequest", "rx-6")
    assert isinstance(known, dict)
    with pytest.raises(WriteFault) as refused:
        await written.made({**sample("MedicationRequest"), "groupIdentifier": known["groupIdentifier"]})
    assert (refused.value.status, refused.value.expression) == (422, "MedicationRequest.groupIdentifier")


@pytest.mark.parametrize("facade", ["on_mariadb", "on_mysql"], indirect=True)
async def test_who_writes_a_line_waits_at_its_order_and_holds_nothing_that_others_need(
    written: Written,
) -> None:
    found = await written.made(sample("MedicationRequest"))
    place = written.engine.mappings["MedicationRequest"].resolve(found["id"])
    assert place is not None
    part, key = place
    [(order,)] = await rows(written, f"SELECT order_id FROM ocs_orderitem WHERE id = {key}")  # noqa: S608
    async with transaction(written.engine.database) as other:
        await other.fetch(f"SELECT 1 FROM ocs_order WHERE order_id = '{order}' FOR UPDATE", ())  # noqa: S608

        async def hold() -> None:
            async with written.writer() as writer:
                await writer.rows.lock(part, key)

        waiting = asyncio.create_task(hold())
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        await other.fetch(f"SELECT 1 FROM ocs_orderitem WHERE id = {key} FOR UPDATE NOWAIT", ())  # noqa: S608
    await waiting


async def test_what_is_gone_before_it_is_held_is_not_found(written: Written) -> None:
    found = await written.made(sample("MedicationRequest"))
    place = written.engine.mappings["MedicationRequest"].resolve(found["id"])
    assert place is not None
    [(order,)] = await rows(written, f"SELECT order_id FROM ocs_orderitem WHERE id = {place[1]}")  # noqa: S608
    await written.change(f"DELETE FROM ocs_orderitem WHERE id = {place[1]}")  # noqa: S608
    with pytest.raises(WriteFault) as refused:
        await updated(written, found, status="stopped")
    assert refused.value.status == 404
    await written.change(f"DELETE FROM ocs_order WHERE order_id = '{order}'")  # noqa: S608
