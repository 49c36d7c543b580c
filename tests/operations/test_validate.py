"""$validate tells all that is wrong, or that nothing is, and what it could not look at."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_facade.registry import by_type
from tests.facade.facade import Facade
from tests.http.outcomes import refused
from tests.smart_auth.badges import Badges, user
from tests.validator import Validator

JSON = {"content-type": "application/fhir+json"}
PATIENT = "Patient/P-2025-000001"
GOOD = {"resourceType": "Patient", "name": [{"text": "김철수"}], "gender": "male"}
BAD = {"resourceType": "Patient", "gender": "man", "birthDate": "2023-02-30", "nickname": "x"}
KR_CORE = "http://www.hl7korea.or.kr/fhir/krcore/StructureDefinition/krcore-patient"
ALL_OK = [{"severity": "information", "code": "informational", "diagnostics": "All OK"}]


async def told(facade: Facade, path: str, resource: Any = None) -> list[dict[str, Any]]:
    """The issues of a 200."""
    if resource is None:
        response = await facade.get(path)
    else:
        response = await facade.request("POST", path, JSON, json.dumps(resource))
    assert response.status_code == 200, response.text
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    issues: list[dict[str, Any]] = outcome["issue"]
    return issues


def parameters(resource: Any = None, **more: str) -> dict[str, Any]:
    kinds = {"mode": "valueCode", "profile": "valueUri"}
    parts: list[dict[str, Any]] = [{"name": name, kinds[name]: value} for name, value in more.items()]
    if resource is not None:
        parts.append({"name": "resource", "resource": resource})
    return {"resourceType": "Parameters", "parameter": parts}


async def test_a_valid_resource_is_all_ok(embedded: Facade) -> None:
    assert await told(embedded, "Patient/$validate", GOOD) == ALL_OK
    assert await told(embedded, "Patient/$validate", parameters(GOOD, mode="create")) == ALL_OK


async def test_every_fault_is_told_with_its_place(embedded: Facade, validator: Validator) -> None:
    for body in (BAD, parameters(BAD)):
        issues = await told(embedded, "Patient/$validate", body)
        assert {(one["severity"], one["code"], *one["expression"]) for one in issues} == {
            ("error", "code-invalid", "Patient.gender"),
            ("error", "value", "Patient.birthDate"),
            ("error", "structure", "Patient"),
        }
    response = await embedded.request("POST", "Patient/$validate", JSON, json.dumps(BAD))
    assert not validator.errors(response.content)


async def test_types_that_are_not_served_are_validated_too(embedded: Facade) -> None:
    assert "VisionPrescription" not in by_type()
    (issue, *_) = await told(
        embedded, "VisionPrescription/$validate", {"resourceType": "VisionPrescription", "status": "x"}
    )
    assert issue["expression"] == ["VisionPrescription.status"]


async def test_a_resource_of_another_type_is_a_fault(embedded: Facade) -> None:
    (issue,) = await told(embedded, "Observation/$validate", GOOD)
    assert (issue["code"], issue["expression"]) == ("invalid", ["Patient.resourceType"])


@pytest.mark.parametrize("resource_type", by_type())
async def test_what_is_stored_is_valid(embedded: Facade, resource_type: str) -> None:
    resource = (await embedded.all(resource_type))[0]
    issues = await told(embedded, f"{resource_type}/{resource['id']}/$validate")
    assert not [one for one in issues if one["severity"] in ("error", "fatal")]


async def test_what_is_sent_to_an_instance_is_validated_instead_of_what_is_stored(embedded: Facade) -> None:
    (issue,) = await told(embedded, f"{PATIENT}/$validate", parameters(GOOD, mode="update"))
    assert issue["expression"] == ["Patient.id"]
    own = {**GOOD, "id": PATIENT.removeprefix("Patient/")}
    assert await told(embedded, f"{PATIENT}/$validate", parameters(own, mode="update")) == ALL_OK


async def test_a_profile_that_is_not_checked_is_named(embedded: Facade) -> None:
    (issue,) = await told(embedded, "Patient/$validate", parameters(GOOD, mode="profile", profile=KR_CORE))
    assert (issue["severity"], issue["code"]) == ("warning", "not-supported")
    assert KR_CORE in issue["diagnostics"]
    claiming = {**GOOD, "meta": {"profile": [KR_CORE]}}
    (issue,) = await told(embedded, "Patient/$validate", claiming)
    assert (issue["severity"], issue["expression"]) == ("information", ["Patient.meta.profile"])
    base = "http://hl7.org/fhir/StructureDefinition/Patient"
    assert await told(embedded, "Patient/$validate", parameters(GOOD, profile=base)) == ALL_OK


async def test_a_deletion_is_not_called_harmless(embedded: Facade) -> None:
    issues = await told(embedded, f"{PATIENT}/$validate?mode=delete")
    assert any(one["expression"] == ["http.mode"] for one in issues)


async def test_what_can_t_be_validated_is_refused(embedded: Facade) -> None:
    refused(await embedded.get("Patient/$validate"), 400, "required")
    refused(await embedded.get("Patient/nobody/$validate"), 404, "not-found")
    refused(await embedded.get(f"{PATIENT}/$validate?mode=replace"), 400, "value", "http.mode")
    refused(await embedded.get(f"{PATIENT}/$validate?mode=profile"), 400, "required", "http.profile")
    refused(await embedded.request("POST", "Nonsense/$validate", JSON, "{}"), 404, "not-found")


async def test_what_may_not_be_seen_is_not_validated(guarded: Facade, badges: Badges) -> None:
    other = badges.badge("patient/*.rs", user("patient"), patient="P-2025-000001")
    refused(await guarded.get("Patient/P-2025-000002/$validate", authorization=other), 404, "not-found")
    nothing = badges.badge("user/Observation.rs", user("doctor"))
    refused(await guarded.get(f"{PATIENT}/$validate", authorization=nothing), 403, "forbidden")


async def test_odd_claims_are_no_trouble(embedded: Facade) -> None:
    for meta in ("x", {"profile": "x"}, {"profile": [5, None]}, {"profile": ["x" * 5000]}):
        issues = await told(embedded, "Patient/$validate", {**GOOD, "meta": meta})
        assert all(len(one["diagnostics"]) < 500 for one in issues)
