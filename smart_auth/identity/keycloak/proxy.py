"""Passes Keycloak's login pages on to browsers: those of one realm, and nothing else of it.

An allow-list on the path as it was sent: what holds a `%`, an empty segment or dots is refused before anybody
could read it differently.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import httpx
from fastapi import Request, Response
from starlette.responses import StreamingResponse

from smart_auth.identity.keycloak.realm import Connection
from smart_auth.identity.keycloak.wanted import PREFIX
from smart_auth.identity.provider import ProviderDownError

LARGEST_FORM = 64 * 1024
#: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"}
    | {"te", "trailer", "transfer-encoding", "upgrade"}
)
#: said by us, or nobody's business there: our own tokens and cookies among it
NOT_PASSED_ON = HOP_BY_HOP | {"host", "content-length", "cookie", "authorization", "forwarded", "x-real-ip"}
KEYCLOAKS_COOKIES = ("AUTH_SESSION_ID", "KC_", "KEYCLOAK_")
_SEGMENT = r"[A-Za-z0-9@_-][A-Za-z0-9@._-]*"
_PLAIN = re.compile(rf"(/{_SEGMENT})+")
_RESOURCE = re.compile(rf"resources(/{_SEGMENT})+")
_LOGIN = r"protocol/openid-connect/(auth|logout|logout/logout-confirm)|login-actions/[a-z-]+"


class Proxy:
    """Below PREFIX on our side, below Keycloak's address on the other."""

    def __init__(self, connection: Connection, http: httpx.AsyncClient) -> None:
        self._url, self._http = connection.url.rstrip("/"), http
        self._public = urlsplit(connection.base_url)
        own = re.escape(urlsplit(self._url).path)
        self._cookie_path = re.compile(rf"(;\s*path=){own}/realms/".encode(), re.IGNORECASE)
        self._login = re.compile(rf"realms/{re.escape(connection.realm)}/({_LOGIN})")

    async def answer(self, request: Request) -> Response:
        """Keycloak's answer; 404 for what isn't passed on, 405 for a method, 413 for a large body.

        Raises ProviderDownError when there is none.
        """
        path = passed_on(request.scope.get("raw_path", b""))
        login = path is not None and self._login.fullmatch(path)
        if path is None or not (login or _RESOURCE.fullmatch(path)):
            return Response("Not found\n", 404, media_type="text/plain")
        if request.method == "POST" and not login:
            return Response("Method not allowed\n", 405, {"allow": "GET, HEAD"}, "text/plain")
        content = await _content(request)
        if content is None:
            return Response("The form is too large\n", 413, media_type="text/plain")
        return self._passed_back(await self._sent(request, path, content))

    async def _sent(self, request: Request, path: str, content: bytes) -> httpx.Response:
        query = request.scope.get("query_string", b"").decode("latin-1")
        url = f"{self._url}/{path}{'?' if query else ''}{query}"
        sent = self._http.build_request(
            request.method, url, headers=[*self._headers(request)], content=content or None
        )
        try:
            return await self._http.send(sent, stream=True, follow_redirects=False)
        except httpx.HTTPError as error:
            raise ProviderDownError(f"Keycloak doesn't answer ({type(error).__name__})") from error

    def _headers(self, request: Request) -> Iterator[tuple[str, str]]:
        named = {n.strip().lower() for n in request.headers.get("connection", "").split(",")}
        passed = [(n, v) for n, v in request.headers.items() if n not in NOT_PASSED_ON | named]
        yield from ((n, v) for n, v in passed if not n.startswith("x-forwarded-"))
        if "accept-encoding" not in request.headers:
            yield "accept-encoding", "identity"  # else the HTTP client says what it could read
        own = [c for c in request.headers.get("cookie", "").split("; ") if c.startswith(KEYCLOAKS_COOKIES)]
        if own:
            yield "cookie", "; ".join(own)
        yield from self._forwarded(request)

    def _forwarded(self, request: Request) -> Iterator[tuple[str, str]]:
        """Who asks, and by which address; what the browser says of that itself is not passed on."""
        yield "x-forwarded-for", request.client.host if request.client else "unknown"
        yield "x-forwarded-proto", self._public.scheme
        yield "x-forwarded-host", self._public.netloc
        yield "x-forwarded-port", str(self._public.port or (443 if self._public.scheme == "https" else 80))

    def _passed_back(self, answer: httpx.Response) -> Response:
        response = StreamingResponse(_body(answer), answer.status_code)
        response.raw_headers = [
            (name.lower(), self._ours(name.lower(), value))
            for name, value in answer.headers.raw
            if name.lower().decode("latin-1") not in HOP_BY_HOP | {"server", "date"}
        ]
        return response

    def _ours(self, name: bytes, value: bytes) -> bytes:
        """An answer's header with Keycloak's own address and path replaced by ours, where it says them."""
        if name == b"location" and value.startswith(f"{self._url}/".encode()):
            return f"{self._public.geturl()}{PREFIX}".encode() + value[len(self._url) :]
        if name == b"set-cookie":
            return self._cookie_path.sub(rb"\g<1>" + f"{PREFIX}/realms/".encode(), value)
        return value


def passed_on(raw_path: bytes) -> str | None:
    """The path below PREFIX exactly as it was sent; None if it isn't there or could be read in two ways."""
    start, sent = f"{PREFIX}/", raw_path.decode("latin-1")
    return sent[len(start) :] if sent.startswith(start) and _PLAIN.fullmatch(sent) else None


async def _content(request: Request) -> bytes | None:
    """The body; None if it is too large for a login form."""
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > LARGEST_FORM:
            return None
    return content


async def _body(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The answer's bytes as they come; the connection is given back also when the browser has gone."""
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()
