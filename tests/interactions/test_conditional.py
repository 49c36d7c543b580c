"""Conditional create, update, patch, delete. https://hl7.org/fhir/R4/http.html#cond-update"""

from __future__ import annotations

import asyncio

import pytest

from tests.http.outcomes import refused
from tests.interactions.client import Client, basic, entry


async def two_alike(client: Client) -> None:
    await client.made(basic("twin"))
    await client.made(basic("twin"))


async def test_a_conditional_create_makes_one_and_then_finds_it(client: Client) -> None:
    first = await client.post("Basic", basic("one"), if_none_exist="identifier=urn:test|one")
    again = await client.post("Basic", basic("one"), if_none_exist="Basic?identifier=urn%3Atest%7Cone")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["etag"] == 'W/"1"'
    await two_alike(client)
    third = await client.post("Basic", basic("twin"), if_none_exist="identifier=twin")
    refused(third, 412, "multiple-matches", "If-None-Exist")


async def test_concurrent_conditional_creates_make_one(client: Client) -> None:
    asked = [client.post("Basic", basic("race"), if_none_exist="identifier=urn:test|race") for _ in range(8)]
    answers = await asyncio.gather(*asked)
    assert sorted(a.status_code for a in answers) == [200] * 7 + [201]
    assert len({a.json()["id"] for a in answers}) == 1
    assert (await client.get("Basic?identifier=race&_summary=count")).json()["total"] == 1


async def test_a_conditional_update_updates_the_one_or_creates_it(client: Client) -> None:
    path = "Basic?identifier=urn:test|upsert"
    made = await client.put(path, basic("upsert"))
    changed = await client.put(path, basic("upsert", code={"text": "another"}))
    assert (made.status_code, changed.status_code) == (201, 200)
    assert changed.json()["id"] == made.json()["id"]
    assert changed.json()["code"] == {"text": "another"}
    with_id = {**basic("upsert"), "id": made.json()["id"]}
    assert (await client.put(path, with_id)).status_code == 200
    refused(await client.put(path, {**basic("upsert"), "id": "n-999999"}), 400, None, "Basic.id")
    refused(await client.put("Basic?identifier=none", {**basic("none"), "id": "n-999999"}), 405)
    await two_alike(client)
    refused(await client.put("Basic?identifier=twin", basic("twin")), 412, "multiple-matches")


async def test_a_conditional_patch_patches_the_one(client: Client) -> None:
    made = await client.made(basic("patched"))
    operations = [{"op": "replace", "path": "/code/text", "value": "patched"}]
    response = await client.patch("Basic?identifier=patched", operations)
    assert (response.status_code, response.json()["id"]) == (200, made["id"])
    assert response.json()["code"] == {"text": "patched"}
    refused(await client.patch("Basic?identifier=none", operations), 404, "not-found")
    await two_alike(client)
    refused(await client.patch("Basic?identifier=twin", operations), 412, "multiple-matches")


async def test_a_conditional_delete_deletes_the_one(client: Client) -> None:
    made = await client.made(basic("deleted"))
    assert (await client.delete("Basic?identifier=none")).status_code == 204
    assert (await client.delete("Basic?identifier=deleted")).status_code == 204
    refused(await client.get(f"Basic/{made['id']}"), 410, "deleted")
    await two_alike(client)
    refused(await client.delete("Basic?identifier=twin"), 412, "multiple-matches")
    assert (await client.get("Basic?identifier=twin&_summary=count")).json()["total"] == 2


@pytest.mark.parametrize(
    ("query", "status", "about"),
    [
        ("", 412, "query"),
        ("colour=red", 400, "colour"),
        ("identifier=", 400, "identifier"),
        ("_count=1", 400, "_count"),
        ("identifier=a&_include=Basic:subject", 400, "_include"),
        ("_sort=identifier", 400, "_sort"),
        ("identifier:colour=a", 400, "identifier:colour"),
    ],
)
async def test_criteria_that_select_nothing_never_mean_all(
    embedded_client: Client, query: str, status: int, about: str
) -> None:
    await embedded_client.made(basic("a"))
    refused(await embedded_client.delete(f"Basic?{query}"), status, about=about)
    refused(await embedded_client.put(f"Basic?{query}", basic("a")), status, about=about)
    assert (await embedded_client.get("Basic?_summary=count")).json()["total"] == 1


@pytest.mark.parametrize(
    ("criteria", "status"), [("", 412), ("identifier", 400), ("colour=red", 400), ("_count=1", 400)]
)
async def test_a_conditional_create_needs_criteria(
    embedded_client: Client, criteria: str, status: int
) -> None:
    refused(await embedded_client.post("Basic", basic("a"), if_none_exist=criteria), status)
    assert (await embedded_client.get("Basic?_summary=count")).json()["total"] == 0


async def test_criteria_in_the_address_of_a_create_make_no_second_one(embedded_client: Client) -> None:
    path = "Basic?identifier=urn:test|one"
    await embedded_client.made(basic("one"))
    refused(await embedded_client.post(path, basic("one")), 400, "not-supported", "identifier")
    for kind in ("batch", "transaction"):
        answer = await embedded_client.bundle(kind, entry("POST", path, basic("one")))
        assert "If-None-Exist" in answer.text
    assert (await embedded_client.get("Basic?identifier=one&_summary=count")).json()["total"] == 1
    assert (await embedded_client.post("Basic?_format=json", basic("two"))).status_code == 201


async def test_criteria_of_a_conditional_create_are_read_as_they_are_meant(embedded_client: Client) -> None:
    """A `?` may be of a value, and the criteria of another type would find nothing that is meant."""
    odd = basic("one", identifier=[{"system": "http://lab.test/ids?of=x", "value": "1"}])
    criteria = "identifier=http://lab.test/ids?of=x|1"
    made = [await embedded_client.post("Basic", odd, if_none_exist=criteria) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 200]
    again = await embedded_client.post("Basic", odd, if_none_exist=f"Basic?{criteria}")
    assert again.status_code == 200
    goals = "Goal?identifier=http://lab.test/ids|1"
    refused(await embedded_client.post("Basic", odd, if_none_exist=goals), 400, None, "http.If-None-Exist")
    inside = entry("POST", "Basic", odd, ifNoneExist=goals)
    answer = await embedded_client.bundle("transaction", inside)
    refused(answer, 400, None, "Bundle.entry[0].request.ifNoneExist")
