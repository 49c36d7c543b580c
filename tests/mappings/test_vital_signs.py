"""Observation, of OpenEMR's vitals forms."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mappers.engine import Engine
from tests.mappings.reading import ids, unreadable
from tests.mappings.whole import assert_as_kept
from tests.mappings.whole import resource as read


@pytest.mark.parametrize(
    "reference",
    [
        "Observation/oe-vit-6001.85354-9",
        "Observation/oe-vit-6001.8310-5",
        "Observation/oe-vit-6001.8280-0",
        "Observation/oe-vit-900301.85354-9",
        "Observation/oe-vit-900314.85354-9",
        "Observation/oe-vit-900319.8867-4",
    ],
)
async def test_it_is_told_whole(engine: Engine, reference: str) -> None:
    await assert_as_kept(engine, reference)


async def test_values_are_metric_whatever_the_site_displays(engine: Engine) -> None:
    weight = await read(engine, "Observation/oe-vit-6001.29463-7")
    assert (weight["valueQuantity"]["value"], weight["valueQuantity"]["code"]) == (Decimal("63.41"), "kg")


@pytest.mark.parametrize(
    "id_text",
    [
        "oe-vit-900307.85354-9",  # zero everywhere
        "oe-vit-900306.85354-9",  # a word, and blank
        "oe-vit-900313.85354-9",  # both pressures in one column
        "oe-vit-900315.39156-5",  # BMI 0
        "oe-vit-900312.8867-4",  # a negative pulse
    ],
)
async def test_zero_and_words_are_not_measured(engine: Engine, id_text: str) -> None:
    assert await engine.read("Observation", id_text) is None


async def test_a_missing_pressure_says_so(engine: Engine) -> None:
    found = await read(engine, "Observation/oe-vit-900314.85354-9")
    assert [sorted(c.keys() - {"code"}) for c in found["component"]] == [
        ["valueQuantity"],
        ["dataAbsentReason"],
    ]
    assert "oe-vit-900314.85354-9" in await ids(engine, "Observation", component_data_absent_reason="unknown")


@pytest.mark.parametrize("key", [900302, 900303, 900304])
async def test_deleted_forms_are_hidden(engine: Engine, key: int) -> None:
    assert await engine.read("Observation", f"oe-vit-{key}.85354-9") is None


async def test_the_visit_is_that_of_the_vitals_form(engine: Engine) -> None:
    found = await read(engine, "Observation/oe-vit-900301.85354-9")
    assert found["encounter"] == {"reference": "Encounter/oe-enc-900204"}
    assert "encounter" not in await read(engine, "Observation/oe-vit-900305.85354-9")  # another's pid


async def test_interpretations_belong_to_their_column(engine: Engine) -> None:
    pressure = await read(engine, "Observation/oe-vit-900301.85354-9")
    first, second = pressure["component"]
    assert [i["coding"][0]["code"] for i in first["interpretation"]] == ["N", "H"]
    assert "interpretation" not in second
    pulse = await read(engine, "Observation/oe-vit-900301.8867-4")
    assert pulse["interpretation"] == [{"text": "?"}]


async def test_where_it_was_measured_is_told_unless_it_is_a_number(engine: Engine) -> None:
    assert (await read(engine, "Observation/oe-vit-6001.8310-5"))["bodySite"]["text"] == "Oral"
    assert "bodySite" not in await read(engine, "Observation/oe-vit-900311.8310-5")


async def test_oxygen_saturation_goes_by_both_its_codes(engine: Engine) -> None:
    found = await ids(engine, "Observation", code="http://loinc.org|2708-6")
    assert found
    assert found == await ids(engine, "Observation", code="http://loinc.org|59408-5")


async def test_a_code_that_is_not_verified_is_not_sent(engine: Engine) -> None:
    waist = await read(engine, "Observation/oe-vit-6001.8280-0")
    assert {c["system"] for c in waist["code"]["coding"]} == {
        "http://neuronova.example/fhir/CodeSystem/openemr-vital-sign"
    }


async def test_without_a_date_or_a_patient_it_is_named_as_unreadable(engine: Engine) -> None:
    found = await unreadable(engine, "Observation")
    assert found["openemr/form_vitals/900310"] == "it has no date"
    assert "openemr/form_vitals/900308" in found
    assert "openemr/form_vitals/900316" in found


async def test_a_vanished_user_is_no_performer(engine: Engine) -> None:
    assert "performer" not in await read(engine, "Observation/oe-vit-900311.8310-5")
