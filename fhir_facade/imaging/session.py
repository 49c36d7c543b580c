"""A cookie instead of the Authorization header, for viewers that can't send one: `/api/dicom-web/session`.

It holds the access token, sealed: no script can read it, it ends with the token, and a revoked token is
refused as ever. It counts only for requests that this server's own pages make.
"""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from smart_auth.access.caller import TokenFault
from smart_auth.seal import Seal, SealFault
from smart_auth.server import AuthorizationServer
from smart_auth.tokens.bearer import Bearer

COOKIE = "dicom_web_session"
PATH = "/api/dicom-web"
PRIVATE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
READING = ("GET", "HEAD")
#: bytes that every browser takes for a cookie; it drops a larger one without a word
#: https://www.rfc-editor.org/rfc/rfc6265#section-6.1
LARGEST = 4096
TOO_LARGE = "the token is too large for a cookie: ask for fewer scopes, or send it in each request's header"


def sessions_of(authorization: AuthorizationServer | None) -> ImagingSessions | None:
    """Sessions with this authorization server's tokens."""
    if authorization is None:
        return None
    config = authorization.config
    return ImagingSessions(authorization.bearer, config.secret, config.base_url)


class TooLargeError(ValueError):
    """A token that fits into no cookie."""


class ImagingSessions:
    """Sessions of browsers at one public origin."""

    def __init__(self, bearer: Bearer, secret: bytes, origin: str) -> None:
        self.bearer, self.origin = bearer, origin
        self._seal = Seal(secret, "dicom-web/session")

    async def begin(self, authorization: str) -> str:
        """The Set-Cookie header for the holder of a token; raises TokenFault, and TooLargeError."""
        found = await self.bearer.verified(authorization)
        seconds = max(0, found.expires - int(time.time()))
        cookie = self._cookie(self._seal.seal(authorization, seconds), seconds)
        if len(cookie) > LARGEST:
            raise TooLargeError
        return cookie

    def ended(self) -> str:
        """The Set-Cookie header that takes the cookie away."""
        return self._cookie("", 0)

    def _cookie(self, value: str, seconds: int) -> str:
        secure = "; Secure" if self.origin.startswith("https:") else ""
        return f"{COOKIE}={value}; Max-Age={seconds}; Path={PATH}; HttpOnly; SameSite=Strict{secure}"

    def authorization(self, method: str, headers: Headers) -> str:
        """The Authorization header that a request's cookie stands for; '' where it doesn't count."""
        if not self._is_own(method, headers):
            return ""
        try:
            value = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
            return str(self._seal.open(value)) if value else ""
        except SealFault:
            return ""

    def _is_own(self, method: str, headers: Headers) -> bool:
        """Whether a page of this origin asks. Not every browser says so of what only reads, and what it
        reads then is in no other page's reach.
        """
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        return method in READING or headers.get("origin") == self.origin


class WithSession:
    """The gateway, for requests with a cookie instead of a token."""

    def __init__(self, application: ASGIApp, sessions: ImagingSessions) -> None:
        self.application, self.sessions = application, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] == "http" and "authorization" not in (headers := Headers(scope=scope)):
            authorization = self.sessions.authorization(scope["method"], headers)
            if authorization:
                scope = {**scope, "headers": list(scope["headers"])}
                MutableHeaders(scope=scope)["authorization"] = authorization
        await self.application(scope, receive, send)


def router(sessions: ImagingSessions | None) -> APIRouter:
    """`/api/dicom-web/session`: POST begins one (with a token), GET tells whether it lasts, DELETE ends it.

    Without `sessions` nobody needs one.
    """
    routes = APIRouter(include_in_schema=False)
    address = f"{PATH}/session"

    @routes.post(address)
    async def begin(request: Request) -> Response:
        """204 with the cookie; 401 for no token, or one that isn't good, 400 for one that fits into none."""
        if sessions is None:
            return Response(status_code=204, headers=PRIVATE)
        try:
            cookie = await sessions.begin(request.headers.get("authorization", ""))
        except (TokenFault, TooLargeError) as fault:
            return _refused(fault)
        return Response(status_code=204, headers=PRIVATE | {"set-cookie": cookie})

    @routes.get(address)
    async def lasts(request: Request) -> Response:
        """204 while it lasts; 401."""
        if sessions is None:
            return Response(status_code=204, headers=PRIVATE)
        try:
            await sessions.bearer.verified(sessions.authorization("GET", request.headers))
        except TokenFault as fault:
            return _refused(fault)
        return Response(status_code=204, headers=PRIVATE)

    @routes.delete(address)
    async def end() -> Response:
        """204; the cookie is gone."""
        cookie = {"set-cookie": sessions.ended()} if sessions else {}
        return Response(status_code=204, headers=PRIVATE | cookie)

    return routes


def _refused(fault: TokenFault | TooLargeError) -> Response:
    if isinstance(fault, TooLargeError):
        return JSONResponse({"status": 400, "message": TOO_LARGE}, 400, headers=PRIVATE)
    return Response(status_code=fault.status, headers=PRIVATE | {"www-authenticate": fault.challenge})
