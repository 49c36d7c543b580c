"""Composite parameters of what clients write: both halves are said together, or it isn't found."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.writes.conftest import Written
from tests.writes.samples import sample

PATIENT = "Patient/P-2025-000001"


def coded(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "urn:t", "code": code}]}


GROUP = {
    "resourceType": "Group",
    "type": "person",
    "actual": True,
    "characteristic": [
        {"code": coded("sex"), "valueCodeableConcept": coded("female"), "exclude": False},
        {"code": coded("smoker"), "valueBoolean": True, "exclude": False},
        {"code": coded("age"), "valueQuantity": {"value": 50}, "exclude": False},
    ],
}
CONTEXT = {"system": "http://terminology.hl7.org/CodeSystem/usage-context-type"}
VALUE_SET = {
    "resourceType": "ValueSet",
    "status": "active",
    "useContext": [
        {"code": {**CONTEXT, "code": "focus"}, "valueCodeableConcept": coded("stroke")},
        {
            "code": {**CONTEXT, "code": "age"},
            "valueQuantity": {
                "value": Decimal("2.5"),
                "unit": "a",
                "system": "http://unitsofmeasure.org",
                "code": "a",
            },
        },
    ],
}
DOCUMENT = {
    "resourceType": "DocumentReference",
    "status": "current",
    "content": [{"attachment": {"url": "http://x.example/1"}}],
}


@pytest.mark.parametrize(
    ("resource", "param", "finds", "misses"),
    [
        (GROUP, "characteristic-value", "urn:t|sex$urn:t|female", "urn:t|smoker$urn:t|female"),
        (GROUP, "characteristic-value", "sex$female", "sex$true"),
        (GROUP, "characteristic-value", "smoker$true", "smoker$false"),
        (GROUP, "characteristic-value", "sex$male,smoker$true", "sex$male,smoker$false"),
        (VALUE_SET, "context-type-value", "focus$stroke", "age$stroke"),
        (VALUE_SET, "context-type-quantity", "age$gt2", "focus$gt2"),
        (VALUE_SET, "context-type-quantity", "age$2.5||a", "age$lt2.5"),
        (VALUE_SET, "context-type-quantity", "age$30|http://unitsofmeasure.org|mo", "age$30||a"),
    ],
)
async def test_it_is_found_by_what_one_element_says(
    written: Written, resource: dict[str, Any], param: str, finds: str, misses: str
) -> None:
    made = await written.made(resource)
    kind = resource["resourceType"]
    assert await written.found(kind, param, finds) == [made["id"]]
    assert await written.found(kind, param, misses) == []
    other = {k: v for k, v in made.items() if k not in ("characteristic", "useContext")}
    async with written.writer() as writer:
        await writer.update(kind, made["id"], other)
    assert await written.found(kind, param, finds) == []


async def test_a_document_is_found_by_what_it_is_to_another(written: Written) -> None:
    first = await written.made(DOCUMENT)
    reference = f"DocumentReference/{first['id']}"
    led = [{"code": "replaces", "target": {"reference": reference}}]
    elsewhere = {"code": "signs", "target": {"reference": "http://x.example/fhir/DocumentReference/7"}}
    second = await written.made({**DOCUMENT, "relatesTo": [*led, elsewhere]})
    for finds in (f"replaces${reference}", "signs$http://x.example/fhir/DocumentReference/7"):
        assert await written.found("DocumentReference", "relationship", finds) == [second["id"]]
    for misses in (f"signs${reference}", "replaces$http://x.example/fhir/DocumentReference/7"):
        assert await written.found("DocumentReference", "relationship", misses) == []


async def test_a_result_is_found_by_code_and_value_as_they_are_read(written: Written) -> None:
    drops = {"value": 12, "unit": "drops", "system": "urn:units", "code": "drops"}
    parts = [
        {"code": coded("left"), "valueQuantity": drops},
        {"code": coded("right"), "valueQuantity": {"value": 3}},
    ]
    made = await written.made({**sample("Observation"), "valueQuantity": drops, "component": parts})

    async def found(param: str, value: str) -> bool:
        return made["id"] in await written.all_found("Observation", param, value)

    assert await found("code-value-quantity", "urn:others|GLU$12||drops")
    assert not await found("code-value-quantity", "urn:others|GLU$13||drops")
    assert await found("component-code-value-quantity", "left$12||drops")
    assert not await found("component-code-value-quantity", "right$12||drops")
    assert await found("combo-code-value-quantity", "left$12||drops")
    assert await found("combo-code-value-quantity", "urn:others|GLU$12||drops")
    assert not await found("combo-code-value-quantity", "urn:others|GLU$3")
    key = made["id"].removeprefix("lab-")
    await written.change(f"UPDATE lis_labresult SET value = '99', value_numeric = 99 WHERE id = {key}")  # noqa: S608
    assert await found("code-value-quantity", "urn:others|GLU$99")
    assert not await found("code-value-quantity", "urn:others|GLU$12||drops")
    assert await found("combo-code-value-quantity", "left$12||drops")
