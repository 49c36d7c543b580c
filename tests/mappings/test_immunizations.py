"""Immunization, of OpenEMR."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mappers.engine import Engine
from tests.mappings.reading import ids, unreadable
from tests.mappings.whole import assert_as_kept
from tests.mappings.whole import resource as read


@pytest.mark.parametrize("key", [1, 2, 4, 5, 900601, 900603, 900604, 900606, 900609, 900612])
async def test_it_is_told_whole(engine: Engine, key: int) -> None:
    await assert_as_kept(engine, f"Immunization/oe-imm-{key}")


@pytest.mark.parametrize(
    ("key", "status"),
    [
        (1, "completed"),
        (3, "completed"),  # blank
        (900603, "completed"),  # NULL
        (4, "not-done"),
        (900607, "not-done"),
        (5, "entered-in-error"),
        (900608, "entered-in-error"),
    ],
)
async def test_a_blank_status_means_given(engine: Engine, key: int, status: str) -> None:
    assert (await read(engine, f"Immunization/oe-imm-{key}"))["status"] == status
    assert f"oe-imm-{key}" in await ids(engine, "Immunization", status=status)


@pytest.mark.parametrize(("key", "code"), [(4, "PATOBJ"), (900607, "RELIG"), (900605, None), (900606, None)])
async def test_a_reason_is_told_only_if_it_is_known(engine: Engine, key: int, code: str | None) -> None:
    reason = (await read(engine, f"Immunization/oe-imm-{key}")).get("statusReason", {})
    assert [c["code"] for c in reason.get("coding", ())] == ([code] if code else [])


async def test_half_a_millilitre_is_not_cut(engine: Engine) -> None:
    found = await read(engine, "Immunization/oe-imm-900601")
    assert found["doseQuantity"]["value"] == Decimal("0.5")
    assert "site" not in found


async def test_an_amount_of_zero_is_absent(engine: Engine) -> None:
    assert "doseQuantity" not in await read(engine, "Immunization/oe-imm-900604")


async def test_a_vaccines_name_is_that_of_cvx(engine: Engine) -> None:
    found = await read(engine, "Immunization/oe-imm-900601")  # the digits mean other things elsewhere
    assert found["vaccineCode"]["text"] == "influenza, injectable, quadrivalent, preservative free"
    assert "oe-imm-900601" in await ids(
        engine, "Immunization", vaccine_code="http://hl7.org/fhir/sid/cvx|150"
    )


async def test_without_a_code_the_vaccine_is_unknown(engine: Engine) -> None:
    found = await read(engine, "Immunization/oe-imm-900602")
    assert found["vaccineCode"]["coding"][0]["code"] == "unknown"


@pytest.mark.parametrize("key", [900609, 900610])
async def test_a_zero_or_missing_date_is_unknown(engine: Engine, key: int) -> None:
    found = await read(engine, f"Immunization/oe-imm-{key}")
    assert found["occurrenceString"] == "unknown"
    assert "occurrenceDateTime" not in found


async def test_a_vaccination_of_nobody_is_named_as_unreadable(engine: Engine) -> None:
    assert "openemr/immunizations/900611" in await unreadable(engine, "Immunization")
