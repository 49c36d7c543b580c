"""Every invariant of R4 is asked, or is named with the reason why not; and asking is quick."""

from __future__ import annotations

import subprocess
import sys
import time
from decimal import Decimal
from typing import Any

import pytest

from mappers.validation import by_hand, validate
from mappers.validation.fhirpath import without_siblings
from mappers.validation.moments import is_after
from mappers.validation.rules import rules_of
from terminology import definitions
from tests.validation.sample import examples

TYPES = [name for name in definitions.type_names() if definitions.kind(name) != "primitive-type"]


def paths() -> list[str]:
    return [path for name in TYPES for path in definitions.elements(name)]


def test_every_invariant_is_asked_or_named() -> None:
    defined = {one.key for path in paths() for one in definitions.invariants(path)}
    asked = {rule.definition.key for path in paths() for rule in rules_of(path)}
    named = by_hand.reasons()
    assert len(defined) > 230
    assert defined - asked == {key for key, (where, _) in named.items() if where != "by hand"}
    assert set(by_hand.RULES) == {key for key, (where, _) in named.items() if where == "by hand"}
    assert {key.split()[-1] for key in named} <= defined
    assert all(reason for _, reason in named.values())


def test_only_recommendations_are_left_out() -> None:
    assert [key for key, (where, _) in by_hand.reasons().items() if where == "left out"] == ["dom-6"]


def test_no_rule_fails_on_what_people_send() -> None:
    for resource in examples():
        failed = [issue for issue in validate(resource) if issue.code in ("not-supported", "too-costly")]
        assert not failed, (resource["resourceType"], resource.get("id"))


@pytest.mark.parametrize(
    ("first", "second", "after"),
    [
        ("2023-01-02", "2023-01-01", True),
        ("2023-05-01", "2023", False),
        ("2024", "2023-12-31", True),
        ("2023-01-01T10:00:00+09:00", "2023-01-01T01:00:00Z", False),
        ("2023-01-01T10:00:01+09:00", "2023-01-01T01:00:00Z", True),
        ("2023-01-01T00:00:00+14:00", "2023-01-01", False),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z", False),
        (None, "2023", False),
    ],
)
def test_dates_compare_by_their_zones_and_precision(first: str | None, second: str, after: bool) -> None:
    assert is_after(first, second) is after


@pytest.mark.parametrize(
    ("said", "kept"), [({}, True), ({"probabilityDecimal": 100}, True), ({"probabilityDecimal": 101}, False)]
)
def test_a_prediction_needs_no_probability(said: dict[str, Any], kept: bool) -> None:
    risk = {
        "resourceType": "RiskAssessment",
        "status": "final",
        "subject": {"reference": "Patient/1"},
        "prediction": [{"outcome": {"text": "fall"}, **said}],
    }
    assert ([issue.diagnostics for issue in validate(risk)] == []) is kept


def test_what_stands_beside_a_primitive_does_not_count_twice() -> None:
    beside = {"extension": [{"url": "urn:x", "valueString": "x"}]}
    assert without_siblings({"a": [1, None], "_a": [None, beside], "_b": beside}) == {"a": [1], "_b": beside}
    appointment: dict[str, Any] = {
        "resourceType": "Appointment",
        "status": "proposed",
        "_status": beside,
        "participant": [{"status": "accepted", "actor": {"display": "x"}}],
    }
    assert validate(appointment) == []


def test_a_server_that_starts_does_not_wait_for_validation() -> None:
    code = (
        "import sys, mappers.validation; from terminology import definitions; "
        "print('fhirpathpy' in sys.modules, definitions._load.cache_info().currsize)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "0"]


OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "lab-1",
    "meta": {"lastUpdated": "2025-03-02T09:30:00+09:00", "versionId": "1"},
    "text": {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Haemoglobin 13.50 g/dL</p></div>',
    },
    "identifier": [{"system": "http://example.org/results", "value": "812"}],
    "status": "final",
    "category": [
        {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                    "code": "laboratory",
                    "display": "Laboratory",
                }
            ]
        }
    ],
    "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}], "text": "Haemoglobin"},
    "subject": {"reference": "Patient/1"},
    "encounter": {"reference": "Encounter/1"},
    "effectiveDateTime": "2025-03-02T09:30:00+09:00",
    "issued": "2025-03-02T09:30:00+09:00",
    "performer": [{"reference": "Practitioner/1"}],
    "valueQuantity": {
        "value": Decimal("13.50"),
        "unit": "g/dL",
        "system": "http://unitsofmeasure.org",
        "code": "g/dL",
    },
    "referenceRange": [{"low": {"value": 12, "unit": "g/dL"}, "high": {"value": 16, "unit": "g/dL"}}],
}


def test_an_observation_takes_milliseconds() -> None:
    assert validate(OBSERVATION) == []
    times = []
    for _ in range(50):
        start = time.process_time()
        validate(OBSERVATION)
        times.append(time.process_time() - start)
    assert min(times) < 0.003
