"""What others take back of an order is not told as ordered, by reads and by searches alike."""

from __future__ import annotations

from typing import Any

import pytest

from tests.writes.conftest import Written
from tests.writes.samples import sample

LABORATORY = {"coding": [{"system": "http://snomed.info/sct", "code": "108252007"}]}
ITEM = "UPDATE ocs_orderitem SET status = '{word}' WHERE order_id = '{order}' AND item_name = '{name}'"
ALL_ITEMS = "UPDATE ocs_orderitem SET status = '{word}' WHERE order_id = '{order}'"
ORDER = "UPDATE ocs_order SET status = '{word}' WHERE order_id = '{order}'"
LINES_ORDER = "UPDATE ocs_order SET status = '{word}' WHERE order_id IN (SELECT order_id FROM ocs_orderitem"
LINES_ORDER += " WHERE id = {line})"
LINE = "UPDATE ocs_orderitem SET status = '{word}' WHERE id = {line}"


async def ordered(written: Written, *names: str) -> dict[str, Any]:
    """An order of tests, as it is read."""
    sent = {**sample("ServiceRequest"), "category": [LABORATORY]}
    details = [{"text": name} for name in names]
    found: dict[str, Any] = await written.made(
        {**sent, "code": {"text": ", ".join(names)}, "orderDetail": details}
    )
    return found


async def told(written: Written, id_: str) -> dict[str, Any]:
    found = await written.engine.read("ServiceRequest", id_)
    assert isinstance(found, dict)
    return found


def names_of(order: dict[str, Any]) -> list[str]:
    return [d["text"] for d in order.get("orderDetail", ())]


async def test_an_item_that_others_cancelled_alone_is_not_told_as_ordered(written: Written) -> None:
    made = await ordered(written, "혈당", "칼륨", "나트륨")
    before = await told(written, made["id"])
    await written.change(ITEM.format(word=" Cancelled", order=made["id"], name="칼륨"))
    after = await told(written, made["id"])
    assert names_of(after) == ["혈당", "나트륨"]
    assert after["code"]["text"] == "혈당, 나트륨"
    assert "칼륨" not in after["text"]["div"]
    assert after["meta"]["versionId"] != before["meta"]["versionId"]
    assert made["id"] in await written.all_found("ServiceRequest", "code:text", "혈당, 나트륨")
    assert made["id"] not in await written.all_found("ServiceRequest", "order-detail:text", "칼륨")
    await written.change(ITEM.format(word="stopped", order=made["id"], name="나트륨"))
    after = await told(written, made["id"])
    assert (names_of(after), after["code"]["text"], after["status"]) == ([], "혈당", "active")
    assert made["id"] in await written.all_found("ServiceRequest", "code:text", "혈당")
    assert made["id"] not in await written.all_found("ServiceRequest", "order-detail:text", "혈당")


async def test_an_order_of_which_all_was_cancelled_is_revoked_and_says_what_it_was(written: Written) -> None:
    made = await ordered(written, "혈당", "칼륨")
    await written.change(ALL_ITEMS.format(word="cancelled", order=made["id"]))
    after = await told(written, made["id"])
    assert (after["status"], names_of(after)) == ("revoked", ["혈당", "칼륨"])
    assert after["meta"]["versionId"] != made["meta"]["versionId"]
    assert "revoked" in after["text"]["div"].lower()
    assert made["id"] in await written.all_found("ServiceRequest", "status", "revoked")
    assert made["id"] not in await written.all_found("ServiceRequest", "status", "active")
    assert made["id"] in await written.all_found("ServiceRequest", "status:not", "active")


async def test_an_order_that_was_revoked_as_a_whole_says_all_that_it_was(written: Written) -> None:
    made = await ordered(written, "혈당", "칼륨")
    await written.change(ITEM.format(word="completed", order=made["id"], name="혈당"))
    await written.change(ITEM.format(word="cancelled", order=made["id"], name="칼륨"))
    await written.change(ORDER.format(word="cancelled", order=made["id"]))
    after = await told(written, made["id"])
    assert (after["status"], names_of(after)) == ("revoked", ["혈당", "칼륨"])
    assert made["id"] in await written.all_found("ServiceRequest", "order-detail:text", "칼륨")


@pytest.mark.parametrize(
    ("order", "line", "status"),
    [
        ("cancelled", "ordered", "cancelled"),
        ("Cancelled ", "in_progress", "cancelled"),
        ("cancelled", "weird", "cancelled"),
        ("cancelled", "", "cancelled"),
        ("cancelled", "completed", "completed"),
        ("stopped", "ordered", "stopped"),
        ("completed", "ordered", "completed"),
        ("on_hold", "ordered", "on-hold"),
        ("draft", "ordered", "draft"),
        ("ordered", "cancelled", "cancelled"),
        ("in_progress", "on_hold", "on-hold"),
        ("weird", "ordered", "active"),
        ("ordered", "weird", "unknown"),
    ],
)
async def test_a_line_is_in_force_only_with_its_order(
    written: Written, order: str, line: str, status: str
) -> None:
    made = await written.made(sample("MedicationRequest"))
    key = made["id"].removeprefix("rx-")
    await written.change(LINES_ORDER.format(word=order, line=key))
    await written.change(LINE.format(word=line, line=key))
    after = await written.engine.read("MedicationRequest", made["id"])
    assert isinstance(after, dict)
    assert after["status"] == status
    for asked in ("active", "on-hold", "cancelled", "completed", "stopped", "draft", "unknown"):
        found = made["id"] in await written.all_found("MedicationRequest", "status", asked)
        assert found is (asked == status), asked
