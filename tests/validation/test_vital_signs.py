"""R4's profiles of vital signs hold for their LOINC codes: HL7's validator has an error where we warn."""

from __future__ import annotations

from typing import Any

import pytest

from mappers.validation import validate
from tests.validator import Validator
from tests.validator.changes import replaced, without

LOINC = "http://loinc.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def quantity(code: str, value: float = 60) -> dict[str, Any]:
    return {"value": value, "unit": code, "system": "http://unitsofmeasure.org", "code": code}


def observation(code: str, **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": "vital-signs"}]}],
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": "Patient/1"},
        "effectiveDateTime": "2025-03-02T09:30:00+09:00",
        **elements,
    }


def part(code: str, **elements: Any) -> dict[str, Any]:
    return {"code": {"coding": [{"system": LOINC, "code": code}]}, **elements}


HEART_RATE = observation("8867-4", valueQuantity=quantity("/min"))
PRESSURE = observation(
    "85354-9",
    component=[
        part("8480-6", valueQuantity=quantity("mm[Hg]", 120)),
        part("8462-4", dataAbsentReason={"text": "not measured"}),
    ],
)
CONFORMING = [
    HEART_RATE,
    PRESSURE,
    observation("9279-1", dataAbsentReason={"text": "not measured"}),
    observation("29463-7", valueQuantity=quantity("[lb_av]")),
    observation("8310-5", valueQuantity=quantity("Cel", 36.5)),
    observation("39156-5", valueQuantity=quantity("kg/m2", 22)),
    observation("85353-1", hasMember=[{"reference": "Observation/1"}]),
]
LACKING = {
    "category": (without(HEART_RATE, "category"), "Observation.category"),
    "another category": (replaced(HEART_RATE, "category.0.coding.0.code", "exam"), "Observation.category"),
    "subject": (without(HEART_RATE, "subject"), "Observation.subject"),
    "time": (without(HEART_RATE, "effectiveDateTime"), "Observation.effective"),
    "value": (without(HEART_RATE, "valueQuantity"), "Observation"),
    "unit's text": (without(HEART_RATE, "valueQuantity.unit"), "Observation.value.ofType(Quantity)"),
    "unit": (replaced(HEART_RATE, "valueQuantity.code", "/h"), "Observation.value.ofType(Quantity)"),
    "a part": (without(PRESSURE, "component.1"), "Observation.component"),
    "a part's value": (without(PRESSURE, "component.1.dataAbsentReason"), "Observation.component[1]"),
    "a part's unit": (
        replaced(PRESSURE, "component.0.valueQuantity", quantity("kPa", 16)),
        "Observation.component[0].value.ofType(Quantity)",
    ),
    "members": (observation("85353-1"), "Observation.hasMember"),
}


def test_what_conforms_gets_no_warning(validator: Validator) -> None:
    for resource, official in zip(CONFORMING, validator.validate(CONFORMING), strict=True):
        assert validate(resource) == []
        assert not [issue for issue in official if issue.is_error]


@pytest.mark.parametrize("what", LACKING)
def test_what_is_lacking_is_a_warning_with_its_place(validator: Validator, what: str) -> None:
    resource, expression = LACKING[what]
    (issue,) = validate(resource)
    assert (issue.severity, issue.code, issue.expression) == ("warning", "business-rule", expression)
    assert validator.errors(resource)


def test_within_a_bundle_the_place_is_the_entrys() -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": LACKING["subject"][0]}],
    }
    (issue,) = validate(bundle)
    assert issue.expression == "Bundle.entry[0].resource.subject"


def test_other_observations_need_nothing_of_it() -> None:
    assert validate({"resourceType": "Observation", "status": "final", "code": {"text": "8867-4"}}) == []
