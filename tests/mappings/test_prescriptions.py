"""MedicationRequest and Medication, of the CDSS and of OpenEMR."""

from __future__ import annotations

from typing import Any

import pytest

from mappers.engine import Engine
from tests.mappings.reading import ids
from tests.mappings.whole import assert_as_kept
from tests.mappings.whole import resource as read

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


async def dosage(engine: Engine, reference: str) -> dict[str, Any]:
    """The only dosage of a prescription."""
    [found] = (await read(engine, reference))["dosageInstruction"]
    return dict(found)


@pytest.mark.parametrize(
    "reference",
    [
        "MedicationRequest/rx-2",
        "MedicationRequest/rx-18",
        "MedicationRequest/rx-900001",
        "MedicationRequest/rx-900002",
        "MedicationRequest/rx-900004",
        "MedicationRequest/rxo-O-2025-900009",
        "MedicationRequest/oe-rx-1",
        "MedicationRequest/oe-rx-5",
        "MedicationRequest/oe-rx-900504",
        "MedicationRequest/oe-rx-900505",
        "MedicationRequest/oe-rx-900512",
        "MedicationRequest/oe-med-23",
        "MedicationRequest/oe-med-900442",
        "Medication/med-1",
        "Medication/med-900001",
        "Medication/oe-drug-1",
        "Medication/oe-drug-900001",
    ],
)
async def test_it_is_told_whole(engine: Engine, reference: str) -> None:
    await assert_as_kept(engine, reference)


async def test_the_items_status_counts_before_the_orders(engine: Engine) -> None:
    assert (await read(engine, "MedicationRequest/rx-8"))["status"] == "cancelled"
    assert (await read(engine, "MedicationRequest/rx-7"))["status"] == "active"
    assert (await read(engine, "MedicationRequest/rx-900003"))["status"] == "active"  # the item's is blank
    assert (await read(engine, "MedicationRequest/rx-900001"))["status"] == "unknown"  # the item's is "weird"


async def test_a_status_is_found_as_it_is_shown(engine: Engine) -> None:
    assert "rx-900003" in await ids(engine, "MedicationRequest", status="active")
    assert "rx-900001" in await ids(engine, "MedicationRequest", status="unknown")
    assert "rx-8" in await ids(engine, "MedicationRequest", status="cancelled")
    assert "rx-8" not in await ids(engine, "MedicationRequest", status="active")


async def test_an_order_without_items_is_not_lost(engine: Engine) -> None:
    found = await read(engine, "MedicationRequest/rxo-O-2025-900009")
    assert found["medicationCodeableConcept"]["coding"][0]["code"] == "unknown"
    assert await engine.read("MedicationRequest", "rxo-O-2025-000002") is None


async def test_an_amount_a_minute_is_a_rate(engine: Engine) -> None:
    [told] = (await dosage(engine, "MedicationRequest/rx-18"))["doseAndRate"]
    assert told["rateQuantity"]["code"] == "ug/kg/min"


async def test_as_needed_has_no_timing(engine: Engine) -> None:
    told = await dosage(engine, "MedicationRequest/rx-3")
    assert told["asNeededBoolean"] is True
    assert "frequency" not in told["timing"]["repeat"]


async def test_a_frequency_that_nobody_knows_stays_a_text(engine: Engine) -> None:
    told = await dosage(engine, "MedicationRequest/rx-900001")
    assert told["timing"] == {"code": {"text": "하루 세 번"}}


async def test_negative_amounts_are_absent(engine: Engine) -> None:
    found = await read(engine, "MedicationRequest/rx-900004")
    assert "dispenseRequest" not in found
    assert "doseAndRate" not in found["dosageInstruction"][0]


async def test_a_drug_is_found_by_its_ingredient(engine: Engine) -> None:
    atc = "http://www.whocc.no/atc|A10BA02"
    assert await ids(engine, "MedicationRequest", ingredient_code=atc) == {"rx-6"}
    assert await ids(engine, "Medication", ingredient_code=atc) == {"med-2"}


async def test_one_prescription_is_never_shown_twice(engine: Engine) -> None:
    titles = await ids(engine, "MedicationRequest", patient="Patient/oe-pat-2")
    assert titles == {"oe-rx-8", "oe-rx-9"}
    assert await engine.read("MedicationRequest", "oe-med-22") is None
    assert (await read(engine, "MedicationRequest/oe-med-23"))["status"] == "completed"


