"""vread and histories. https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote

import pytest

from tests.facade.facade import BASE, Facade, link
from tests.http.outcomes import refused
from tests.interactions.client import Client, Resource, basic, goal, told


async def a_life(client: Client) -> tuple[str, list[Resource]]:
    """A resource that was created, updated, patched, deleted, brought back; its readable versions."""
    made = await client.made(goal())
    path = f"Goal/{made['id']}"
    versions = [made, told(await client.put(path, {**made, "lifecycleStatus": "on-hold"}))]
    change = [{"op": "replace", "path": "/lifecycleStatus", "value": "completed"}]
    versions.append(told(await client.patch(path, change)))
    assert (await client.delete(path)).status_code == 204
    versions.append(told(await client.put(path, made)))
    return path, versions


async def test_every_version_that_was_answered_can_be_read(client: Client) -> None:
    path, versions = await a_life(client)
    for version in versions:
        number = version["meta"]["versionId"]
        response = await client.get(f"{path}/_history/{number}")
        assert response.status_code == 200
        assert told(response) == version
        assert response.headers["etag"] == f'W/"{number}"'
    refused(await client.get(f"{path}/_history/4"), 410, "deleted")
    refused(await client.get(f"{path}/_history/99"), 404, "not-found")
    refused(await client.get(f"{path}/_history/no_id"), 400, "value")
    unchanged = await client.get(f"{path}/_history/1", if_none_match='W/"1"')
    assert (unchanged.status_code, unchanged.content) == (304, b"")


async def test_a_history_tells_what_was_done_the_newest_first(client: Client) -> None:
    path, _ = await a_life(client)
    bundle = (await client.get(f"{path}/_history")).json()
    assert (bundle["type"], bundle["total"]) == ("history", 5)
    told_ = [
        (e["request"]["method"], e["request"]["url"], e["response"]["status"], e["response"]["etag"])
        for e in bundle["entry"]
    ]
    assert told_ == [
        ("PUT", path, "200", 'W/"5"'),
        ("DELETE", path, "204", 'W/"4"'),
        ("PATCH", path, "200", 'W/"3"'),
        ("PUT", path, "200", 'W/"2"'),
        ("POST", "Goal", "201", 'W/"1"'),
    ]
    assert [e.get("resource", {}).get("lifecycleStatus") for e in bundle["entry"]] == [
        "active",
        None,
        "completed",
        "on-hold",
        "active",
    ]
    assert all(e["fullUrl"] == f"{BASE}/{path}" and e["response"]["lastModified"] for e in bundle["entry"])


@pytest.mark.parametrize("of", ["instance", "type", "system"])
async def test_histories_come_in_pages_without_loss(client: Client, of: str) -> None:
    path, _ = await a_life(client)
    await client.made(basic("beside"))
    at = {"instance": f"{path}/_history", "type": "Goal/_history", "system": "_history"}[of]
    page, tags = (await client.get(f"{at}?_count=2")).json(), list[str]()
    while True:
        tags += [e["fullUrl"].removeprefix(BASE) + e["response"]["etag"] for e in page.get("entry", [])]
        assert len(page.get("entry", [])) <= 2
        following = link(page, "next")
        if following is None:
            break
        page = (await client.get(following)).json()
    expected = [f'/{path}W/"{n}"' for n in (5, 4, 3, 2, 1)]
    assert tags[1 if of == "system" else 0 :] == expected
    whole = (await client.get(at)).json()
    assert whole["total"] == len(tags)


async def test_a_history_since_a_moment_and_at_a_moment(client: Client) -> None:
    path, versions = await a_life(client)
    second = versions[1]["meta"]["lastUpdated"]
    since = (await client.get(f"{path}/_history?_since={quote(second)}")).json()
    assert [e["response"]["etag"] for e in since["entry"]] == [f'W/"{n}"' for n in (5, 4, 3, 2)]
    at = (await client.get(f"{path}/_history?_at={quote(second)}")).json()
    assert 'W/"2"' in [e["response"]["etag"] for e in at["entry"]]
    assert 'W/"5"' not in [e["response"]["etag"] for e in at["entry"]]
    later = (datetime.fromisoformat(second) + timedelta(hours=1)).isoformat()
    none = (await client.get(f"{path}/_history?_since={quote(later)}")).json()
    assert (none["type"], none.get("entry")) == ("history", None)


async def test_a_row_that_only_others_write_has_its_version_now(facade: Facade, client: Client) -> None:
    [match] = (await facade.bundle("Observation?_count=1"))["entry"]
    found = match["resource"]
    path, number = f"Observation/{found['id']}", found["meta"]["versionId"]
    bundle = (await client.get(f"{path}/_history")).json()
    assert [e["resource"] for e in bundle["entry"]] == [found]
    assert bundle["total"] == 1
    assert (await client.get(f"{path}/_history/{number}")).json() == found
    refused(await client.get(f"{path}/_history/0"), 404, "not-found")


@pytest.mark.parametrize(
    ("path", "status", "about"),
    [
        ("Goal/n-999999/_history", 404, ""),
        ("Goal/n-999999/_history/1", 404, ""),
        ("Nonsense/_history", 404, ""),
        ("Goal/_history?_sort=date", 400, "_sort"),
        ("Goal/_history?_at=2020", 400, "_at"),
        ("_history?_since=yesterday", 400, "_since"),
        ("_history?_count=-1", 400, "_count"),
        ("_history?_cursor=abc", 400, "_cursor"),
        ("Goal/_history/1", 404, ""),
        ("Goal/n-1/_history/1/more", 404, ""),
    ],
)
async def test_what_cant_be_asked_is_told(
    embedded_client: Client, path: str, status: int, about: str
) -> None:
    refused(await embedded_client.get(path), status, about=about)


async def test_a_page_link_is_for_its_own_history(embedded_client: Client) -> None:
    path, _ = await a_life(embedded_client)
    following = link((await embedded_client.get(f"{path}/_history?_count=1")).json(), "next")
    assert following is not None
    cursor = following.partition("_cursor=")[2]
    refused(await embedded_client.get(f"_history?_cursor={cursor}"), 400, "invalid", "_cursor")


@pytest.mark.parametrize("within", ["Goal/{id}/", "Goal/", ""])
async def test_a_history_of_no_entries_tells_how_many_there_are(embedded_client: Client, within: str) -> None:
    made = await embedded_client.made(goal())
    await embedded_client.put(f"Goal/{made['id']}", made)
    answer = await embedded_client.get(f"{within.format(id=made['id'])}_history?_count=0")
    found = answer.json()
    assert (answer.status_code, found["total"], found.get("entry", [])) == (200, 2, [])
    assert [one["relation"] for one in found["link"]] == ["self"]
