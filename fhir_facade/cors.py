"""CORS: which web pages may call. Headers go on every answer, errors too."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urlsplit

from anyio import to_thread

from fhir_facade.content import Request
from fhir_facade.outcome import FhirFault

_LOOPBACK = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
EXPOSED = "ETag, Last-Modified, Location, Content-Location, X-Request-Id"
ALLOWED = (
    "Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Exist, If-None-Match, Prefer, "
    "X-Request-Id"
)


class Hosts:
    """The names under which the server may be called.

    Without access control a web page could make a visitor's browser call the loopback server under a name of
    its own (DNS rebinding), past CORS; so only loopback names and the public one are answered.
    """

    def __init__(self, base_url: str) -> None:
        self.names = {"localhost", "127.0.0.1", "::1", urlsplit(base_url).hostname}

    def refuse_unknown(self, host: str) -> None:
        """Raises 421 for a Host header that names another server."""
        if _name(host) not in self.names:
            raise FhirFault(421, "security", "this server is not known by that name", ("http.Host",))


@lru_cache(256)
def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


class Cors:
    """`origins`: a comma list or `*`. Loopback origins may always call; /metadata is for all.

    `registered` says whether an origin is one of a registered app; it may ask a database.
    """

    def __init__(self, origins: str, registered: Callable[[str], bool] | None = None) -> None:
        self.origins = {o.strip() for o in origins.split(",") if o.strip()}
        self.registered = registered

    async def headers(self, request: Request) -> dict[str, str]:
        """The headers for a request; none for a page that may not call."""
        origin = request.headers.get("origin")
        if origin is None or not await self._allowed(origin, request.path):
            return {}
        found = {
            "access-control-allow-origin": origin,
            "access-control-expose-headers": EXPOSED,
            "vary": "Origin",
        }
        if request.method == "OPTIONS":
            found |= {
                "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
                "access-control-allow-headers": ALLOWED,
                "access-control-max-age": "600",
            }
        return found

    async def _allowed(self, origin: str, path: str) -> bool:
        if path.strip("/") in ("metadata", ".well-known/smart-configuration"):
            return True
        if "*" in self.origins or origin in self.origins or _LOOPBACK.fullmatch(origin):
            return True
        return self.registered is not None and await to_thread.run_sync(self.registered, origin)
