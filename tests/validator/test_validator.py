"""The validator accepts what is valid and finds what is not: else a clean run of it would prove nothing."""

from decimal import Decimal
from typing import Any

import pytest

from tests.validator import Issue, Validator, ValidatorDied
from tests.validator.changes import replaced, without

UCUM = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
HAEMOGLOBIN = {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "P-2025-000001",
    "identifier": [{"system": "http://neuronova.hospital/patient-id", "value": "P-2025-000001"}],
    "name": [{"text": "김철수", "family": "김", "given": ["철수"]}],
    "gender": "male",
    "birthDate": "1961-04-12",
}
LAB: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "category": [{"coding": [{"system": CATEGORY, "code": "laboratory"}]}],
    "code": {"coding": [*HAEMOGLOBIN["coding"], {"system": "http://neuronova.hospital/lab", "code": "HB"}]},
    "subject": {"reference": "Patient/P-2025-000001"},
    "effectiveDateTime": "2025-03-02T09:30:00+09:00",
    "valueQuantity": {"value": Decimal("13.50"), "unit": "g/dL", "system": UCUM, "code": "g/dL"},
}
HEART_RATE: dict[str, Any] = {
    **LAB,
    "category": [{"coding": [{"system": CATEGORY, "code": "vital-signs"}]}],
    "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
    "valueQuantity": {"value": 72, "unit": "beats/minute", "system": UCUM, "code": "/min"},
}
ENCOUNTER: dict[str, Any] = {
    "resourceType": "Encounter",
    "status": "finished",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    "subject": {"reference": "Patient/P-2025-000001"},
}
VALID = [PATIENT, LAB, HEART_RATE, ENCOUNTER]

# A resource, the place of its fault, and a word of the verdict.
INVALID = {
    "a code that its required binding lacks": (
        replaced(PATIENT, "gender", "man"),
        "Patient.gender",
        "required",
    ),
    "a status of another type": (replaced(ENCOUNTER, "status", "final"), "Encounter.status", "required"),
    "no status": (without(LAB, "status"), "Observation", "Observation.status: minimum required = 1"),
    "an element that R4 lacks": (replaced(PATIENT, "nickname", "x"), "Patient", "Unrecognized property"),
    "a date that no calendar has": (
        replaced(PATIENT, "birthDate", "1961-13-12"),
        "Patient.birthDate",
        "date",
    ),
    "a time without its zone": (
        replaced(LAB, "effectiveDateTime", "2025-03-02T09:30:00"),
        "Observation.effective.ofType(dateTime)",
        "timezone",
    ),
    "a unit that UCUM lacks": (
        replaced(LAB, "valueQuantity.code", "gram/dL"),
        "Observation.value.ofType(Quantity)",
        "unit",
    ),
    "a value, and why it is absent": (
        replaced(LAB, "dataAbsentReason", {"text": "?"}),
        "Observation",
        "obs-6",
    ),
    "a component that repeats the value's code": (
        replaced(LAB, "component", [{"code": LAB["code"], "valueString": "x"}]),
        "Observation",
        "obs-7",
    ),
    "a code that its system lacks": (
        replaced(ENCOUNTER, "class.code", "OPD"),
        "Encounter.class",
        "Unknown code",
    ),
    "a reference to a wrong type": (
        replaced(ENCOUNTER, "subject.reference", "Practitioner/1"),
        "Encounter.subject",
        "not a valid Target",
    ),
    "an extension that nobody defined": (
        replaced(PATIENT, "extension", [{"url": "http://neuronova.hospital/x", "valueString": "x"}]),
        "Patient.extension[0]",
        "not allowed",
    ),
    "an empty list": (replaced(PATIENT, "contact", []), "Patient.contact", "empty"),
    "a type that R4 lacks": ({"resourceType": "Visit"}, "Visit", "unknown"),
    "a vital sign without its time": (
        without(HEART_RATE, "effectiveDateTime"),
        "Observation",
        "effective[x]",
    ),
    "a vital sign in another unit": (
        replaced(HEART_RATE, "valueQuantity.code", "{beats}/min"),
        "Observation.value.ofType(Quantity).code",
        "fixed to '/min'",
    ),
    "a vital sign without its category": (without(HEART_RATE, "category"), "Observation", "category"),
}


@pytest.mark.parametrize("resource", VALID, ids=lambda resource: resource["resourceType"])
def test_a_valid_resource_has_no_errors(validator: Validator, resource: dict[str, Any]) -> None:
    assert not validator.errors(resource)


@pytest.mark.parametrize("fault", INVALID)
def test_an_invalid_resource_is_told_where_and_why(validator: Validator, fault: str) -> None:
    resource, location, word = INVALID[fault]
    errors = validator.errors(resource)
    assert any(error.location == location and word in f"{error}" for error in errors), errors


def test_what_a_hospital_codes_its_own_way_is_no_fault(validator: Validator) -> None:
    local = {"coding": [{"system": "http://neuronova.hospital/codes", "code": "X"}]}
    (issues,) = validator.validate([replaced(LAB, "method", local)])
    assert not [issue for issue in issues if issue.is_error or issue.severity == "warning"]


def test_a_language_with_its_country_is_no_fault(validator: Validator) -> None:
    assert not validator.errors(replaced(PATIENT, "language", "ko-KR"))


def test_an_extension_of_hl7_is_checked_by_its_definition(validator: Validator) -> None:
    url = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
    assert not validator.errors(
        replaced(PATIENT, "extension", [{"url": url, "valueAddress": {"city": "서울"}}])
    )
    assert validator.errors(replaced(PATIENT, "extension", [{"url": url, "valueString": "서울"}]))


def test_answers_come_in_the_order_of_the_resources(validator: Validator) -> None:
    faulty = without(LAB, "status")
    many = [PATIENT, faulty] * 200
    answers = validator.validate(many)
    assert [any(issue.is_error for issue in issues) for issues in answers] == [False, True] * 200


def test_json_is_judged_as_it_was_written(validator: Validator) -> None:
    text = b'{"resourceType": "Patient",\r\n "gender": "male",\n "gender": "female"}'
    assert any("gender" in issue.message for issue in validator.errors(text))


def test_decimals_reach_the_validator_with_all_their_digits(validator: Validator) -> None:
    digits = replaced(LAB, "valueQuantity.value", Decimal("13.5000000000000000000000001"))
    assert not validator.errors(digits)
    assert validator.errors(replaced(LAB, "valueQuantity.value", "13.5"))


@pytest.mark.parametrize("text", [b"", b"[]", b"no json", b"{", b'{"resourceType": 1}'])
def test_what_is_no_resource_is_an_error_and_not_the_end(validator: Validator, text: bytes) -> None:
    assert validator.errors(text)
    assert not validator.errors(PATIENT)


def test_an_issue_reads_as_one_line() -> None:
    issue = Issue("error", "Patient.gender", "Unknown code", "Terminology")
    assert str(issue) == "error at Patient.gender: Unknown code [Terminology]"


def test_a_validator_that_was_killed_starts_again(validator: Validator) -> None:
    assert not validator.errors(PATIENT)
    assert validator._process is not None
    validator._process.kill()
    assert validator.errors(without(LAB, "status"))


def test_a_validator_that_keeps_dying_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.validator.validator._JAVA", ["sh", "-c", "echo out of memory >&2; exit 3"])
    with Validator() as dying, pytest.raises(ValidatorDied, match="exit status 3: out of memory"):
        dying.validate([PATIENT] * 1000)
