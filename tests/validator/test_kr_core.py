"""The KR Core profiles that a resource claims in `meta.profile` are checked; each rule here can fail."""

import json
from pathlib import Path

import pytest

from tests.validator import KR_CORE, Validator
from tests.validator.changes import replaced, without
from tests.validator.kr_core_examples import EXAMPLES, HK, profile

MASKED = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
LOINC_PULSE_OXIMETRY = {"system": "http://loinc.org", "code": "59408-5"}

# A profile, and what can't be taken away from its example.
MISSING = [
    ("krcore-patient", "identifier"),
    ("krcore-patient", "identifier.0.system"),
    ("krcore-patient", "identifier.0.value"),
    ("krcore-patient", "name"),
    ("krcore-patient", "gender"),
    ("krcore-patient", "birthDate"),
    ("krcore-patient", "telecom.0.value"),
    ("krcore-patient", "address.0.extension.0.extension.1"),
    ("krcore-practitioner", "name"),
    ("krcore-medical-doctor", "name"),
    ("krcore-medical-doctor", "qualification"),
    ("krcore-medical-doctor", "qualification.0.identifier"),
    ("krcore-medical-doctor", "qualification.0.identifier.0.value"),
    ("krcore-medical-doctor-role", "code"),
    ("krcore-medical-doctor-role", "specialty"),
    ("krcore-organization", "name"),
    ("krcore-healthcare-organization", "identifier"),
    ("krcore-healthcare-organization", "identifier.0.value"),
    ("krcore-encounter", "class.system"),
    ("krcore-condition-encounter-diagnosis", "category"),
    ("krcore-condition-encounter-diagnosis", "code"),
    ("krcore-condition-encounter-diagnosis", "recordedDate"),
    ("krcore-condition-chief-complaint", "category"),
    ("krcore-condition-chief-complaint", "code"),
    ("krcore-allergyintolerance", "code"),
    ("krcore-procedure", "code"),
    ("krcore-procedure", "code.coding.0.system"),
    ("krcore-procedure", "performedDateTime"),
    ("krcore-medication", "code"),
    ("krcore-medication", "code.coding.0.display"),
    ("krcore-medication", "ingredient"),
    ("krcore-medicationrequest", "medicationCodeableConcept.coding.0.display"),
    ("krcore-medicationrequest", "medicationCodeableConcept.extension"),
    ("krcore-medicationrequest", "dosageInstruction"),
    ("krcore-medicationrequest", "dosageInstruction.0.doseAndRate"),
    ("krcore-immunization", "vaccineCode.coding.0"),
    ("krcore-immunization", "vaccineCode.coding.1.code"),
    ("krcore-observation-laboratory-result", "category"),
    ("krcore-observation-laboratory-result", "issued"),
    ("krcore-observation-function-test", "category"),
    ("krcore-observation-function-test", "effectiveDateTime"),
    ("krcore-vitalsigns", "category"),
    ("krcore-bodyheight", "valueQuantity.value"),
    ("krcore-bloodpressure", "component.0.valueQuantity.value"),
    ("krcore-diagnosticreport-laboratory-results", "category"),
    ("krcore-diagnosticreport-pathology-results", "extension"),
    ("krcore-diagnosticreport-diagnostic-imaging", "category"),
    ("krcore-diagnosticreport-function-tests", "extension"),
    ("krcore-specimen", "subject"),
]

