"""Reads multipart/related as clients do: by the email package."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import cast

import httpx


def parts_of(answer: httpx.Response) -> list[tuple[str, bytes]]:
    """Content-Type and bytes of each part."""
    assert answer.headers["content-type"].startswith("multipart/related"), answer.text[:300]
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + answer.content)
    return [
        (str(p["content-type"]).replace('"', ""), _bytes(p))
        for p in cast(list[Message], message.get_payload())
    ]


def _bytes(part: Message) -> bytes:
    return cast(bytes, part.get_payload(decode=True))
