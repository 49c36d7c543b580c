"""A client that writes."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx

from fhir_facade.content import dumps
from tests.facade.facade import Facade

Resource = dict[str, Any]
JSON = "application/fhir+json"
JSON_PATCH = "application/json-patch+json"
FIRST, SECOND = "Patient/P-2025-000001", "Patient/P-2025-000002"


class Client:
    """Sends resources to a facade; header names with `_` for `-`."""

    def __init__(self, facade: Facade, **headers: str) -> None:
        self.facade, self.headers = facade, headers

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Any request; a body that is no text is sent as JSON."""
        stated = {"content_type": JSON, **self.headers, **headers}
        content = body if isinstance(body, str | bytes) else b"" if body is None else _json(body)
        return await self.facade.request(method, path, stated, content)

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.send("POST", path, body, **headers)

    async def put(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.send("PUT", path, body, **headers)

    async def patch(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """A JSON Patch, unless the content type says another."""
        return await self.send("PATCH", path, body, **{"content_type": JSON_PATCH, **headers})

    async def delete(self, path: str, **headers: str) -> httpx.Response:
        return await self.send("DELETE", path, **headers)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.send("GET", path, **headers)

    async def made(self, resource: Resource, **headers: str) -> Resource:
        """A new resource as it was answered."""
        response = await self.post(resource["resourceType"], resource, **headers)
        assert response.status_code == 201, response.text
        return told(response)

    async def bundle(self, kind: str, *entries: Resource, **headers: str) -> httpx.Response:
        """A batch or transaction of requests."""
        sent = {"resourceType": "Bundle", "type": kind, "entry": list(entries)}
        return await self.post("", sent, **headers)


def _json(body: Any) -> bytes:
    return dumps(body) if isinstance(body, dict) else json.dumps(body).encode()


def told(response: httpx.Response) -> Resource:
    """The resource in an answer, with decimals as they are."""
    found: Resource = json.loads(response.text, parse_float=Decimal)
    return found


def entry(
    method: str, url: str, resource: Resource | None = None, full_url: str = "", **asked: str
) -> Resource:
    """One request of a Bundle."""
    made: Resource = {"request": {"method": method, "url": url, **asked}}
    if full_url:
        made["fullUrl"] = full_url
    return {**made, "resource": resource} if resource is not None else made


def goal(**more: Any) -> Resource:
    """A resource that is kept whole."""
    return {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": "하루 30분 걷기"},
        "subject": {"reference": FIRST},
        **more,
    }


def basic(value: str, **more: Any) -> Resource:
    """A resource with an identifier."""
    identifier = {"system": "urn:test", "value": value}
    return {"resourceType": "Basic", "identifier": [identifier], "code": {"text": "a note"}, **more}
