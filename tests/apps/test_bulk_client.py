"""A service that fetches everything: its key signs for it, it waits as it is told, and reads packed files."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import httpx

from tests.apps.site import Site
from tests.apps.test_backend_service import asked, published, registered

NDJSON = {"accept": "application/fhir+ndjson", "accept-encoding": "gzip"}


async def waited_for(http: httpx.AsyncClient, address: str) -> dict[str, Any]:
    """The manifest, asked for no sooner than Retry-After says."""
    while (answer := await http.get(address)).status_code == 202:
        assert answer.headers["x-progress"]
        await asyncio.sleep(int(answer.headers["retry-after"]))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def packed(http: httpx.AsyncClient, url: str) -> list[dict[str, Any]]:
    """The resources of a file, as it comes over the wire."""
    async with http.stream("GET", url, headers=NDJSON) as answer:
        assert (answer.status_code, answer.headers["content-encoding"]) == (200, "gzip")
        assert answer.headers["content-type"] == "application/fhir+ndjson"
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    return [json.loads(line) for line in gzip.decompress(raw).splitlines()]


async def test_a_service_fetches_everything_it_may_see_and_drops_it(built_in: Site) -> None:
    form = asked(built_in, registered(built_in, jwks=published()), "ES384")
    async with httpx.AsyncClient() as http:
        token = (await http.post(f"{built_in.origin}/api/auth/token", data=form)).json()["access_token"]
        http.headers["authorization"] = f"Bearer {token}"
        metadata = (await http.get(f"{built_in.base}/metadata")).json()
        assert "http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data" in metadata["instantiates"]
        assert "export" in {o["name"] for o in metadata["rest"][0]["operation"]}
        asynchronous = {"accept": "application/fhir+json", "prefer": "respond-async"}
        answer = await http.get(f"{built_in.base}/$export", headers=asynchronous)
        assert answer.status_code == 202, answer.text
        address = answer.headers["content-location"]
        manifest = await waited_for(http, address)
        assert manifest["requiresAccessToken"] is True
        assert {o["type"] for o in manifest["output"]} == {"Patient", "Observation"}
        for entry in manifest["output"]:
            resources = await packed(http, entry["url"])
            counted = await http.get(f"{built_in.base}/{entry['type']}?_summary=count")
            assert len(resources) == len({r["id"] for r in resources}) == counted.json()["total"]
        assert (await http.delete(address)).status_code == 202
        assert (await http.get(address)).status_code == 404
