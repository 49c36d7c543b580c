"""Terminology resources that clients write stand behind those at hand, and never in their place."""

import json

import pytest

from mappers.query import UNRESTRICTED, SearchQuery, Sort
from mappers.view import View
from tests.http.outcomes import refused
from tests.writes.conftest import Written

SYSTEM = {
    "resourceType": "CodeSystem",
    "url": "http://example.org/colours",
    "name": "Colours",
    "status": "active",
    "content": "complete",
    "concept": [{"code": "red"}],
}


@pytest.mark.parametrize("sort", [(), (Sort("name"),)])
async def test_what_is_written_comes_behind_what_is_at_hand(written: Written, sort: tuple[Sort, ...]) -> None:
    view, query = View(written.engine, UNRESTRICTED), SearchQuery("CodeSystem", sort=sort)
    before = await view.total(query)
    async with written.writer() as writer:
        made = [(await writer.create("CodeSystem", SYSTEM))["id"] for _ in range(3)]
    assert await view.total(query) == before + 3
    for size in (1000, before, before + 1, 5000):
        told, page = [], await view.page(query, size)
        while True:
            told += [m["id"] for m in page.matches if isinstance(m, dict)]
            if page.after is None:
                break
            page = await view.page(query, size, page.after)
        assert told[before:] == made, size
        assert len(set(told)) == before + 3


async def test_it_is_read_and_found_by_its_url(written: Written) -> None:
    async with written.writer() as writer:
        made = await writer.create("CodeSystem", SYSTEM)
    response = await written.facade.get(f"CodeSystem/{made['id']}")
    assert response.json()["concept"] == [{"code": "red"}]
    bundle = await written.facade.bundle("CodeSystem?url=http://example.org/colours")
    assert [e["resource"]["id"] for e in bundle["entry"]] == [made["id"]]
    bundle = await written.facade.bundle(f"CodeSystem?_id={made['id']},observation-status")
    assert {e["resource"]["id"] for e in bundle["entry"]} == {made["id"], "observation-status"}


@pytest.mark.parametrize("id_text", ["observation-status", "local-lab-test"])
async def test_what_is_at_hand_can_not_be_written_over(written: Written, id_text: str) -> None:
    before = (await written.facade.get(f"CodeSystem/{id_text}")).json()
    sent = json.dumps(SYSTEM | {"id": id_text})
    stated = {"content-type": "application/fhir+json"}
    for method, body in (("PUT", sent), ("DELETE", "")):
        response = await written.facade.request(method, f"CodeSystem/{id_text}", stated, body)
        refused(response, 405, "not-supported")
        assert "the standard's" in response.json()["issue"][0]["diagnostics"]
    patch = json.dumps([{"op": "replace", "path": "/status", "value": "draft"}])
    stated = {"content-type": "application/json-patch+json"}
    refused(
        await written.facade.request("PATCH", f"CodeSystem/{id_text}", stated, patch), 405, "not-supported"
    )
    assert (await written.facade.get(f"CodeSystem/{id_text}")).json() == before
