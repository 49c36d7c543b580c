"""A server that does nothing: what HTTP itself costs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

BODY = b'{"resourceType":"Basic"}'
HEADERS = [(b"content-type", b"application/fhir+json;charset=utf-8"), (b"content-length", b"24")]


async def app(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Answers every HTTP request with the same few bytes."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": BODY})