# A profile, a place in its example, and a value that it refuses there.
WRONG = [
    ("krcore-patient", "name.0", {"family": "김"}),
    ("krcore-medical-doctor", "qualification.0.identifier.0.system", "http://neuronova.hospital/licence"),
    ("krcore-medical-doctor-role", "specialty.0.coding.0.code", "44"),
    ("krcore-medical-doctor-role", "code.0.coding.0.code", "nurse"),
    ("krcore-healthcare-organization", "type.0.coding.0.code", "99"),
    ("krcore-encounter", "class.code", "NAMBX"),
    ("krcore-encounter", "class", {"system": "http://neuronova.hospital/class", "code": "OPD"}),
    ("krcore-encounter", "extension.0.valueCodeableConcept.coding.0.code", "1"),
    ("krcore-encounter", "subject.reference", "Group/1"),
    ("krcore-condition-encounter-diagnosis", "code.coding.0.system", f"{HK}/CodeSystem/kostat-kcd-7"),
    ("krcore-condition-encounter-diagnosis", "category.0.coding.0.code", "주호소"),
    ("krcore-medicationrequest", "dispenseRequest.expectedSupplyDuration.code", "kg"),
    ("krcore-immunization", "vaccineCode.coding.0.code", "46"),
    ("krcore-immunization", "protocolApplied.0", {"doseNumberString": "1차"}),
    ("krcore-observation-laboratory-result", "category.0.coding.0.code", "exam"),
    ("krcore-bodyheight", "valueQuantity.code", "m"),
    ("krcore-pulseoximetry", "code.coding.0.code", "59408-5"),
    ("krcore-bloodpressure", "component.1.valueQuantity.code", "kPa"),
    ("krcore-diagnosticreport-laboratory-results", "category.0.coding.0.code", "RAD"),
]


def _definitions() -> list[Path]:
    """The profiles' files, not the extensions': the validator checks those with a package cache only."""
    files = sorted(KR_CORE.glob("StructureDefinition-*.json"))
    return [file for file in files if json.loads(file.read_bytes())["type"] != "Extension"]


def test_every_profile_has_an_example() -> None:
    assert {file.stem.removeprefix("StructureDefinition-") for file in _definitions()} == set(EXAMPLES)


@pytest.mark.parametrize("file", _definitions(), ids=lambda file: file.stem)
def test_the_definitions_are_valid_themselves(validator: Validator, file: Path) -> None:
    assert not validator.errors(file.read_bytes())


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_conforming_resource_has_no_errors(validator: Validator, name: str) -> None:
    assert not validator.errors(EXAMPLES[name])


@pytest.mark.parametrize(("name", "path"), MISSING)
def test_what_a_profile_demands_is_missed(validator: Validator, name: str, path: str) -> None:
    errors = validator.errors(without(EXAMPLES[name], path))
    assert any("krcore-" in error.message for error in errors), errors


@pytest.mark.parametrize(("name", "path", "value"), WRONG)
def test_what_a_profile_fixes_is_checked(validator: Validator, name: str, path: str, value: object) -> None:
    assert validator.errors(replaced(EXAMPLES[name], path, value))


def test_a_masked_value_fulfils_what_is_mandatory(validator: Validator) -> None:
    masked = replaced(without(EXAMPLES["krcore-patient"], "birthDate"), "_birthDate", {"extension": [MASKED]})
    assert not validator.errors(masked)


def test_a_second_code_may_stand_beside_the_demanded_one(validator: Validator) -> None:
    codings = [
        *EXAMPLES["krcore-pulseoximetry"]["code"]["coding"],
        {"system": "http://loinc.org", "code": "59408-5"},
    ]
    assert not validator.errors(replaced(EXAMPLES["krcore-pulseoximetry"], "code.coding", codings))


def test_a_profile_that_does_not_exist_is_an_error(validator: Validator) -> None:
    claim = replaced(EXAMPLES["krcore-patient"], "meta.profile", [profile("krcore-patients")])
    assert [issue.location for issue in validator.errors(claim)][:1] == ["Patient.meta.profile[0]"]


def test_a_profile_of_another_guide_is_only_mentioned(validator: Validator) -> None:
    us_core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"
    claim = replaced(EXAMPLES["krcore-patient"], "meta.profile", [us_core])
    (issues,) = validator.validate([claim])
    assert {issue.severity for issue in issues} == {"information"}
    assert us_core in issues[0].message
