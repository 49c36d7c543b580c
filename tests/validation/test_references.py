"""Every Reference of a resource is found, with its place and the types that it may have."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import fhirpathpy
from fhirpathpy.models import models

from mappers.validation import references
from mappers.validation.targets import type_of
from tests.validation.sample import examples

IDENTIFIED = {"identifier": {"assigner": {"reference": "Organization/9"}}, "reference": "Patient/1"}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "_status": {"extension": [{"url": "urn:x", "valueReference": {"reference": "Group/1"}}]},
    "code": {"text": "x"},
    "subject": IDENTIFIED,
    "performer": [{"reference": "Practitioner/1"}, {"reference": "#p"}],
    "component": [{"code": {"text": "x"}, "extension": [{"url": "urn:x", "valueReference": {}}]}],
    "contained": [
        {
            "resourceType": "PractitionerRole",
            "id": "p",
            "organization": {"reference": "Organization/1"},
        }
    ],
}


def test_references_come_with_their_place_and_targets() -> None:
    found = {one.expression: one for one in references(OBSERVATION)}
    assert set(found) == {
        "Observation.status.extension[0].value.ofType(Reference)",
        "Observation.subject",
        "Observation.subject.identifier.assigner",
        "Observation.performer[0]",
        "Observation.performer[1]",
        "Observation.component[0].extension[0].value.ofType(Reference)",
        "Observation.contained[0].organization",
    }
    assert found["Observation.subject"].reference is IDENTIFIED
    assert found["Observation.subject"].targets == ("Patient", "Group", "Device", "Location")
    assert found["Observation.contained[0].organization"].targets == ("Organization",)


def test_references_of_entries_and_parameters_are_found() -> None:
    entry = {"resource": {"resourceType": "Patient", "managingOrganization": {"reference": "Organization/1"}}}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [entry]}
    assert [one.expression for one in references(bundle)] == ["Bundle.entry[0].resource.managingOrganization"]
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "a", **entry}]}
    (one,) = references(parameters)
    assert one.expression == "Parameters.parameter[0].resource.managingOrganization"


def _anywhere(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _anywhere(one)
    elif isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for one in value.values():
            yield from _anywhere(one)


def test_no_reference_of_an_example_is_missed() -> None:
    for resource in examples():
        found = [one.reference["reference"] for one in references(resource) if "reference" in one.reference]
        written = [text for text in _anywhere(resource) if type_of(text) or text.startswith("#")]
        assert sorted(text for text in found if text in written) == sorted(written), resource.get("id")


def test_a_place_is_a_fhirpath_that_leads_to_the_reference() -> None:
    compiled = cache(lambda path: fhirpathpy.compile(path, models["r4"]))
    for resource in examples():
        for one in references(resource):
            if "contained" not in one.expression and "entry" not in one.expression:
                path = one.expression.replace(".ofType(Reference)", "")
                assert compiled(path)(resource, {}) == [one.reference], path
