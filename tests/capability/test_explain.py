"""`_explain` tells how a search is done, and no value of it."""

import json
from typing import Any

import httpx

from fhir_facade.app import create_app
from fhir_facade.settings import Settings
from tests.services.database import DatabaseServer
from tests.validator import Validator


async def explained(client: httpx.AsyncClient, query: str) -> list[dict[str, Any]]:
    response = await client.get(f"/api/fhir/{query}&_explain=true")
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    assert body["resourceType"] == "Parameters"
    parameters: list[dict[str, Any]] = body["parameter"]
    return parameters


def told(branch: dict[str, Any], name: str) -> list[Any]:
    """What a branch says under a name."""
    parts = [p for p in branch["part"] if p["name"] == name]
    return [next((v for k, v in p.items() if k.startswith("value")), p.get("part")) for p in parts]


async def test_each_branch_tells_its_statement_and_what_parameters_reach(client: httpx.AsyncClient) -> None:
    branches = await explained(client, "Observation?patient=P-2025-000001&code=718-7")
    lab = next(b for b in branches if told(b, "source") == ["cdss_db/lis_labresult"])
    [sql] = told(lab, "sql")
    assert sql.startswith("SELECT")
    assert "LIMIT" in sql
    reached = {p[0]["valueString"]: {c["valueString"] for c in p[1:]} for p in told(lab, "parameter")}
    assert "cdss_db.lis_labresult.patient_id" in reached["patient"]
    assert "cdss_db.lis_labtestmaster.loinc_code" in reached["code"]
    assert told(lab, "plan")
    assert told(lab, "milliseconds")[0] >= 0


async def test_no_value_of_the_query_is_told(client: httpx.AsyncClient) -> None:
    searches = (
        "Patient?name=Secretname&birthdate=1971-03-04&identifier=urn:x|SECRET-1&_id=SECRET-2",
        "Observation?subject:Patient.name=Secretname&value-quantity=gt71.71&date=lt1971-03-04",
        "Patient?_has:Observation:patient:value-string=Secretname",
    )
    for search in searches:
        text = json.dumps(await explained(client, search))
        assert "secret" not in text.lower()
        assert "1971" not in text
        assert "71.71" not in text


async def test_a_resident_number_is_not_told(client: httpx.AsyncClient) -> None:
    number = "900101-1234567"
    response = await client.post("/api/fhir/Patient/_search?_explain=true", data={"identifier": number})
    assert response.status_code == 200
    assert number not in response.text
    assert "900101" not in response.text


async def test_chains_and_reverse_chains_are_told_as_they_are_written(client: httpx.AsyncClient) -> None:
    branches = await explained(client, "Patient?_has:Observation:patient:code=718-7")
    names = {p[0]["valueString"] for b in branches for p in told(b, "parameter")}
    assert names == {"_has:Observation:patient:code"}


async def test_a_search_that_nothing_can_match_says_so(client: httpx.AsyncClient) -> None:
    [note] = await explained(client, "Observation?status=no-such-status")
    assert note["name"] == "note"


async def test_it_is_valid(client: httpx.AsyncClient, validator: Validator) -> None:
    response = await client.get("/api/fhir/Observation?code=718-7&_explain=true")
    assert validator.errors(response.content) == []


async def test_a_real_server_tells_index_and_rows(server: DatabaseServer) -> None:
    app = create_app(Settings.from_environment(server.environment()))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        branches = await explained(client, "Observation?_id=lab-4001")
    await app.fhir.service.engine.database.close()
    lab = next(b for b in branches if told(b, "source") == ["cdss_db/lis_labresult"])
    [step] = [{p["name"]: p for p in s} for s in told(lab, "plan")][:1]
    assert step["index"]["valueString"] == "PRIMARY"
    assert step["rows"]["valueInteger"] > 0
