"""Operations are found by their address, told in /metadata, closed without a token, and recorded."""

from __future__ import annotations

import json

import pytest

from capability.operations import ANY, Declared, Parameter, addresses, operation_definition
from capability.statement import capability_statement
from fhir_facade.export.operations import EXPORTS
from fhir_facade.registry import OPERATIONS, by_type, everything
from tests.facade.facade import BASE, Facade
from tests.http.outcomes import refused
from tests.smart_auth.badges import Badges, user
from tests.validator import Validator

PATIENT = "Patient/P-2025-000001"
OFFERED = (*OPERATIONS, *EXPORTS)
MAPPINGS = everything()
READ_ONLY = [name for name, m in MAPPINGS.items() if not any(p.written_here for p in m.parts)]
CALLS = [a.replace("{type}", "Patient").replace("{id}", "x") for o in OFFERED for a in addresses(o)]


async def test_an_operation_that_there_is_not_is_answered_with_those_there_are(embedded: Facade) -> None:
    for path in (f"{PATIENT}/$nothing", "Patient/$meta", "$meta", "Observation/$"):
        response = await embedded.get(path)
        refused(response, 404, "not-supported")
    assert "$meta" in (await embedded.get(f"{PATIENT}/$nothing")).json()["issue"][0]["diagnostics"]


async def test_no_operation_is_at_an_address_that_is_none(embedded: Facade) -> None:
    refused(await embedded.get("Nonsense/x/$meta"), 404, "not-found")
    refused(await embedded.get("VisionPrescription/x/$meta"), 404, "not-supported")
    refused(await embedded.get(f"{PATIENT}/more/$meta"), 404, "not-found")
    refused(await embedded.get("$meta/Patient"), 404, "not-found")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_an_operation_is_asked_by_get_or_post(embedded: Facade, method: str) -> None:
    response = await embedded.request(method, f"{PATIENT}/$meta")
    refused(response, 405, "not-supported")
    assert response.headers["allow"] == "GET, HEAD, POST, OPTIONS"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_operation_is_reachable_without_a_token(guarded: Facade, call: str, method: str) -> None:
    response = await guarded.request(method, call)
    refused(response, 401, "login")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_token_that_opens_nothing_opens_no_meta(guarded: Facade, badges: Badges) -> None:
    for scopes in ("user/Observation.rs", "patient/Patient.s"):
        token = badges.badge(scopes, user("doctor"), patient="P-2025-000001")
        refused(await guarded.get(f"{PATIENT}/$meta", authorization=token), 403, "forbidden")
    other = badges.badge("patient/*.rs", user("patient"), patient="P-2025-000001")
    refused(await guarded.get("Patient/P-2025-000002/$meta", authorization=other), 404, "not-found")


async def test_meta_is_what_a_read_says_of_itself(facade: Facade) -> None:
    for resource_type in by_type():
        resource = (await facade.all(resource_type))[0]
        address = f"{resource_type}/{resource['id']}"
        read, response = await facade.get(address), await facade.get(f"{address}/$meta")
        assert response.json() == {
            "resourceType": "Parameters",
            "parameter": [{"name": "return", "valueMeta": read.json()["meta"]}],
        }
        assert response.headers["etag"] == read.headers["etag"]
        by_post = await facade.request("POST", f"{address}/$meta")
        assert by_post.json() == response.json()
    refused(await facade.get("Patient/nobody/$meta"), 404, "not-found")
    refused(await facade.get("Patient/no_id/$meta"), 400, "value", "Patient.id")


async def test_a_body_is_read_as_it_says(embedded: Facade) -> None:
    path = f"{PATIENT}/$meta"
    stated = {"content-type": "application/fhir+json"}
    empty = json.dumps({"resourceType": "Parameters"})
    assert (await embedded.request("POST", path, stated, empty)).status_code == 200
    xml = '<Parameters xmlns="http://hl7.org/fhir"/>'
    as_xml = {"content-type": "application/fhir+xml", "accept": "application/fhir+xml"}
    response = await embedded.request("POST", path, as_xml, xml)
    assert response.status_code == 200
    assert b"<valueMeta>" in response.content
    refused(await embedded.request("POST", path, {}, empty), 415, "not-supported", "Content-Type")
    refused(await embedded.request("POST", path, stated, '{"resourceType":"Patient"}'), 400, "invalid")
    unknown = json.dumps({"resourceType": "Parameters", "parameter": [{"name": "x", "valueCode": "y"}]})
    refused(await embedded.request("POST", path, stated, unknown), 400, "not-supported", "parameter[0]")
    refused(await embedded.get(f"{path}?x=y"), 400, "not-supported", "http.x")


# what is told of them


async def test_metadata_lists_the_operations_of_each_type(embedded: Facade) -> None:
    statement = (await embedded.get("metadata")).json()
    [rest] = statement["rest"]
    listed = {
        (r.get("type", ""), o["name"]) for r in [*rest["resource"], rest] for o in r.get("operation", ())
    }
    expected = {
        (kind, o.name)
        for o in OFFERED
        for kind in (*MAPPINGS, *o.types, "")
        if not (o.name in ("meta-add", "meta-delete") and kind in READ_ONLY)
        if kind != ANY and any(o.at(level, kind) for level in (("type", "instance") if kind else ("system",)))
    }
    assert listed == expected
    assert {"Patient"} <= {kind for kind, name in listed if name == "meta"}


async def test_every_definition_is_read_by_anybody(guarded: Facade) -> None:
    assert len({o.id for o in OFFERED}) == len(OFFERED)
    for operation in OFFERED:
        response = await guarded.get(f"OperationDefinition/{operation.id}")
        assert response.status_code == 200
        assert response.json() == operation_definition(operation, BASE)
    refused(await guarded.get("OperationDefinition/nothing"), 404, "not-found")
    refused(await guarded.request("DELETE", "OperationDefinition/Resource-meta"), 405)


def test_definitions_and_statement_are_valid(validator: Validator) -> None:
    for operation in OFFERED:
        assert validator.errors(operation_definition(operation, BASE)) == [], operation.id
    ours = Declared(
        name="own",
        definition=f"{BASE}/OperationDefinition/own",
        documentation="One of ours.",
        levels=frozenset({"system", "type"}),
        types=frozenset({"VisionPrescription"}),
        parameters=(Parameter("a", "", "parts", parts=(Parameter("b", "code", "one"),)),),
    )
    assert validator.errors(operation_definition(ours, BASE)) == []
    statement = capability_statement(by_type(), BASE, "0", "2025-01-01T00:00:00Z", operations=[ours])
    assert validator.errors(statement) == []
    assert [o["name"] for o in statement["rest"][0]["operation"]] == ["own"]
    [named] = [r for r in statement["rest"][0]["resource"] if r["type"] == "VisionPrescription"]
    assert [o["name"] for o in named["operation"]] == ["own"]
