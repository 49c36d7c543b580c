"""Communication and AuditEvent: they refer only to what is served, and name the rest."""

import pytest

from mappers.engine import Engine
from tests.mappings.whole import assert_as_kept, ids, resource, unreadable


@pytest.mark.parametrize(
    "reference",
    [
        "Communication/notification-1",
        "Communication/notification-6",
        "Communication/notification-900001",
        "Communication/notification-900002",
        "AuditEvent/audit-2",
        "AuditEvent/audit-5",
        "AuditEvent/audit-900001",
        "AuditEvent/audit-900002",
        "AuditEvent/audit-900003",
    ],
)
async def test_resource_is_as_kept(engine: Engine, reference: str) -> None:
    await assert_as_kept(engine, reference)


async def test_about_what_is_not_served_is_a_name(engine: Engine) -> None:
    found = await resource(engine, "Communication/notification-900001")
    assert found["about"] == [{"display": "Unicorn 1/2 3"}]


async def test_a_patient_who_is_told_something_is_a_name(engine: Engine) -> None:
    found = await resource(engine, "Communication/notification-6")
    assert found["recipient"] == [{"display": "김영희"}]


async def test_an_unread_notification_is_in_progress_and_not_received(engine: Engine) -> None:
    found = await resource(engine, "Communication/notification-2")
    assert found["status"] == "in-progress"
    assert "received" not in found
    assert await ids(engine, "Communication", received="ge2025-01-01", patient="P-2025-000004") == [
        "notification-1"
    ]


async def test_a_user_who_is_gone_is_a_name(engine: Engine) -> None:
    agent = (await resource(engine, "AuditEvent/audit-900001"))["agent"][0]
    assert (agent["altId"], "who" in agent) == ("gone", False)
    assert await ids(engine, "AuditEvent", altid="gone") == ["audit-900001"]


async def test_a_patient_who_is_gone_is_a_name(engine: Engine) -> None:
    found = await resource(engine, "AuditEvent/audit-900001")
    assert [(e.get("name"), e.get("what")) for e in found["entity"]] == [("P-NOBODY", None)]


async def test_a_record_that_is_gone_is_a_name(engine: Engine) -> None:
    found = await resource(engine, "AuditEvent/audit-6")
    assert [(e.get("name"), e.get("what")) for e in found["entity"]] == [("AlertRule 5", None)]


async def test_broken_detail_is_kept_as_it_is(engine: Engine) -> None:
    found = await resource(engine, "AuditEvent/audit-900002")
    assert found["entity"][-1]["detail"] == [{"type": "detail", "valueString": "{broken"}]
    assert "outcomeDesc" not in found


async def test_a_read_of_a_patient_names_the_patient_once(engine: Engine) -> None:
    found = await resource(engine, "AuditEvent/audit-3")
    assert [e["what"]["reference"] for e in found["entity"]] == ["Patient/P-2025-000001"]


async def test_the_trail_of_a_record_is_found(engine: Engine) -> None:
    assert await ids(engine, "AuditEvent", entity="Observation/lab-4002") == ["audit-5"]
    assert await ids(engine, "AuditEvent", entity="ImagingStudy/ST-2025-000001") == ["audit-8"]
    assert await ids(engine, "AuditEvent", patient="P-2025-000001") == ["audit-3", "audit-4", "audit-8"]


async def test_an_address_that_is_none_has_no_type(engine: Engine) -> None:
    found = await resource(engine, "AuditEvent/audit-900001")
    assert found["agent"][0]["network"] == {"address": "unknown"}


async def test_a_row_without_an_action_is_named_as_unreadable(engine: Engine) -> None:
    reason = await unreadable(engine, "AuditEvent/audit-900103")
    assert reason == "it has no type, which every AuditEvent must have"
