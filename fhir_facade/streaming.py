"""A body that is sent piece by piece, as fast as its client takes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping

from fhir_facade.content import Receive, Send


async def streamed(
    receive: Receive,
    send: Send,
    headers: Mapping[str, str],
    stream: AsyncGenerator[bytes],
    *,
    with_body: bool,
) -> None:
    """The answer; nothing more is made of it once its client has gone."""
    encoded = [(k.encode(), v.encode("latin-1", "replace")) for k, v in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": encoded})
    left = asyncio.create_task(_left(receive))
    try:
        if with_body:
            async for piece in stream:
                if left.done():
                    return
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        left.cancel()
        await stream.aclose()


async def _left(receive: Receive) -> None:
    """Returns once the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
