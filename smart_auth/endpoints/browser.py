"""What goes to and comes from a browser: cookies, forms, redirects, and headers that keep others out."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlsplit

from fastapi import Request, Response

from smart_auth.faults import PageFault
from smart_auth.seal import fresh
from smart_auth.server import AuthorizationServer

SESSION_COOKIE = "fhir_auth_session"
#: what a form's CSRF token belongs to, also before anybody is signed in
BROWSER_COOKIE = "fhir_auth_browser"
PATH = "/api/auth"
FORM = "application/x-www-form-urlencoded"
LARGEST_FORM = 64 * 1024
PRIVATE = {
    "cache-control": "no-store",
    "pragma": "no-cache",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
SECURITY = {
    **PRIVATE,
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class FormFault(ValueError):
    """A body that is no form."""


async def form_pairs(request: Request) -> list[tuple[str, str]]:
    """The parameters of a form; raises FormFault for another type, size or encoding."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise FormFault(f"the body is {FORM}")
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > LARGEST_FORM:
            raise FormFault("the body is too large")
    return decoded(content)


def decoded(content: bytes) -> list[tuple[str, str]]:
    """The parameters of a query or form; raises FormFault where they aren't UTF-8."""
    try:
        return parse_qsl(
            content.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=1000
        )
    except ValueError:
        raise FormFault("a form is ASCII with percent-encoded UTF-8") from None


def security_policy(redirect_uri: str = "") -> str:
    """A Content-Security-Policy; browsers hold a form's redirects to form-action as well."""
    parts = urlsplit(redirect_uri)
    origin = (
        f" {parts.scheme}://{parts.netloc}" if parts.netloc else f" {parts.scheme}:" if parts.scheme else ""
    )
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self'{origin}"
    )


class Browser:
    """One browser's request: its cookies and where it may go."""

    def __init__(self, server: AuthorizationServer, request: Request) -> None:
        self._server, self._request = server, request
        self._cookie = request.cookies.get(BROWSER_COOKIE, "")
        self._new = len(self._cookie) != 43
        if self._new:
            self._cookie = fresh()

    @property
    def session(self) -> str:
        """The value of the session's cookie, or empty."""
        return self._request.cookies.get(SESSION_COOKIE, "")

    @property
    def csrf(self) -> str:
        """What this browser's forms carry, as long as nobody signs in or out: a page asks whom it names."""
        return self._server.seals.csrf.mark(f"{self._cookie} {self.session}")

    def refuse_foreign(self, form: Mapping[str, str]) -> None:
        """Raises PageFault for a form that isn't from a page that this browser was given, in this session."""
        origin = self._request.headers.get("origin", "null")
        foreign = origin not in ("null", self._server.config.base_url)
        stated = form.get("csrf", "").encode()
        if self._new or foreign or not hmac.compare_digest(stated, self.csrf.encode()):
            raise PageFault("foreign", 403)

    def page(self, html: str, status: int = 200, redirect_uri: str = "") -> Response:
        """A page, and the cookie that its forms need."""
        policy = {"content-security-policy": security_policy(redirect_uri)}
        response = Response(
            html, status, {**SECURITY, **policy, "vary": "Accept-Language"}, "text/html;charset=utf-8"
        )
        if self._new:
            self._set(response, BROWSER_COOKIE, self._cookie)
        return response

    def go(self, path: str, **parameters: str) -> Response:
        """On to another page of this server, `path` below its base."""
        query = "&".join(f"{n}={quote(v, safe='')}" for n, v in parameters.items() if v)
        joint = "&" if "?" in path else "?"
        return redirect(f"{self._server.config.issuer}{path}{joint if query else ''}{query}")

    def keep_session(self, response: Response, value: str) -> None:
        """Puts the session's cookie onto an answer."""
        self._set(response, SESSION_COOKIE, value)

    def drop_session(self, response: Response) -> None:
        """Takes the session's cookie away."""
        response.delete_cookie(SESSION_COOKIE, PATH)

    def _set(self, response: Response, name: str, value: str) -> None:
        secure = self._server.config.https
        response.set_cookie(name, value, path=PATH, secure=secure, httponly=True, samesite="lax")


def redirect(address: str) -> Response:
    """A redirect that is always a GET."""
    return Response(None, 303, {**PRIVATE, "location": address})
