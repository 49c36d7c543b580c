"""A server that keeps what it hears, and answers as a Keycloak that was started without `--hostname`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

ANSWER = """\
HTTP/1.1 302 Found\r
Location: {url}/realms/hospital/login-actions/x\r
Set-Cookie: KC_A=1; Path=/realms/hospital/; HttpOnly\r
Set-Cookie: KC_B=2; Path=/api/auth/idp/realms/hospital/; Secure\r
Server: echo\r
Keep-Alive: timeout=5\r
Upgrade: h2c\r
Content-Length: 0\r
\r
"""


@asynccontextmanager
async def echo(port: int) -> AsyncIterator[tuple[str, list[dict[str, str]]]]:
    """Its address, and the headers of each request that came."""
    url, heard = f"http://127.0.0.1:{port}", list[dict[str, str]]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        pairs = (line.split(": ", 1) for line in text.split("\r\n")[1:] if line)
        heard.append({name.lower(): value for name, value in pairs})
        writer.write(ANSWER.format(url=url).encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    try:
        yield url, heard
    finally:
        server.close()
        await server.wait_closed()
