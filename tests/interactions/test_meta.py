"""$meta-add and $meta-delete: tags, profiles and labels come and go, and each time there is a new version."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from fhir_facade.registry import everything
from tests.facade.facade import Facade, embedded_folder, execute, ids, settings_of, writer
from tests.http.outcomes import refused
from tests.interactions.client import Client, Resource, goal

A, B = {"system": "urn:t", "code": "a"}, {"system": "urn:t", "code": "b", "display": "B"}
LABEL = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"}
PROFILE = "http://profiles.example/goal"


async def changed(client: Client, path: str, how: str, meta: Any, **headers: str) -> httpx.Response:
    sent = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}
    return await client.post(f"{path}/$meta-{how}", sent, **headers)


def meta_in(answer: httpx.Response) -> Resource:
    """The Meta that was answered."""
    assert answer.status_code == 200, answer.text
    [returned] = answer.json()["parameter"]
    assert returned["name"] == "return"
    meta: Resource = returned["valueMeta"]
    return meta


async def test_what_is_added_is_there_once_and_makes_a_version(client: Client) -> None:
    made = await client.made(goal(meta={"tag": [A]}))
    path, first = f"Goal/{made['id']}", made["meta"]["versionId"]
    answer = await changed(client, path, "add", {"tag": [A, B, B], "security": [LABEL], "profile": [PROFILE]})
    meta = meta_in(answer)
    assert (meta["tag"], meta["security"], meta["profile"]) == ([A, B], [LABEL], [PROFILE])
    read = await client.get(path)
    assert read.json()["meta"] == meta
    assert answer.headers["etag"] == read.headers["etag"] != f'W/"{first}"'
    versions = (await client.get(f"{path}/_history")).json()["entry"]
    assert [len(v["resource"]["meta"]["tag"]) for v in versions] == [2, 1]


async def test_what_is_taken_away_is_gone_and_the_rest_stays(client: Client) -> None:
    made = await client.made(goal(meta={"tag": [A, B], "security": [LABEL], "profile": [PROFILE]}))
    path = f"Goal/{made['id']}"
    named = {"tag": [{"system": "urn:t", "code": "b"}], "security": [LABEL], "profile": [PROFILE]}
    meta = meta_in(await changed(client, path, "delete", named))
    assert meta["tag"] == [A]
    assert not {"security", "profile"} & meta.keys()
    assert (await client.get(path)).json()["description"] == made["description"]


@pytest.mark.parametrize(("how", "meta"), [("add", {"tag": [A]}), ("delete", {"tag": [B]})])
async def test_what_changes_nothing_makes_no_version(embedded_client: Client, how: str, meta: Any) -> None:
    made = await embedded_client.made(goal(meta={"tag": [A]}))
    path = f"Goal/{made['id']}"
    assert meta_in(await changed(embedded_client, path, how, meta)) == made["meta"]
    assert (await embedded_client.get(f"{path}/_history")).json()["total"] == 1
    refused(await changed(embedded_client, path, how, meta, if_match='W/"7"'), 412, "conflict")


@pytest_asyncio.fixture
async def own(tmp_path: Path) -> AsyncIterator[Client]:
    """A client of a facade with rows of its own."""
    facade = Facade(settings_of(embedded_folder(tmp_path)))
    yield Client(facade)
    await facade.close()


async def test_a_row_of_the_hospitals_keeps_them_beside_it(own: Client) -> None:
    client, path = own, "Patient/P-2025-000001"
    before = (await client.get(path)).json()
    meta = meta_in(await changed(client, path, "add", {"tag": [A]}))
    after = (await client.get(path)).json()
    assert after["meta"] == meta
    assert {**after, "meta": ""} == {**before, "meta": ""}
    assert meta["source"] == before["meta"]["source"]
    meta = meta_in(await changed(client, path, "delete", {"tag": [A]}, if_match=f'W/"{meta["versionId"]}"'))
    assert "tag" not in meta
    refused(await changed(client, path, "add", {"tag": [A]}, if_match='W/"old"'), 412, "conflict")


@pytest.mark.parametrize(
    ("path", "meta", "status"),
    [
        ("Patient/oe-pat-3", {"tag": [A]}, 405),
        ("Patient/nobody", {"tag": [A]}, 404),
        ("Patient/P-2025-000001", {}, 400),
        ("Patient/P-2025-000001", {"versionId": "9"}, 400),
        ("Patient/P-2025-000001", {"tag": A}, 400),
        ("Patient/P-2025-000001", {"tag": ["a"]}, 422),
        ("Patient/P-2025-000001", {"tag": [{"colour": "red"}]}, 422),
        ("Patient/P-2025-000001", {"profile": [{}]}, 422),
        ("Patient/P-2025-000001", "tag", 400),
    ],
)
async def test_what_can_not_be_done_is_refused(
    embedded_client: Client, path: str, meta: Any, status: int
) -> None:
    answer = await changed(embedded_client, path, "add", meta)
    assert answer.status_code == status, answer.text
    assert answer.json()["issue"][0]["diagnostics"]
    assert "tag" not in (await embedded_client.get("Patient/P-2025-000001")).json()["meta"]


async def found(client: Client, search: str) -> list[str]:
    """The ids that a search finds."""
    answer = await client.get(search)
    assert answer.status_code == 200, answer.text
    return ids(answer.json())


async def test_what_is_in_meta_is_found_by_it(client: Client) -> None:
    one = await client.made(goal(meta={"tag": [A], "security": [LABEL], "profile": [PROFILE]}))
    other = await client.made(goal(meta={"tag": [B]}))
    first, second = f"Goal/{one['id']}", f"Goal/{other['id']}"
    for search in ("_tag=a", "_tag=urn:t|a", "_security=N", f"_profile={PROFILE}", "_tag:not=b"):
        assert await found(client, f"Goal?{search}") == [first], search
    assert await found(client, "Goal?_profile:below=http://profiles.example") == [first]
    assert await found(client, "Goal?_profile:missing=true") == [second]
    assert await found(client, "Goal?_tag=a,b") == [first, second]
    assert await found(client, "Goal?_tag:text=B") == [second]
    assert await found(client, "?_type=Goal,Patient&_tag=a") == [first]
    assert await found(client, "Goal?_tag=urn:other|a") == []
    meta_in(await changed(client, first, "delete", {"tag": [A]}))
    assert await found(client, "Goal?_tag=a") == []


async def test_a_row_is_found_by_its_tag_until_the_tag_is_taken_away(own: Client) -> None:
    path = "Patient/P-2025-000001"
    everybody = await found(own, "Patient")
    assert await found(own, "Patient?_tag=urn:t|a") == []
    meta_in(await changed(own, path, "add", {"tag": [A]}))
    execute(
        writer(own.facade), "UPDATE emr_patientcache SET phone = '02-1' WHERE patient_id = 'P-2025-000001'"
    )
    assert await found(own, "Patient?_tag=urn:t|a") == [path]
    assert await found(own, "Patient?_tag:not=urn:t|a") == [p for p in everybody if p != path]
    assert await found(own, "Encounter?patient._tag=a") == await found(own, "Encounter?patient=P-2025-000001")
    meta_in(await changed(own, path, "delete", {"tag": [A]}))
    assert await found(own, "Patient?_tag=urn:t|a") == []


async def test_a_list_finds_what_stands_in_it(client: Client) -> None:
    made = await client.made(goal())
    own, patient = f"Goal/{made['id']}", "Patient/P-2025-000002"
    items = [{"item": {"reference": one}} for one in (patient, own)]
    listed = await client.made(
        {"resourceType": "List", "status": "current", "mode": "working", "entry": items}
    )
    assert await found(client, f"Patient?_list={listed['id']}") == [patient]
    assert await found(client, f"Patient?_list={listed['id']}&birthdate=gt2100") == []
    assert await found(client, f"Goal?_list={listed['id']}") == [own]
    assert await found(client, "Patient?_list=nobody") == []
    refused(await client.get("Patient?_list=$current-problems"), 400, "not-supported")
    refused(await client.get("Patient?_list="), 400, "invalid")


def test_all_that_clients_write_is_found_by_what_they_say_in_meta() -> None:
    for name, mapping in everything().items():
        if any(part.written_here for part in mapping.parts):
            assert "_tag" in mapping.params, name
            assert ("_profile" in mapping.params) is not any(p.profiles for p in mapping.parts), name
            assert ("_security" in mapping.params) is not any(p.security for p in mapping.parts), name
