"""Each fault is found, where it is, and with FHIR's own kind of issue."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mappers.validation import Issue, validate

HERE = Path(__file__).parent


def lines(name: str) -> list[dict[str, Any]]:
    """The rows of a file with a JSON object a line."""
    text = (HERE / name).read_text(encoding="utf-8")
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


def patient(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **elements}


def observation(**elements: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}
    return {"resourceType": "Observation", "status": "final", "code": code, **elements}


FAULTS = {one["fault"]: (one["resource"], one["expression"], one["code"]) for one in lines("faults.jsonl")}
# What JSON can't say, or only at length.
FAULTS |= {
    "a number that JSON lacks": (
        observation(valueQuantity={"value": float("nan")}),
        "Observation.value.ofType(Quantity).value",
        "value",
    ),
    "half a character": (patient(name=[{"text": "a\ud800"}]), "Patient.name[0].text", "value"),
    "a string of more than 1 MB": (
        patient(name=[{"text": "x" * (1024 * 1024 + 1)}]),
        "Patient.name[0].text",
        "too-long",
    ),
}
VALID = {one["valid"]: one["resource"] for one in lines("valid.jsonl")}


def errors(resource: Any) -> list[Issue]:
    return [issue for issue in validate(resource) if issue.severity in ("error", "fatal")]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_where_it_is(name: str) -> None:
    resource, expression, code = FAULTS[name]
    found = errors(resource)
    assert [(issue.expression, issue.code) for issue in found] == [(expression, code)], found


@pytest.mark.parametrize("name", VALID)
def test_what_is_valid_is_left_alone(name: str) -> None:
    assert validate(VALID[name]) == []


def test_all_faults_are_told_at_once() -> None:
    resource = observation(status="fnal", valueString=5, nickname="x", subject={"reference": "Slot/1"})
    assert {issue.expression for issue in errors(resource)} == {
        "Observation.status",
        "Observation.value.ofType(string)",
        "Observation",
        "Observation.subject.reference",
    }


def test_long_values_are_not_repeated() -> None:
    for issue in errors(patient(gender="m" * 10_000, birthDate="9" * 10_000, **{"k" * 10_000: 1})):
        assert len(issue.diagnostics) < 300


def test_another_type_than_the_one_asked_for_is_an_error() -> None:
    (issue,) = validate(patient(), "Observation")
    assert (issue.code, issue.expression) == ("invalid", "Patient.resourceType")
    assert not validate(patient(), "Patient")


def test_a_display_that_the_system_does_not_have_is_a_warning() -> None:
    system = "http://terminology.hl7.org/CodeSystem/observation-category"
    coding = {"system": system, "code": "laboratory", "display": "Something else"}
    (issue,) = validate(observation(category=[{"coding": [coding]}]))
    assert (issue.severity, issue.expression) == ("warning", "Observation.category[0].coding[0].display")


def test_what_is_no_object_is_fatal() -> None:
    nothing: tuple[Any, ...] = (None, [], "Patient", 5, True)
    for value in nothing:
        (issue,) = validate(value, "Patient")
        assert (issue.severity, issue.code, issue.expression) == ("fatal", "structure", "Patient")
