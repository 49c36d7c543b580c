"""Types that no table holds: kept as they were written, and found by the standard's parameters."""

from decimal import Decimal

import pytest

from fhir_facade.incoming_json import json_object
from mappers.query import SearchQuery, Sort
from mappers.stored.content import dumps
from mappers.transaction import transaction
from mappers.write import history
from mappers.write.faults import WriteFault
from mappers.write.history import Asked
from tests.writes.conftest import Written

PATIENT = "Patient/P-2025-000001"
GOAL = {
    "resourceType": "Goal",
    "meta": {"tag": [{"system": "urn:t", "code": "a"}], "versionId": "77"},
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">걷기</div>'},
    "lifecycleStatus": "active",
    "description": {"text": "하루 30분 걷기"},
    "subject": {"reference": PATIENT, "display": "김영희"},
    "startDate": "2025-03",
    "target": [{"detailQuantity": {"value": Decimal("1.10"), "unit": "h"}, "dueDate": "2025-06-30"}],
    "_statusDate": {"extension": [{"url": "urn:x", "valueString": "언젠가"}]},
}


async def test_what_is_written_is_read_as_it_was_sent(written: Written) -> None:
    async with written.writer() as writer:
        made = await writer.create("Goal", GOAL)
    read = await written.engine.read("Goal", made["id"])
    assert isinstance(read, dict)
    meta = read.pop("meta")
    assert meta["versionId"] == "1"
    assert meta["tag"] == [{"system": "urn:t", "code": "a"}]
    assert meta["lastUpdated"].endswith("+09:00")
    assert read == {**{k: v for k, v in GOAL.items() if k != "meta"}, "id": made["id"]}
    assert str(read["target"][0]["detailQuantity"]["value"]) == "1.10"


@pytest.mark.parametrize("digits", ["1e2", "1.0e-3", "-0", "0.0000001", "18446744073709551616", "1E+2"])
async def test_a_number_is_told_in_the_digits_in_which_it_was_sent(written: Written, digits: str) -> None:
    quantity = json_object(f'{{"value": {digits}}}')
    async with written.writer() as writer:
        made = await writer.create("Goal", {**GOAL, "target": [{"detailQuantity": quantity}]})
    read = await written.engine.read("Goal", made["id"])
    assert isinstance(read, dict)
    assert dumps(read["target"]) == f'[{{"detailQuantity":{{"value":{digits}}}}}]'


async def test_it_is_found_by_each_of_several_values_of_a_choice(written: Written) -> None:
    days = [{"dueDate": "2025-06-30", "_dueDate": {"id": "d"}}, {"dueDate": "2026-01-01"}]
    async with written.writer() as writer:
        made = await writer.create("Goal", {**GOAL, "target": days})
    for day in ("2025-06-30", "2026-01-01"):
        assert await written.found("Goal", "target-date", day) == [made["id"]]


async def test_one_of_several_that_only_has_an_extension_is_searched_by_nothing(written: Written) -> None:
    why = {"extension": [{"url": "urn:x", "valueString": "모름"}]}
    sent = {"resourceType": "Procedure", "status": "completed", "subject": {"reference": PATIENT}}
    listed = {"instantiatesUri": ["urn:a", None], "_instantiatesUri": [None, why]}
    async with written.writer() as writer:
        made = await writer.create("Procedure", {**sent, **listed})
    assert await written.found("Procedure", "instantiates-uri", "urn:a") == [made["id"]]
    assert {name: made[name] for name in listed} == listed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subject", PATIENT),
        ("patient", "P-2025-000001"),
        ("lifecycle-status", "active"),
        ("lifecycle-status", "http://hl7.org/fhir/goal-status|active"),
        ("start-date", "2025-03"),
        ("start-date", "lt2025-04"),
        ("target-date", "2025-06-30"),
        ("subject:Patient.name", "김영희"),
        ("subject:missing", "false"),
        ("category:missing", "true"),
        ("_has:CarePlan:goal:status", "active"),
        ("_id", "n-1,{id}"),
    ],
)
async def test_it_is_found(written: Written, name: str, value: str) -> None:
    async with written.writer() as writer:
        made = await writer.create("Goal", GOAL)
        plan = {"resourceType": "CarePlan", "status": "active", "intent": "plan"}
        goal = [{"reference": f"Goal/{made['id']}"}]
        await writer.create("CarePlan", {**plan, "subject": {"reference": PATIENT}, "goal": goal})
    assert await written.found("Goal", name, value.format(id=made["id"])) == [made["id"]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subject", "Patient/P-2025-000002"),
        ("lifecycle-status", "ACTIVE"),
        ("lifecycle-status", "urn:other|active"),
        ("start-date", "2025-04"),
        ("subject:missing", "true"),
        ("_has:CarePlan:goal:status", "active"),
    ],
)
async def test_it_is_not_found_by_what_it_does_not_say(written: Written, name: str, value: str) -> None:
    async with written.writer() as writer:
        await writer.create("Goal", GOAL)
    assert await written.found("Goal", name, value) == []


