"""Clients that know standard codes alone: the old application finds its own where a master says which."""

from __future__ import annotations

from typing import Any

import pytest

from mappers.cdss.laboratory import LOCAL_TEST
from mappers.write.faults import WriteFault
from terminology.systems import HIRA_EDI_MEDICATION, LOINC
from tests.writes.conftest import Written
from tests.writes.samples import sample

GLUCOSE = {"coding": [{"system": LOINC, "code": "2345-7"}]}
#: a second test of the same LOINC code
ANOTHER = (
    "INSERT INTO lis_labtestmaster (test_code, test_name, loinc_code, is_active)"
    " VALUES ('GLU2', '현장 혈당', '2345-7', {active})"
)
GONE = "DELETE FROM lis_labtestmaster WHERE test_code = 'GLU2'"


async def column(written: Written, name: str, table: str, key: str) -> Any:
    return await written.column(f"SELECT {name} FROM {table} WHERE {key}")  # noqa: S608


async def test_a_result_of_a_standard_code_stands_under_the_hospitals(written: Written) -> None:
    made = await written.made({**sample("Observation"), "code": GLUCOSE})
    assert made["code"] == GLUCOSE
    key = f"id = {made['id'].removeprefix('lab-')}"
    assert await column(written, "test_code", "lis_labresult", key) == "GLU"
    changed = {"coding": [{"system": LOINC, "code": "718-7"}], "text": "혈색소"}
    async with written.writer() as writer:
        await writer.update("Observation", made["id"], {**made, "code": changed}, made["meta"]["versionId"])
    assert await column(written, "test_code", "lis_labresult", key) == "HGB"
    read = await written.engine.read("Observation", made["id"])
    assert isinstance(read, dict)
    assert read["code"] == changed


async def test_orders_and_prescriptions_of_standard_codes_do_too(written: Written) -> None:
    order = await written.made({**sample("ServiceRequest"), "code": {**GLUCOSE, "text": "혈당"}})
    assert await column(written, "item_code", "ocs_orderitem", f"order_id = '{order['id']}'") == "GLU"
    drug = {"coding": [{"system": HIRA_EDI_MEDICATION, "code": "000000001"}], "text": "아스피린"}
    asked = await written.made({**sample("MedicationRequest"), "medicationCodeableConcept": drug})
    key = f"id = {asked['id'].removeprefix('rx-')}"
    assert await column(written, "item_code", "ocs_orderitem", key) == "MED001"


async def test_an_order_of_laboratory_tests_alone_needs_no_kind(written: Written) -> None:
    bare = {k: v for k, v in sample("ServiceRequest").items() if k != "category"}
    made = await written.made({**bare, "code": GLUCOSE})
    assert "category" not in made
    assert await column(written, "order_type", "ocs_order", f"order_id = '{made['id']}'") == "LAB"
    for unknown in ({"text": "혈당"}, {"coding": [{"system": LOINC, "code": "1-8"}]}):
        with pytest.raises(WriteFault, match="order_type must be filled") as refused:
            await written.made({**bare, "code": unknown})
        assert refused.value.expression == "ServiceRequest.category"


async def test_a_code_of_several_tests_is_not_guessed(written: Written) -> None:
    await written.change(ANOTHER.format(active=1))
    try:
        with pytest.raises(WriteFault, match=r"say which of GLU, GLU2") as refused:
            await written.made({**sample("Observation"), "code": GLUCOSE})
        assert (refused.value.status, refused.value.expression) == (422, "Observation.code")
        stated = {"coding": [*GLUCOSE["coding"], {"system": LOCAL_TEST, "code": "GLU2"}]}
        made = await written.made({**sample("Observation"), "code": stated})
        key = f"id = {made['id'].removeprefix('lab-')}"
        assert await column(written, "test_code", "lis_labresult", key) == "GLU2"
    finally:
        await written.change(GONE)


async def test_a_test_that_is_done_no_more_is_not_meant(written: Written) -> None:
    await written.change(ANOTHER.format(active=0))
    try:
        made = await written.made({**sample("Observation"), "code": GLUCOSE})
        key = f"id = {made['id'].removeprefix('lab-')}"
        assert await column(written, "test_code", "lis_labresult", key) == "GLU"
    finally:
        await written.change(GONE)


async def test_a_code_that_no_master_has_is_refused_with_what_is_needed(written: Written) -> None:
    with pytest.raises(WriteFault, match=r"test_code must be filled.*lab-test") as refused:
        await written.made({**sample("Observation"), "code": {"coding": [{"system": LOINC, "code": "1-8"}]}})
    assert (refused.value.status, refused.value.expression) == (422, "Observation.code")
