"""Encounter, of the CDSS and of OpenEMR."""

from __future__ import annotations

import pytest

from mappers.engine import Engine
from tests.mappings.reading import ids, unreadable
from tests.mappings.whole import assert_as_kept
from tests.mappings.whole import resource as read

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


@pytest.mark.parametrize(
    "id_text",
    [
        "E-2025-000001",
        "E-2025-000002",
        "E-2025-900001",
        "E-2025-900006",
        "oe-enc-104",
        "oe-enc-106",
        "oe-enc-108",
        "oe-enc-900208",
        "oe-enc-900214",
    ],
)
async def test_a_visit_is_told_whole(engine: Engine, id_text: str) -> None:
    await assert_as_kept(engine, f"Encounter/{id_text}")


async def test_a_visit_of_both_databases_is_one_encounter(engine: Engine) -> None:
    assert await engine.read("Encounter", "oe-enc-110") is None
    visit = await read(engine, "Encounter/E-2025-000001")
    assert "5010" in [identifier["value"] for identifier in visit["identifier"]]


async def test_a_visit_without_an_end_has_no_status_that_is_known(engine: Engine) -> None:
    assert (await read(engine, "Encounter/oe-enc-102"))["status"] == "unknown"
    assert (await read(engine, "Encounter/oe-enc-101"))["status"] == "finished"
    found = await ids(engine, "Encounter", status="unknown")
    assert "oe-enc-102" in found
    assert "oe-enc-101" not in found


async def test_midnight_is_a_day(engine: Engine) -> None:
    assert (await read(engine, "Encounter/oe-enc-102"))["period"] == {"start": "2019-03-18"}


async def test_a_zero_date_is_absent(engine: Engine) -> None:
    assert (await read(engine, "Encounter/oe-enc-900206"))["period"] == {"end": "2024-01-06T11:00:00+09:00"}
    assert "period" not in await read(engine, "Encounter/E-2025-900005")


async def test_an_end_before_the_start_is_none(engine: Engine) -> None:
    assert "end" not in (await read(engine, "Encounter/oe-enc-900207"))["period"]


async def test_an_unknown_class_is_a_null_flavour_and_claims_no_profile(engine: Engine) -> None:
    visit = await read(engine, "Encounter/oe-enc-900208")
    assert visit["class"]["code"] == "UNK"
    assert "profile" not in visit["meta"]


async def test_what_does_not_exist_is_not_referred_to(engine: Engine) -> None:
    visit = await read(engine, "Encounter/oe-enc-900208")
    assert not visit.keys() & {"participant", "serviceProvider", "location", "partOf"}


async def test_a_visit_of_nobody_is_unreadable(engine: Engine) -> None:
    found = await unreadable(engine, "Encounter")
    assert {"openemr/form_encounter/900201", "openemr/form_encounter/900203"} <= found.keys()


async def test_a_deleted_visit_is_gone_and_nothing_refers_to_it(engine: Engine) -> None:
    assert await engine.read("Encounter", "oe-enc-900209") is None


async def test_an_encounter_number_that_two_patients_share_stays_with_each(engine: Engine) -> None:
    first, second = (
        await read(engine, "Encounter/oe-enc-900204"),
        await read(engine, "Encounter/oe-enc-900205"),
    )
    assert first["subject"] != second["subject"]
    assert "diagnosis" in first
    assert "diagnosis" not in second


async def test_sensitivity_is_the_security_label(engine: Engine) -> None:
    visit = await read(engine, "Encounter/oe-enc-109")
    assert visit["meta"]["security"] == [{"system": CONFIDENTIALITY, "code": "R", "display": "restricted"}]
    assert "security" not in (await read(engine, "Encounter/oe-enc-102"))["meta"]


async def test_labels_are_searched(engine: Engine) -> None:
    from mappers.parse import Parser
    from mappers.query import SearchQuery

    parser = Parser(engine.mappings, engine.site)
    found = []
    for name in ("_security", "_security:not"):
        condition = parser.condition("Encounter", name, f"{CONFIDENTIALITY}|R")
        page = await engine.page(SearchQuery("Encounter", (condition,)), 200)
        found.append({one["id"] for one in page.matches if isinstance(one, dict)})
    assert {"oe-enc-109", "oe-enc-900214"} <= found[0]
    assert not found[0] & found[1]
    assert found[0] | found[1] == await ids(engine, "Encounter")


async def test_the_problems_of_a_visit_are_its_diagnoses(engine: Engine) -> None:
    assert await ids(engine, "Encounter", diagnosis="oe-cond-1") == {"oe-enc-101", "oe-enc-102", "oe-enc-109"}
    assert await ids(engine, "Encounter", diagnosis="diag-4") == {"E-2025-000002"}


async def test_a_visit_within_another_is_part_of_it(engine: Engine) -> None:
    assert await ids(engine, "Encounter", part_of="oe-enc-105") == {"oe-enc-106"}
