"""create, read, update, patch, delete, one after another. https://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.facade.facade import BASE
from tests.http.outcomes import refused
from tests.interactions.client import FIRST, SECOND, Client, Resource, basic, goal, told

LAB = "Observation/lab-1"
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


def sent_part(resource: Resource) -> Resource:
    """A resource without what the server says of it."""
    return {k: v for k, v in resource.items() if k not in ("id", "meta")}


async def test_a_created_resource_has_an_address_and_comes_back_as_it_was_sent(client: Client) -> None:
    target = [
        {
            "measure": {"text": "걷기"},
            "detailQuantity": {"value": Decimal("1.10"), "unit": "h"},
            "dueDate": "2025-06-30",
        }
    ]
    sent = goal(target=target, meta={"tag": [{"system": "urn:t", "code": "a"}], "versionId": "9"})
    response = await client.post("Goal", sent, prefer="return=representation")
    made = told(response)
    version = made["meta"]["versionId"]
    assert response.status_code == 201
    assert response.headers["location"] == f"{BASE}/Goal/{made['id']}/_history/{version}"
    assert response.headers["etag"] == f'W/"{version}"'
    assert parsedate_to_datetime(response.headers["last-modified"]).year > 2024
    assert sent_part(made) == sent_part(sent)
    assert str(made["target"][0]["detailQuantity"]["value"]) == "1.10"
    assert made["meta"]["tag"] == sent["meta"]["tag"]
    assert told(await client.get(f"Goal/{made['id']}")) == made


async def test_the_clients_id_and_version_are_not_taken(client: Client) -> None:
    made = await client.made(goal(id="mine", meta={"versionId": "77", "lastUpdated": "1999-01-01T00:00:00Z"}))
    assert made["id"] != "mine"
    assert made["meta"]["versionId"] == "1"
    assert made["meta"]["lastUpdated"] > "2024"


@pytest.mark.parametrize(
    ("prefer", "kind"),
    [
        ("return=minimal", ""),
        ("return=representation", "Goal"),
        ("return=OperationOutcome", "OperationOutcome"),
        ("handling=lenient; return=OperationOutcome", "OperationOutcome"),
        ("return=everything", "Goal"),
        ("", "Goal"),
    ],
)
async def test_the_answer_is_what_was_preferred(embedded_client: Client, prefer: str, kind: str) -> None:
    response = await embedded_client.post("Goal", goal(), prefer=prefer)
    assert response.status_code == 201
    assert (response.json()["resourceType"] if response.content else "") == kind
    assert response.headers["etag"]


async def test_an_update_is_the_next_version(client: Client) -> None:
    made = await client.made(goal())
    changed = {**goal(lifecycleStatus="completed"), "id": made["id"]}
    response = await client.put(f"Goal/{made['id']}", changed)
    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"2"'
    assert sent_part(told(response)) == sent_part(changed)
    assert (await client.get(f"Goal?_id={made['id']}&lifecycle-status=completed&_summary=count")).json()[
        "total"
    ] == 1


async def test_what_changed_meanwhile_is_not_written_over(client: Client) -> None:
    made = await client.made(goal())
    path, first = f"Goal/{made['id']}", {**goal(), "id": made["id"]}
    assert (await client.put(path, first, if_match='W/"1"')).status_code == 200
    refused(await client.put(path, first, if_match='W/"1"'), 412, "conflict")
    refused(await client.patch(path, [], if_match='W/"1"'), 412, "conflict")
    refused(await client.delete(path, if_match='W/"1"'), 412, "conflict")
    assert (await client.get(path)).headers["etag"] == 'W/"2"'
    assert (await client.delete(path, if_match='"2"')).status_code == 204


@pytest.mark.parametrize("stated", ["2", "W/2", 'W/"1", W/"2"', 'W/""', ""])
async def test_an_if_match_that_is_none_is_refused(embedded_client: Client, stated: str) -> None:
    made = await embedded_client.made(goal())
    response = await embedded_client.put(f"Goal/{made['id']}", made, if_match=stated)
    refused(response, 400, "invalid", "If-Match")


async def test_if_none_match_asks_that_nothing_is_there(client: Client) -> None:
    made = await client.made(goal())
    refused(await client.put(f"Goal/{made['id']}", made, if_none_match="*"), 412, "conflict", "If-None-Match")


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"id": "other"}, "Goal.id"),
        ({"id": None}, "Goal.id"),
        ({"resourceType": "Flag"}, "Goal.resourceType"),
    ],
)
async def test_the_body_names_what_the_address_names(
    embedded_client: Client, change: Resource, about: str
) -> None:
    made = await embedded_client.made(goal())
    body = {k: v for k, v in {**made, **change}.items() if v is not None}
    refused(await embedded_client.put(f"Goal/{made['id']}", body), 400, about=about)


async def test_clients_cant_choose_ids(client: Client) -> None:
    for id_ in ("mine", "n-999999"):
        response = await client.put(f"Goal/{id_}", {**goal(), "id": id_})
        refused(response, 405, "not-supported")
        assert "POST" in response.json()["issue"][0]["diagnostics"]


async def test_what_is_deleted_is_gone_and_can_come_back(client: Client) -> None:
    made = await client.made(basic("gone"))
    path = f"Basic/{made['id']}"
    response = await client.delete(path)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["etag"] == 'W/"2"'
    assert (await client.delete(path)).status_code == 204
    refused(await client.get(path), 410, "deleted")
    refused(await client.patch(path, []), 410, "deleted")
    assert (await client.get("Basic?identifier=gone")).json()["total"] == 0
    back = await client.put(path, made)
    assert (back.status_code, back.headers["etag"]) == (201, 'W/"3"')
    assert back.headers["location"] == f"{BASE}/{path}/_history/3"
    assert (await client.get(path)).status_code == 200


async def test_a_tombstone_is_of_its_own_type(client: Client) -> None:
    made = await client.made(basic("typed"))
    await client.delete(f"Basic/{made['id']}")
    refused(await client.get(f"Goal/{made['id']}"), 404, "not-found")
    refused(await client.put(f"Goal/{made['id']}", {**goal(), "id": made["id"]}), 405)
    refused(await client.delete(f"Goal/{made['id']}"), 404, "not-found")


async def test_deleting_what_never_was_is_told(client: Client) -> None:
    refused(await client.delete("Goal/n-999999"), 404, "not-found")
    response = await client.delete("Goal/not_an_id")
    refused(response, 400, "value")


async def test_a_delete_tells_what_it_did_if_asked(embedded_client: Client) -> None:
    made = await embedded_client.made(goal())
    response = await embedded_client.delete(f"Goal/{made['id']}", prefer="return=OperationOutcome")
    assert response.status_code == 200
    assert response.json()["issue"][0]["severity"] == "information"


@pytest.mark.parametrize(
    ("resource", "status", "code", "about"),
    [
        ({"resourceType": "Goal"}, 422, "required", "Goal"),
        (goal(lifecycleStatus="nearly"), 422, "code-invalid", "Goal.lifecycleStatus"),
        (goal(colour="red"), 422, "", "Goal"),
        (goal(startDate="yesterday"), 422, "", "Goal.start"),
        (goal(subject={"reference": "Patient/nobody"}), 422, "not-found", "Goal.subject.reference"),
        (goal(subject={"reference": f"{BASE}/Patient/nobody"}), 422, "not-found", "Goal.subject.reference"),
        (
            goal(subject={"reference": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"}),
            422,
            "",
            "Goal.subject",
        ),
        (goal(subject={"reference": "Patient?_id=1"}), 422, "", "Goal.subject"),
        (goal(subject={"reference": "Practitioner/user-1"}), 422, "", "Goal.subject"),
        (goal(addresses=[{"reference": "Condition/none"}]), 422, "not-found", "Goal.addresses[0].reference"),
        (goal(meta={"tag": [SUBSETTED]}), 422, "incomplete", "Goal.meta.tag"),
        (basic("x"), 400, "invalid", "Goal.resourceType"),
    ],
)
async def test_what_isnt_valid_is_named_and_not_written(
    embedded_client: Client, resource: Resource, status: int, code: str, about: str
) -> None:
    refused(await embedded_client.post("Goal", resource), status, code or None, about)
    assert (await embedded_client.get("Goal/_history")).json()["total"] == 0


async def test_what_is_published_can_be_referred_to(client: Client) -> None:
    made = await client.made(basic("a", subject={"reference": "CodeSystem/account-status"}))
    assert made["subject"] == {"reference": "CodeSystem/account-status"}
    refused(
        await client.post("Basic", basic("b", subject={"reference": "CodeSystem/none"})), 422, "not-found"
    )


async def test_references_to_ours_by_their_whole_address_and_to_others_are_kept(client: Client) -> None:
    subject = {"reference": f"{BASE}/{FIRST}"}
    source = {"reference": "https://elsewhere.example/fhir/Practitioner/5"}
    made = await client.made(goal(subject=subject, expressedBy=source))
    assert (made["subject"], made["expressedBy"]) == (subject, source)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "Appointment", {"resourceType": "Appointment"}),
        ("POST", "AuditEvent", {"resourceType": "AuditEvent"}),
        ("DELETE", "Patient/oe-pat-3", None),
        ("PUT", "Patient/oe-pat-3", {"resourceType": "Patient", "id": "oe-pat-3"}),
        ("PATCH", "Patient/oe-pat-3", []),
    ],
)
async def test_what_is_others_is_not_written(client: Client, method: str, path: str, body: Any) -> None:
    media = "application/json-patch+json" if method == "PATCH" else "application/fhir+json"
    response = await client.send(method, path, body, content_type=media)
    refused(response, 405, "not-supported")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"
    assert "can't be written" in response.json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "", "GET, HEAD, POST, OPTIONS"),
        ("POST", "Goal/n-1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("POST", "Goal/n-1/_history", "GET, HEAD, OPTIONS"),
        ("DELETE", "Goal/n-1/_history/1", "GET, HEAD, OPTIONS"),
        ("PUT", "_history", "GET, HEAD, OPTIONS"),
    ],
)
async def test_an_address_says_what_it_takes(
    embedded_client: Client, method: str, path: str, allow: str
) -> None:
    response = await embedded_client.send(method, path, goal())
    refused(response, 405, "not-supported")
    assert response.headers["allow"] == allow


async def test_a_json_patch_changes_what_it_says(client: Client) -> None:
    made = await client.made(goal(note=[{"text": "하나"}, {"text": "둘"}]))
    path = f"Goal/{made['id']}"
    operations = [
        {"op": "test", "path": "/lifecycleStatus", "value": "active"},
        {"op": "remove", "path": "/note/0"},
        {"op": "replace", "path": "/subject/reference", "value": SECOND},
    ]
    response = await client.patch(path, operations)
    assert (response.status_code, response.headers["etag"]) == (200, 'W/"2"')
    assert [n["text"] for n in response.json()["note"]] == ["둘"]
    assert response.json()["subject"]["reference"] == SECOND
    refused(await client.patch(path, [*operations[:1], {"op": "remove", "path": "/none"}]), 422, "processing")
    refused(await client.patch(path, [{"op": "replace", "path": "/id", "value": "x"}]), 422, None, "Goal.id")
    refused(await client.patch(path, [{"op": "remove", "path": "/subject"}]), 422, None, "Goal")
    refused(await client.patch(path, "{]"), 400, "structure")
    assert (await client.get(path)).headers["etag"] == 'W/"2"'


async def test_a_fhirpath_patch_changes_what_it_says(client: Client) -> None:
    made = await client.made(goal())
    path = f"Goal/{made['id']}"
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Goal.lifecycleStatus"},
        {"name": "value", "valueCode": "completed"},
    ]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    response = await client.patch(path, patch, content_type="application/fhir+json")
    assert response.status_code == 200
    assert response.json()["lifecycleStatus"] == "completed"
    xml = (
        '<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>'
        '<part><name value="type"/><valueCode value="delete"/></part>'
        '<part><name value="path"/><valueString value="Goal.description.text"/></part>'
        "</parameter></Parameters>"
    )
    refused(await client.patch(path, xml, content_type="application/fhir+xml"), 422, None, "Goal")


@pytest.mark.parametrize("media", ["application/xml-patch+xml", "text/plain", "application/merge-patch+json"])
async def test_a_patch_of_another_kind_is_refused(embedded_client: Client, media: str) -> None:
    made = await embedded_client.made(goal())
    response = await embedded_client.patch(f"Goal/{made['id']}", "[]", content_type=media)
    refused(response, 415, "not-supported", "Content-Type")
    assert "application/json-patch+json" in response.headers["accept-patch"]


async def test_xml_is_written_too(client: Client) -> None:
    xml = (
        '<Goal xmlns="http://hl7.org/fhir"><lifecycleStatus value="active"/>'
        '<description><text value="걷기"/></description><subject><reference value="'
        + FIRST
        + '"/></subject></Goal>'
    )
    response = await client.post("Goal", xml, content_type="application/fhir+xml")
    assert response.status_code == 201
    assert response.json()["description"]["text"] == "걷기"
