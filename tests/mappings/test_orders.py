"""ServiceRequest, Specimen and Procedure, of the CDSS and of OpenEMR."""

from __future__ import annotations

from typing import Any

import pytest

from mappers.engine import Engine
from tests.mappings.reading import ids, unreadable
from tests.mappings.whole import assert_as_kept
from tests.mappings.whole import resource as read


def codes(concept: dict[str, Any]) -> list[tuple[str, str]]:
    """(system, code) of a concept."""
    return [(c["system"], c["code"]) for c in concept.get("coding", ())]


@pytest.mark.parametrize(
    "reference",
    [
        "ServiceRequest/O-2025-000001",
        "ServiceRequest/O-2025-002004",
        "ServiceRequest/O-2025-900002",
        "ServiceRequest/O-2025-900005",
        "ServiceRequest/O-2025-900007",
        "ServiceRequest/oe-order-2",
        "ServiceRequest/oe-order-900704",
        "ServiceRequest/oe-order-900706",
        "Specimen/S-2025-002006",
        "Specimen/S-2025-900001",
        "Specimen/S-2025-900002",
        "Procedure/proc-5",
        "Procedure/oe-surg-31",
        "Procedure/oe-surg-900451",
        "Procedure/oe-proc-3",
    ],
)
async def test_it_is_told_whole(engine: Engine, reference: str) -> None:
    await assert_as_kept(engine, reference)


async def test_one_item_is_the_code_of_its_order(engine: Engine) -> None:
    order = await read(engine, "ServiceRequest/O-2025-000017")
    assert ("http://loinc.org", "2160-0") in codes(order["code"])
    assert "orderDetail" not in order


async def test_several_items_are_details_of_one_order(engine: Engine) -> None:
    order = await read(engine, "ServiceRequest/O-2025-000018")
    assert [d["text"] for d in order["orderDetail"]] == [
        "일반혈액검사 (Complete blood count)",
        "갑상선자극호르몬 (TSH)",
    ]
    assert order["code"] == {"text": ", ".join(d["text"] for d in order["orderDetail"])}


@pytest.mark.parametrize("code", ["http://loinc.org|3016-3", "http://loinc.org|58410-2"])
async def test_an_order_of_several_items_is_found_by_each_detail(engine: Engine, code: str) -> None:
    assert "O-2025-000018" in await ids(engine, "ServiceRequest", order_detail=code)
    # its own code is a text, which has no coding
    assert "O-2025-000018" not in await ids(engine, "ServiceRequest", code=code)


async def test_prescriptions_are_no_service_requests(engine: Engine) -> None:
    assert await engine.read("ServiceRequest", "O-2025-000002") is None


async def test_an_order_of_an_unknown_kind_is_served_all_the_same(engine: Engine) -> None:
    order = await read(engine, "ServiceRequest/O-2025-900002")
    assert (order["status"], order["category"][0]["text"]) == ("unknown", "DIET")


async def test_letter_case_of_the_type_does_not_matter(engine: Engine) -> None:
    assert "O-2025-900005" in await ids(engine, "ServiceRequest", category="http://snomed.info/sct|108252007")


async def test_a_zero_date_is_absent(engine: Engine) -> None:
    assert "authoredOn" not in await read(engine, "ServiceRequest/O-2025-900005")
    assert "occurrenceDateTime" not in await read(engine, "ServiceRequest/O-2025-900007")
    assert "authoredOn" not in await read(engine, "ServiceRequest/oe-order-900706")


async def test_a_day_without_a_time_is_a_day(engine: Engine) -> None:
    assert (await read(engine, "ServiceRequest/oe-order-2"))["authoredOn"] == "2024-05-13"


async def test_a_deleted_order_is_hidden_with_its_reports_and_results(engine: Engine) -> None:
    assert await engine.read("ServiceRequest", "oe-order-900701") is None
    assert await engine.read("DiagnosticReport", "oe-rep-900701") is None
    assert await engine.read("Observation", "oe-res-900702") is None


async def test_several_diagnoses_are_reasons_of_their_own(engine: Engine) -> None:
    order = await read(engine, "ServiceRequest/oe-order-2")
    assert [codes(reason)[0][1] for reason in order["reasonCode"]] == ["E11.9", "E78.5"]


async def test_the_compendium_of_the_orders_laboratory_counts(engine: Engine) -> None:
    order = await read(engine, "ServiceRequest/oe-order-1")
    assert codes(order["code"])[0] == ("http://loinc.org", "51990-0")


async def test_an_order_of_nobody_is_named_as_unreadable(engine: Engine) -> None:
    found = await unreadable(engine, "ServiceRequest")
    assert "openemr/procedure_order/900702" in found
    assert "openemr/procedure_order/900703" in found


async def test_a_laboratory_or_visit_that_is_missing_is_not_referred_to(engine: Engine) -> None:
    order = await read(engine, "ServiceRequest/oe-order-900704")
    assert order.keys().isdisjoint({"performer", "encounter", "requester"})


async def test_an_unknown_specimen_status_is_absent(engine: Engine) -> None:
    specimen = await read(engine, "Specimen/S-2025-900001")
    assert "status" not in specimen
    assert specimen["type"]["text"] == "Moon dust"


async def test_a_completed_procedure_has_no_date_that_nobody_recorded(engine: Engine) -> None:
    procedure = await read(engine, "Procedure/proc-5")
    assert procedure["status"] == "completed"
    assert not [name for name in procedure if name.startswith("performed")]


async def test_only_completed_lines_are_procedures(engine: Engine) -> None:
    assert await engine.read("Procedure", "proc-17") is None


async def test_a_surgery_is_found_by_its_code_and_day(engine: Engine) -> None:
    assert await ids(engine, "Procedure", code="http://www.ama-assn.org/go/cpt|47562") == {"oe-surg-31"}
    assert "oe-surg-31" in await ids(engine, "Procedure", date="2023-06-05")


async def test_laboratory_orders_are_no_procedures(engine: Engine) -> None:
    assert await engine.read("Procedure", "oe-proc-1") is None
