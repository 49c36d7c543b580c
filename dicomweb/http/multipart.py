"""multipart/related bodies, written part by part. https://www.rfc-editor.org/rfc/rfc2387"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import NamedTuple

from starlette.responses import Response

from dicomweb.http.streaming import Begun, Closing, Streamed


class Part(NamedTuple):
    """A part's media type, its bytes or pieces of them, and where it stands by itself."""

    media: str
    body: bytes | Begun
    location: str = ""


def _boundary() -> str:
    """128 random bits: nothing that was made before holds it."""
    return os.urandom(16).hex()


def _head(boundary: str, part: Part) -> bytes:
    lines = [f"--{boundary}", f"Content-Type: {part.media}"]
    if isinstance(part.body, bytes):
        lines.append(f"Content-Length: {len(part.body)}")
    if part.location:
        lines.append(f"Content-Location: {part.location}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _content_type(boundary: str, root: str) -> str:
    return f'multipart/related; type="{root}"; boundary={boundary}'


def whole(root: str, parts: Iterable[Part], status: int = 200) -> Response:
    """An answer of parts that are at hand; `root` is their media type."""
    boundary = _boundary()
    pieces = []
    for part in parts:
        assert isinstance(part.body, bytes)
        pieces += [_head(boundary, part), part.body, b"\r\n"]
    body = b"".join([*pieces, f"--{boundary}--\r\n".encode()])
    return Response(body, status, headers={"content-type": _content_type(boundary, root)})


def streamed(
    root: str, parts: AsyncGenerator[Part, None], status: int = 200, held: Closing | None = None
) -> Streamed:
    """An answer that holds one piece of one part at a time."""
    boundary = _boundary()
    headers = {"content-type": _content_type(boundary, root)}
    return Streamed(_pieces(boundary, parts), status, headers, held)


async def _pieces(boundary: str, parts: AsyncGenerator[Part, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(parts):
        async for part in parts:
            yield _head(boundary, part)
            if isinstance(part.body, bytes):
                yield part.body
            else:
                async for piece in part.body:
                    yield piece
            yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()