async def test_a_prescription_that_says_it_is_listed_but_is_not_is_served(engine: Engine) -> None:
    assert await engine.read("MedicationRequest", "oe-rx-900501") is not None


@pytest.mark.parametrize(
    ("id_text", "status"),
    [
        ("oe-rx-1", "active"),
        ("oe-rx-3", "completed"),  # an end that is past
        ("oe-rx-4", "stopped"),  # active 0
        ("oe-rx-900502", "unknown"),  # active -1, as imports leave it
        ("oe-med-24", "active"),
        ("oe-med-23", "completed"),
    ],
)
async def test_the_status_follows_from_activity_and_end(engine: Engine, id_text: str, status: str) -> None:
    assert (await read(engine, f"MedicationRequest/{id_text}"))["status"] == status
    assert id_text in await ids(engine, "MedicationRequest", status=status)


async def test_a_prefix_is_no_part_of_a_code(engine: Engine) -> None:
    found = await read(engine, "Medication/oe-drug-2")
    assert found["code"]["coding"][0] == {"system": RXNORM, "code": "861007"}
    blanks = await read(engine, "MedicationRequest/oe-rx-900508")
    assert blanks["medicationCodeableConcept"]["coding"] == [{"system": RXNORM, "code": "861007"}]


@pytest.mark.parametrize("id_text", ["oe-rx-900506", "oe-rx-900507"])
async def test_what_is_no_code_is_not_sent_as_one(engine: Engine, id_text: str) -> None:
    found = await read(engine, f"MedicationRequest/{id_text}")
    assert found["medicationCodeableConcept"].keys() == {"text"}


async def test_a_formulary_row_that_is_missing_is_not_referred_to(engine: Engine) -> None:
    found = await read(engine, "MedicationRequest/oe-rx-900503")
    assert "medicationReference" not in found
    assert found["medicationCodeableConcept"]["text"] == "Medication not stated"


async def test_a_prescription_is_found_by_its_medication(engine: Engine) -> None:
    assert await ids(engine, "MedicationRequest", medication="Medication/oe-drug-1") == {"oe-rx-1"}
    found = await ids(engine, "MedicationRequest", **{"medication.code": f"{RXNORM}|861007"})
    assert found == {"oe-rx-2"}


@pytest.mark.parametrize(
    ("id_text", "dose"),
    [
        ("oe-rx-1", {"doseQuantity": {"value": 1, "unit": "tablet"}}),
        ("oe-rx-2", {"doseRange": {"low": {"value": 1}, "high": {"value": 2}}}),
        ("oe-rx-4", {"doseQuantity": {"value": 100, "unit": "mg"}}),
    ],
)
async def test_a_dose_is_read_where_its_text_is_plain(engine: Engine, id_text: str, dose: Any) -> None:
    [told] = (await dosage(engine, f"MedicationRequest/{id_text}"))["doseAndRate"]
    [(kind, expected)] = dose.items()
    for key, value in expected.items():
        shown = told[kind][key]
        assert (shown["value"] if isinstance(value, dict) else shown) == (
            value["value"] if isinstance(value, dict) else value
        )


async def test_a_dose_that_is_not_plain_stays_a_text(engine: Engine) -> None:
    told = await dosage(engine, "MedicationRequest/oe-rx-900504")
    assert told["text"] == "½ - 2"
    assert "doseAndRate" not in told


async def test_zero_options_are_absent(engine: Engine) -> None:
    assert "dosageInstruction" not in await read(engine, "MedicationRequest/oe-rx-900505")


async def test_negative_refills_and_unknown_substitution_are_absent(engine: Engine) -> None:
    found = await read(engine, "MedicationRequest/oe-rx-900513")
    assert found.keys().isdisjoint({"dispenseRequest", "substitution"})


async def test_an_end_before_the_start_is_no_end(engine: Engine) -> None:
    told = await dosage(engine, "MedicationRequest/oe-rx-900509")
    assert told["timing"]["repeat"]["boundsPeriod"] == {"start": "2024-04-09"}


async def test_the_first_of_two_details_counts(engine: Engine) -> None:
    assert (await dosage(engine, "MedicationRequest/oe-med-900442"))["text"] == "first"
