"""Rows are found by what was sent of them, until others change the columns."""

from collections.abc import Sequence
from typing import Any

import pytest

from mappers.cdss.laboratory import LOCAL_TEST
from mappers.query import SearchQuery, Sort
from tests.writes.conftest import Written
from tests.writes.samples import sample


@pytest.mark.parametrize(
    ("resource_type", "param", "finds", "finds_no_more"),
    [
        ("AllergyIntolerance", "code", "http://snomed.info/sct|91935009", ""),
        ("AllergyIntolerance", "category", "medication", ""),
        ("AllergyIntolerance", "criticality", "low", "high"),
        ("Condition", "clinical-status", "recurrence", "active"),
        ("Condition", "onset-date", "2024-12", ""),
        ("Patient", "family", "이", ""),
        ("Patient", "telecom", "010-1111-2222", ""),
        ("Specimen", "accession", "urn:others|B-1", ""),
        ("Observation", "code", "urn:others|GLU", ""),
    ],
)
async def test_it_is_searched_by_what_was_sent(
    written: Written, resource_type: str, param: str, finds: str, finds_no_more: str
) -> None:
    found = await written.made(sample(resource_type))
    assert found["id"] in await written.all_found(resource_type, param, finds)
    if finds_no_more:
        assert found["id"] not in await written.all_found(resource_type, param, finds_no_more)


async def test_others_rows_are_found_as_before_beside_amended_ones(written: Written) -> None:
    before = await written.all_found("Observation", "code", f"{LOCAL_TEST}|GLU")
    found = await written.made(sample("Observation"))
    after = await written.all_found("Observation", "code", f"{LOCAL_TEST}|GLU")
    assert sorted(after) == sorted([*before, found["id"]])


async def test_once_others_change_the_columns_these_are_searched_again(written: Written) -> None:
    found = await written.made(sample("AllergyIntolerance"))
    key = found["id"].removeprefix("allergy-")
    await written.change(f"UPDATE emr_allergy SET category = 'environment' WHERE id = {key}")  # noqa: S608
    assert found["id"] not in await written.all_found("AllergyIntolerance", "category", "medication")
    assert found["id"] in await written.all_found("AllergyIntolerance", "category", "environment")
    assert found["id"] in await written.all_found("AllergyIntolerance", "criticality", "low")


async def test_chains_see_what_was_sent(written: Written) -> None:
    patient = await written.made(sample("Patient"))
    sent = {**sample("Observation"), "subject": {"reference": f"Patient/{patient['id']}"}}
    found = await written.made(sent)
    assert await written.all_found("Observation", "subject:Patient.family", "이") == [found["id"]]


#: for each type what the old application reads of a sample's row: plain SQL, and what it finds


@pytest.mark.parametrize("value", ["12|urn:units|drops", "12||drops", "gt11||drops", "12"])
async def test_a_quantity_of_any_unit_is_found(written: Written, value: str) -> None:
    drops = {"value": 12, "unit": "drops", "system": "urn:units", "code": "drops"}
    found = await written.made({**sample("Observation"), "valueQuantity": drops})
    assert found["id"] in await written.all_found("Observation", "value-quantity", value)
    assert found["id"] not in await written.all_found("Observation", "value-quantity", "13||drops")


def _family(text: str) -> dict[str, Any]:
    return {"name": [{"family": text, "given": ["x"]}, {"text": "다른 이름"}]}


#: what is said in other orders than the columns hold, in the order of what is said
SORTED: tuple[tuple[str, str, tuple[dict[str, Any], ...]], ...] = (
    ("Condition", "onset-date", tuple({"onsetDateTime": d} for d in ("2024-11", "2024-12-15", "2025-01"))),
    ("Patient", "family", tuple(_family(f) for f in ("Aa", "김가", "힣힣"))),
    ("MedicationRequest", "authoredon", tuple({"authoredOn": d} for d in ("2024-11", "2024-12", "2025"))),
)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(("resource_type", "param", "said"), SORTED)
async def test_they_are_sorted_by_what_was_sent_and_paging_loses_none(
    written: Written, resource_type: str, param: str, said: Sequence[dict[str, Any]], descending: bool
) -> None:
    order = (1, 0, 2)
    made = {i: (await written.made({**sample(resource_type), **said[i]}))["id"] for i in order}
    assert param in {name for _, name in written.engine.plans.amended.known}
    query = SearchQuery(resource_type, (), (Sort(param, descending),))
    everything, after = list[str](), None
    while not everything or after:
        page = await written.engine.page(query, 11, after)
        everything += [m["id"] for m in page.matches if isinstance(m, dict)]
        after = page.after
    assert len(everything) == len(set(everything))
    assert sorted(everything) == sorted(await every_id(written, resource_type))
    found = [i for i in everything if i in made.values()]
    assert found == [made[i] for i in sorted(made, reverse=descending)]


async def every_id(written: Written, resource_type: str) -> list[str]:
    page = await written.engine.page(SearchQuery(resource_type), 5000)
    return [m["id"] for m in page.matches if isinstance(m, dict)]


async def test_a_row_that_others_bring_back_is_not_found_by_what_was_deleted_with_it(
    written: Written,
) -> None:
    tagged = {**sample("AllergyIntolerance"), "meta": {"tag": [{"system": "urn:t", "code": "gone"}]}}
    found = await written.made(tagged)
    async with written.writer() as writer:
        await writer.delete("AllergyIntolerance", found["id"])
    key = found["id"].removeprefix("allergy-")
    await written.change(f"UPDATE emr_allergy SET is_active = 1 WHERE id = {key}")  # noqa: S608
    back = await written.engine.read("AllergyIntolerance", found["id"])
    assert isinstance(back, dict)
    assert "tag" not in back["meta"]
    assert await written.all_found("AllergyIntolerance", "_tag", "urn:t|gone") == []
    for param, value in (("criticality", "low"), ("category", "medication")):
        shown = {f"{back.get('criticality')}", *back.get("category", [])}
        assert (found["id"] in await written.all_found("AllergyIntolerance", param, value)) is (
            value in shown
        )
