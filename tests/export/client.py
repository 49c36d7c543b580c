"""A client of exports: kicks one off, waits for it, reads its files."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx

from fhir_facade.export.wiring import Exports
from tests.facade.facade import Facade, Resource

FIRST, SECOND, THIRD = "P-2025-000001", "P-2025-000002", "P-2025-000003"
ASYNC = {"prefer": "respond-async", "accept": "application/fhir+json"}


def exports_of(facade: Facade) -> Exports:
    assert facade.app.exports is not None
    return facade.app.exports


async def kicked_off(facade: Facade, path: str, **headers: str) -> str:
    """The address to ask at."""
    answer = await facade.get(path, **{**ASYNC, **headers})
    assert answer.status_code == 202, answer.text
    assert answer.json()["issue"][0]["severity"] == "information"
    return answer.headers["content-location"]


async def posted(facade: Facade, path: str, *parameters: dict[str, Any], **headers: str) -> httpx.Response:
    """A kick-off by POST."""
    body = {"resourceType": "Parameters", "parameter": list(parameters)}
    stated = {**ASYNC, "content-type": "application/fhir+json", **headers}
    return await facade.request("POST", path, stated, json.dumps(body))


async def finished(facade: Facade, address: str, **headers: str) -> Resource:
    """The manifest, once this process has done what there was to do."""
    while await exports_of(facade).runner.run_one():
        pass
    answer = await facade.get(address, **headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    found: Resource = answer.json()
    return found


async def lines(facade: Facade, entry: Resource, **headers: str) -> list[Resource]:
    """The resources of one file of a manifest, decimals as they are."""
    answer = await facade.get(entry["url"], **headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/fhir+ndjson"
    text = answer.content.decode("utf-8")
    assert text.endswith("\n")
    found = [json.loads(line, parse_float=Decimal) for line in text[:-1].split("\n")]
    assert len(found) == entry["count"]
    return found


async def exported(facade: Facade, path: str, **headers: str) -> dict[str, list[Resource]]:
    """Every file of a whole export, by its type; errors below `OperationOutcome`."""
    own = {k: v for k, v in headers.items() if k == "authorization"}
    manifest = await finished(facade, await kicked_off(facade, path, **headers), **own)
    found = {}
    for entry in manifest["output"] + manifest["error"]:
        assert entry["type"] not in found
        found[entry["type"]] = await lines(facade, entry, **own)
        assert {r["resourceType"] for r in found[entry["type"]]} == {entry["type"]}
    return found


def by_id(resources: list[Resource]) -> dict[str, Resource]:
    found = {r["id"]: r for r in resources}
    assert len(found) == len(resources)
    return found


async def shown(facade: Facade, query: str) -> dict[str, Resource]:
    """What a search over all pages shows, by id."""
    found: dict[str, Resource] = {}
    path: str | None = query
    while path is not None:
        bundle = await facade.bundle(path)
        entries = [e["resource"] for e in bundle.get("entry", ()) if e["search"]["mode"] == "match"]
        found |= {r["id"]: r for r in entries}
        path = next((one["url"] for one in bundle["link"] if one["relation"] == "next"), None)
    return found
