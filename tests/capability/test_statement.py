"""The CapabilityStatement is valid, and every claim in it can be called."""

from functools import cache
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from capability.statement import capability_statement
from capability.terminology import terminology_capabilities
from fhir_facade.registry import OPERATIONS, by_type, everything
from tests.validator import Validator

BASE = "http://127.0.0.1:8000/api/fhir"
MAPPINGS = everything()


@cache
def claims() -> dict[str, Any]:
    statement = capability_statement(MAPPINGS, BASE, "0", "2025-01-01T00:00:00Z")
    return {r["type"]: r for r in statement["rest"][0]["resource"]}


async def answer(client: httpx.AsyncClient, path: str) -> Any:
    response = await client.get(f"/api/fhir/{path}", headers={"Prefer": "handling=strict"})
    assert response.status_code == 200, f"{path}: {response.text[:400]}"
    return response.json()


def test_both_statements_are_valid(validator: Validator) -> None:
    date = "2025-01-01T00:00:00Z"
    degraded = ("Patient lacks name (missing: column cdss_db.emr_patientcache.name)",)
    statement = capability_statement(MAPPINGS, BASE, "0", date, degraded, operations=OPERATIONS)
    assert validator.errors(statement) == []
    assert validator.errors(terminology_capabilities(BASE, "0", date, MAPPINGS, OPERATIONS)) == []


async def test_metadata_answers_the_mode_that_is_asked_for(client: httpx.AsyncClient) -> None:
    assert (await answer(client, "metadata"))["resourceType"] == "CapabilityStatement"
    assert (await answer(client, "metadata?mode=full"))["resourceType"] == "CapabilityStatement"
    assert (await answer(client, "metadata?mode=terminology"))["resourceType"] == "TerminologyCapabilities"


async def test_a_mode_that_there_is_not_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/fhir/metadata?mode=all")
    assert response.status_code == 400
    assert response.json()["issue"][0]["expression"] == ["http.mode"]


async def test_metadata_claims_what_the_registry_lists(client: httpx.AsyncClient) -> None:
    statement = await answer(client, "metadata")
    assert [r["type"] for r in statement["rest"][0]["resource"]] == sorted([*MAPPINGS, "OperationDefinition"])
    assert statement["implementation"]["url"] == BASE


@pytest.mark.parametrize("resource_type", MAPPINGS)
async def test_every_parameter_that_is_claimed_is_taken(
    client: httpx.AsyncClient, resource_type: str
) -> None:
    for claim in claims()[resource_type]["searchParam"]:
        value = _value(resource_type, claim)
        await answer(client, f"{resource_type}?{claim['name']}={quote(value, safe='')}&_count=1")


def _value(resource_type: str, claim: dict[str, Any]) -> str:
    """The declared example, else a value of the parameter's type."""
    declared = MAPPINGS[resource_type].params.get(claim["name"])
    if declared and declared.example:
        return declared.example
    return {"date": "2025", "number": "1", "quantity": "1", "composite": "x$1"}.get(claim["type"], "x")


@pytest.mark.parametrize("resource_type", MAPPINGS)
async def test_every_include_that_is_claimed_is_taken(client: httpx.AsyncClient, resource_type: str) -> None:
    claimed = claims()[resource_type]
    for name, parameter in (("searchInclude", "_include"), ("searchRevInclude", "_revinclude")):
        for value in claimed.get(name, ()):
            await answer(client, f"{resource_type}?{parameter}={value}&_count=1")


@pytest.mark.parametrize("resource_type", by_type())
async def test_what_is_claimed_of_reads_holds(client: httpx.AsyncClient, resource_type: str) -> None:
    bundle = await answer(client, f"{resource_type}?_count=1")
    resource = bundle["entry"][0]["resource"]
    path = f"/api/fhir/{resource_type}/{resource['id']}"
    read = await client.get(path)
    assert read.json() == resource
    assert read.headers["etag"] == f'W/"{resource["meta"]["versionId"]}"'
    again = await client.get(path, headers={"If-None-Match": read.headers["etag"]})
    assert again.status_code == 304


def test_a_reference_to_a_type_that_is_not_served_is_not_claimed() -> None:
    alone = {"Observation": MAPPINGS["Observation"]}
    statement = capability_statement(alone, BASE, "0", "2025-01-01T00:00:00Z")
    [observation] = statement["rest"][0]["resource"]
    names = {p["name"] for p in observation["searchParam"]}
    assert {"code", "date"} <= names
    assert "patient" not in names
    assert "searchInclude" not in observation
