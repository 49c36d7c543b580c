"""A client that can do what polite ones don't: go away in the middle of an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from tests.bench.servers import Served


@dataclass(frozen=True)
class Answer:
    """An answer's status and body."""

    status: int
    body: bytes

    @property
    def resource(self) -> dict[str, Any]:
        """The body as JSON."""
        found: dict[str, Any] = json.loads(self.body)
        return found


async def get(served: Served, path: str, prefer: str = "") -> Answer:
    """One GET on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        writer.write(request(served, path, prefer))
        head, _, rest = (await asyncio.wait_for(reader.read(), 60)).partition(b"\r\n\r\n")
        return Answer(int(head.split(b" ", 2)[1]), rest)
    finally:
        writer.close()


async def leave(served: Served, path: str, after: float, size: int) -> None:
    """A GET whose client is gone after some seconds, or after it read some bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(request(served, path))
    if size:
        await reader.read(size)
    await asyncio.sleep(after)
    writer.transport.abort()


def request(served: Served, path: str, prefer: str = "") -> bytes:
    """The bytes of a GET that ends with its connection."""
    lines = [f"GET /api/fhir/{path} HTTP/1.1", f"Host: 127.0.0.1:{served.port}", "Connection: close"]
    lines += [f"Prefer: {prefer}"] if prefer else []
    return "\r\n".join((*lines, "", "")).encode()


async def pages(served: Served, path: str) -> AsyncIterator[dict[str, Any]]:
    """The Bundles of a search, page by page."""
    following: str | None = path
    while following is not None:
        answer = await get(served, following)
        assert answer.status == 200, answer.body[:500]
        yield answer.resource
        links = {link["relation"]: link["url"] for link in answer.resource["link"]}
        following = links["next"].partition("/api/fhir/")[2] if "next" in links else None


def matches(bundle: dict[str, Any]) -> list[str]:
    """The ids of a page's matches."""
    entries = bundle.get("entry", [])
    return [e["resource"]["id"] for e in entries if e["search"]["mode"] == "match"]


def outcomes(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    """The issues of a page's outcome entries."""
    entries = [e["resource"] for e in bundle.get("entry", []) if e["search"]["mode"] == "outcome"]
    return [issue for outcome in entries for issue in outcome["issue"]]
