"""transaction and batch. https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from tests.facade.facade import BASE
from tests.http.outcomes import refused
from tests.interactions.client import FIRST, Client, Resource, basic, entry, goal

A, B, C = (f"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0{n}" for n in "abc")


def responses(bundle: Resource) -> list[str]:
    return [e["response"]["status"] for e in bundle["entry"]]


def address(one: Resource) -> str:
    """`Type/id` of what an entry tells."""
    return str(one["response"]["location"]).partition("/_history/")[0]


def plan(**more: Any) -> Resource:
    subject = {"reference": FIRST}
    return {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": subject, **more}


async def total(client: Client, path: str) -> int:
    separator = "&" if "?" in path else "?"
    found: int = (await client.get(f"{path}{separator}_summary=count")).json()["total"]
    return found


async def test_entries_name_each_other_before_they_have_ids(client: Client) -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{B}">목표</a></div>'
    care = plan(
        goal=[{"reference": B}],
        instantiatesUri=[B],
        instantiatesCanonical=["http://x.example/p"],
        text={"status": "generated", "div": div},
        contained=[{"resourceType": "Basic", "id": "c", "code": {"text": "x"}, "subject": {"reference": B}}],
        supportingInfo=[{"reference": "#c"}],
    )
    response = await client.bundle(
        "transaction",
        entry("POST", "CarePlan", care, A),
        entry("POST", "Goal", goal(), B),
        prefer="return=representation",
    )
    bundle = response.json()
    assert (response.status_code, bundle["type"]) == (200, "transaction-response")
    assert responses(bundle) == ["201 Created", "201 Created"]
    made, aim = (e["resource"] for e in bundle["entry"])
    named = f"Goal/{aim['id']}"
    assert made["goal"] == [{"reference": named}]
    assert made["instantiatesUri"] == [named]
    assert f'<a href="{named}">' in made["text"]["div"]
    assert made["contained"][0]["subject"] == {"reference": named}
    assert bundle["entry"][0]["fullUrl"] == f"{BASE}/CarePlan/{made['id']}"
    assert bundle["entry"][0]["response"]["etag"] == 'W/"1"'
    assert bundle["entry"][0]["response"]["lastModified"] == made["meta"]["lastUpdated"]
    assert (await client.get(f"CarePlan?goal={named}")).json()["total"] == 1


async def test_entries_in_a_circle_name_each_other(client: Client) -> None:
    first, second = basic("a", subject={"reference": B}), basic("b", subject={"reference": A})
    selfish = basic("c", subject={"reference": C})
    bundle = (
        await client.bundle(
            "transaction",
            entry("POST", "Basic", first, A),
            entry("POST", "Basic", second, B),
            entry("POST", "Basic", selfish, C),
            prefer="return=representation",
        )
    ).json()
    made = [e["resource"] for e in bundle["entry"]]
    assert made[0]["subject"] == {"reference": f"Basic/{made[1]['id']}"}
    assert made[1]["subject"] == {"reference": f"Basic/{made[0]['id']}"}
    assert made[2]["subject"] == {"reference": f"Basic/{made[2]['id']}"}


async def test_other_servers_addresses_are_replaced_by_ours(client: Client) -> None:
    theirs = "https://elsewhere.example/fhir"
    bundle = (
        await client.bundle(
            "transaction",
            entry("POST", "CarePlan", plan(goal=[{"reference": "Goal/7"}]), f"{theirs}/CarePlan/1"),
            entry("POST", "Goal", goal(), f"{theirs}/Goal/7"),
            entry("POST", "CarePlan", plan(goal=[{"reference": f"{theirs}/Goal/7"}])),
            prefer="return=representation",
        )
    ).json()
    named = address(bundle["entry"][1])
    assert [bundle["entry"][n]["resource"]["goal"][0]["reference"] for n in (0, 2)] == [named, named]


async def test_a_conditional_reference_is_the_one_that_it_finds(client: Client) -> None:
    await client.made(basic("target"))
    by = {"reference": "Basic?identifier=urn:test|target"}
    response = await client.bundle(
        "transaction", entry("POST", "Basic", basic("x", subject=by)), prefer="return=representation"
    )
    assert response.json()["entry"][0]["resource"]["subject"]["reference"].startswith("Basic/n-")
    await client.made(basic("target"))
    for value, code in (("target", "multiple-matches"), ("nothing", "not-found")):
        sent = basic("y", subject={"reference": f"Basic?identifier={value}"})
        response = await client.bundle("transaction", entry("POST", "Basic", sent))
        refused(response, 412, code, "Bundle.entry[0].resource.subject.reference")
    assert await total(client, "Basic?identifier=y") == 0


async def test_the_standards_order_is_kept_and_answers_come_in_the_bundles(client: Client) -> None:
    kept, gone, patched = [await client.made(basic(v)) for v in ("kept", "gone", "patched")]
    change = [{"op": "replace", "path": "/code/text", "value": "changed"}]
    data = base64.b64encode(str(change).replace("'", '"').encode()).decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
    new = basic("new", subject={"reference": f"Basic/{kept['id']}"})
    response = await client.bundle(
        "transaction",
        entry("GET", "Basic?identifier=new"),
        entry("GET", f"Basic/{kept['id']}"),
        entry("PUT", f"Basic/{kept['id']}", {**kept, "subject": {"reference": A}}, ifMatch='W/"1"'),
        entry("PATCH", f"Basic/{patched['id']}", binary),
        entry("POST", "Basic", new, A),
        entry("DELETE", f"Basic/{gone['id']}"),
    )
    assert response.status_code == 200, response.text
    found = response.json()["entry"]
    statuses = ["200 OK", "200 OK", "200 OK", "200 OK", "201 Created", "204 No Content"]
    assert responses(response.json()) == statuses
    assert found[0]["resource"]["total"] == 1, "a search is done at the end"
    assert found[1]["resource"]["subject"]["reference"] == address(found[4])
    assert found[2]["response"]["etag"] == 'W/"2"'
    assert all("resource" not in found[n] for n in (2, 3, 4, 5)), "what is written is shown if asked for"
    assert (await client.get(f"Basic/{patched['id']}")).json()["code"] == {"text": "changed"}
    refused(await client.get(f"Basic/{gone['id']}"), 410)


async def test_conditional_requests_within_a_transaction(client: Client) -> None:
    there = await client.made(basic("there"))
    bundle = (
        await client.bundle(
            "transaction",
            entry("POST", "Basic", basic("there"), A, ifNoneExist="identifier=there"),
            entry("POST", "Basic", basic("not"), B, ifNoneExist="identifier=not"),
            entry("PUT", "Basic?identifier=upserted", basic("upserted", subject={"reference": A}), C),
            entry("POST", "Basic", basic("d", subject={"reference": C})),
            entry("DELETE", "Basic?identifier=nothing"),
            prefer="return=representation",
        )
    ).json()
    assert responses(bundle) == ["200 OK", "201 Created", "201 Created", "201 Created", "204 No Content"]
    assert bundle["entry"][0]["resource"]["id"] == there["id"]
    assert bundle["entry"][2]["resource"]["subject"] == {"reference": f"Basic/{there['id']}"}
    assert bundle["entry"][3]["resource"]["subject"] == {"reference": address(bundle["entry"][2])}


@pytest.mark.parametrize(
    ("bad", "status", "about"),
    [
        (
            entry("POST", "Goal", goal(lifecycleStatus="nearly")),
            422,
            "Bundle.entry[1].resource.lifecycleStatus",
        ),
        (entry("POST", "Goal", goal(subject={"reference": C})), 422, "Bundle.entry[1].resource.subject"),
        (entry("POST", "Goal", basic("x")), 400, "Bundle.entry[1].resource.resourceType"),
        (entry("PUT", "Basic/n-999999", {**basic("x"), "id": "n-999999"}), 405, "Bundle.entry[1]"),
        (entry("DELETE", "Basic/n-999999"), 404, "Bundle.entry[1]"),
        (entry("PUT", "Basic/KEPT", {**basic("x"), "id": "KEPT"}, ifMatch='W/"9"'), 412, "Bundle.entry[1]"),
        (entry("PUT", "Basic/KEPT", basic("x"), ifMatch="9"), 400, "Bundle.entry[1]"),
        (entry("PATCH", "Basic?identifier=none", {"resourceType": "Parameters"}), 404, "Bundle.entry[1]"),
        (entry("PATCH", "Basic/KEPT", {"resourceType": "Binary", "data": "eA=="}), 400, "Bundle.entry[1]"),
        (entry("GET", "Basic/n-999999"), 404, "Bundle.entry[1]"),
        (entry("GET", "Basic?colour=red"), 400, "Bundle.entry[1]"),
        (entry("POST", "Appointment", {"resourceType": "Appointment"}), 405, "Bundle.entry[1]"),
        (entry("POST", "Nonsense", basic("x")), 404, "Bundle.entry[1].request.url"),
        (entry("POST", "", basic("x")), 400, "Bundle.entry[1].request.url"),
        (entry("POST", "Basic/$validate", basic("x")), 400, "Bundle.entry[1].request.url"),
        (entry("DELETE", "Basic"), 400, "Bundle.entry[1].request.url"),
        (entry("POST", "Basic", basic("x"), ifNoneExist=""), 412, "Bundle.entry[1].request.ifNoneExist"),
        (entry("POST", "Basic"), 400, "Bundle.entry[1].resource"),
        (entry("DELETE", "Basic/KEPT", basic("x")), 400, "Bundle.entry[1].resource"),
        (entry("MOVE", "Basic/KEPT"), 400, "Bundle.entry[1].request.method"),
        (entry("GET", "https://elsewhere.example/fhir/Basic"), 400, "Bundle.entry[1].request.url"),
        ({"resource": basic("x")}, 400, "Bundle.entry[1].request"),
        (entry("POST", "Basic", basic("x"), "urn:uuid:1"), 400, "Bundle.entry[1].fullUrl"),
        (entry("POST", "Basic", basic("x"), "Basic/1"), 400, "Bundle.entry[1].fullUrl"),
        (entry("POST", "Basic", basic("x"), A), 400, "Bundle.entry[1].fullUrl"),
        (entry("PUT", "Basic?identifier=kept", basic("kept")), 400, "Bundle.entry[2].request.url"),
    ],
)
async def test_what_cant_be_done_leaves_nothing_done(
    embedded_client: Client, bad: Resource, status: int, about: str
) -> None:
    client = embedded_client
    kept, other = await client.made(basic("kept")), await client.made(basic("other"))
    response = await client.bundle(
        "transaction",
        entry("POST", "Basic", basic("new"), A),
        _with_id(bad, other["id"]),
        entry("PUT", f"Basic/{kept['id']}", {**kept, "code": {"text": "changed"}}),
    )
    refused(response, status, None, about)
    assert await total(client, "Basic") == 2
    assert (await client.get(f"Basic/{kept['id']}")).headers["etag"] == 'W/"1"'
    assert (await client.get("_history")).json()["total"] == 2


def _with_id(bad: Any, id_: str) -> Any:
    """With an id for KEPT."""
    if isinstance(bad, dict):
        return {k: _with_id(v, id_) for k, v in bad.items()}
    return bad.replace("KEPT", id_) if isinstance(bad, str) else bad


async def test_all_that_cant_be_read_is_named_at_once(embedded_client: Client) -> None:
    response = await embedded_client.bundle(
        "transaction", entry("MOVE", "Basic"), {"fullUrl": A}, entry("POST", "Basic")
    )
    refused(response, 400)
    about = [i["expression"][0] for i in response.json()["issue"]]
    assert about == ["Bundle.entry[0].request.method", "Bundle.entry[1].request", "Bundle.entry[2].resource"]


async def test_a_batch_does_what_it_can(client: Client) -> None:
    made = await client.made(basic("there"))
    response = await client.bundle(
        "batch",
        entry("POST", "Basic", basic("new")),
        entry("POST", "Goal", goal(lifecycleStatus="nearly")),
        entry("GET", f"Basic/{made['id']}"),
        entry("GET", "Basic/n-999999"),
        entry("MOVE", "Basic"),
        entry("POST", "", {"resourceType": "Bundle", "type": "batch"}),
        entry("GET", "metadata-of-nothing"),
        entry("GET", f"{BASE}/Basic?identifier=new"),
        entry("GET", f"Basic/{made['id']}", ifNoneMatch='W/"1"'),
        entry("GET", f"Basic/{made['id']}/_history/1"),
        entry("DELETE", f"Basic/{made['id']}"),
    )
    bundle = response.json()
    assert (response.status_code, bundle["type"]) == (200, "batch-response")
    assert [int(s[:3]) for s in responses(bundle)] == [201, 422, 200, 404, 400, 400, 404, 200, 304, 200, 204]
    assert bundle["entry"][1]["response"]["outcome"]["issue"][0]["expression"] == ["Goal.lifecycleStatus"]
    assert bundle["entry"][4]["response"]["outcome"]["issue"][0]["expression"] == [
        "Bundle.entry[4].request.method"
    ]
    assert bundle["entry"][2]["resource"] == made
    assert bundle["entry"][7]["resource"]["total"] == 1


@pytest.mark.parametrize(
    ("body", "status", "about"),
    [
        ({"resourceType": "Bundle", "type": "collection"}, 400, "Bundle.type"),
        ({"resourceType": "Bundle"}, 400, "Bundle.type"),
        (basic("x"), 400, "Basic.resourceType"),
        ({"resourceType": "Bundle", "type": "batch", "entry": {}}, 400, "Bundle.entry"),
        ({"resourceType": "Bundle", "type": "batch", "entry": [{}] * 1001}, 413, "Bundle.entry"),
    ],
)
async def test_what_is_no_bundle_of_requests_is_refused(
    embedded_client: Client, body: Resource, status: int, about: str
) -> None:
    refused(await embedded_client.post("", body), status, None, about)


@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_an_empty_bundle_is_answered_by_one(embedded_client: Client, kind: str) -> None:
    response = await embedded_client.post("", {"resourceType": "Bundle", "type": kind})
    assert response.status_code == 200
    assert response.json() == {"resourceType": "Bundle", "type": f"{kind}-response"}


async def test_transactions_that_meet_are_all_done(client: Client) -> None:
    """They write the same two resources in opposite order: a deadlock, which is tried again."""
    first, second = await client.made(basic("first")), await client.made(basic("second"))

    async def change(number: int) -> int:
        order = [first, second] if number % 2 else [second, first]
        changed = [entry("PUT", f"Basic/{r['id']}", {**r, "code": {"text": str(number)}}) for r in order]
        return (await client.bundle("transaction", *changed)).status_code

    assert await asyncio.gather(*(change(n) for n in range(6))) == [200] * 6
    now = [(await client.get(f"Basic/{r['id']}")).json() for r in (first, second)]
    assert [r["meta"]["versionId"] for r in now] == ["7", "7"]
    assert now[0]["code"] == now[1]["code"]


async def test_transactions_that_wait_for_each_others_criteria_are_all_done(client: Client) -> None:
    """Deletes come first, so criteria are met in opposite order: a deadlock of names."""

    async def change(number: int) -> int:
        gone, there = ("one", "other") if number % 2 else ("other", "one")
        entries = (
            entry("DELETE", f"Basic?identifier=urn:test|{gone}"),
            entry("POST", "Basic", basic(there), ifNoneExist=f"identifier=urn:test|{there}"),
        )
        return (await client.bundle("transaction", *entries)).status_code

    assert await asyncio.gather(*(change(n) for n in range(6))) == [200] * 6
    left = (await client.get("Basic?identifier=urn:test|one,urn:test|other&_summary=count")).json()
    assert left["total"] == 1