async def test_an_update_is_searched_by_its_new_values_only(written: Written) -> None:
    async with written.writer() as writer:
        made = await writer.create("Goal", GOAL)
        again = await writer.update("Goal", made["id"], {**GOAL, "lifecycleStatus": "completed"}, "1")
    assert again["meta"]["versionId"] == "2"
    assert await written.found("Goal", "lifecycle-status", "completed") == [made["id"]]
    assert await written.found("Goal", "lifecycle-status", "active") == []


async def test_an_outdated_update_changes_nothing(written: Written) -> None:
    async with written.writer() as writer:
        made = await writer.create("Goal", GOAL)
        await writer.update("Goal", made["id"], GOAL)
    changed = {**GOAL, "lifecycleStatus": "cancelled"}
    with pytest.raises(WriteFault) as refused:
        async with written.writer() as writer:
            await writer.update("Goal", made["id"], changed, "1")
    assert refused.value.status == 412
    assert await written.found("Goal", "lifecycle-status", "active") == [made["id"]]


async def test_a_deleted_one_is_a_tombstone_and_can_be_written_again(written: Written) -> None:
    async with written.writer() as writer:
        made = await writer.create("Goal", GOAL)
        deleted = await writer.delete("Goal", made["id"])
        assert deleted is not None
        assert deleted.version_id == "2"
        assert await writer.tombstone("Goal", made["id"])
        assert await writer.delete("Goal", made["id"]) is None
    assert await written.found("Goal") == []
    assert await written.engine.read("Goal", made["id"]) is None
    async with written.writer() as writer:
        again = await writer.update("Goal", made["id"], GOAL)
    assert again["meta"]["versionId"] == "3"
    assert await written.found("Goal", "lifecycle-status", "active") == [made["id"]]


async def test_a_transaction_that_fails_leaves_nothing(written: Written) -> None:
    async def fails_after_a_create() -> None:
        async with written.writer() as writer:
            await writer.create("Goal", GOAL)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails_after_a_create()
    assert await written.found("Goal") == []
    assert await history.versions(written.engine.database, Asked(), 10) == []


async def test_every_version_is_kept_and_told_as_an_event(written: Written) -> None:
    async with written.writer() as writer:
        made = await writer.create("Goal", GOAL)
    async with written.writer() as writer:
        await writer.update("Goal", made["id"], {**GOAL, "lifecycleStatus": "completed"})
    async with written.writer() as writer:
        await writer.delete("Goal", made["id"])
    database = written.engine.database
    found = await history.versions(database, Asked("Goal", made["id"]), 10)
    assert [(v.version_id, v.method) for v in found] == [("3", "DELETE"), ("2", "PUT"), ("1", "POST")]
    assert found[2].resource == made
    second = await history.version(database, "Goal", made["id"], "2")
    assert second is not None
    assert second.resource is not None
    assert second.resource["lifecycleStatus"] == "completed"
    events = await database.fetch("SELECT action, version_id FROM fhir_event ORDER BY id", ())
    assert [tuple(e) for e in events] == [("create", "1"), ("update", "2"), ("delete", "3")]


async def test_they_are_sorted_and_paged(written: Written) -> None:
    async with written.writer() as writer:
        made = [
            (await writer.create("Goal", {**GOAL, "startDate": f"2025-0{month}-01"}))["id"]
            for month in (3, 1, 2)
        ]
    query = SearchQuery("Goal", (), (Sort("start-date", descending=True),))
    first = await written.engine.page(query, 2)
    rest = await written.engine.page(query, 2, first.after)
    told = [m["id"] for m in (*first.matches, *rest.matches) if isinstance(m, dict)]
    assert told == [made[0], made[2], made[1]]


async def test_a_type_of_others_rows_is_refused_with_the_reason(written: Written) -> None:
    with pytest.raises(WriteFault) as refused:
        async with written.writer() as writer:
            await writer.create("Appointment", {"resourceType": "Appointment"})
    assert refused.value.status == 405


async def test_one_name_is_held_by_one_transaction_at_a_time(written: Written) -> None:
    database = written.engine.database
    for _ in range(2):  # it is given back with the transaction
        async with transaction(database) as t:
            await t.lock("Patient?identifier=1")


async def test_an_id_of_another_type_is_none_of_this(written: Written) -> None:
    async with written.writer() as writer:
        made = await writer.create("Goal", GOAL)
    with pytest.raises(WriteFault) as refused:
        async with written.writer() as writer:
            await writer.update("Basic", made["id"], {"resourceType": "Basic", "code": {"text": "x"}})
    assert refused.value.status == 404
    async with written.writer() as writer:
        assert not await writer.tombstone("Basic", made["id"])
    assert await written.found("Goal") == [made["id"]]
