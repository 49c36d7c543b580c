"""CORS: which web pages may call. Headers go on every answer, errors too."""

from __future__ import annotations

import re
from typing import Any

_LOOPBACK = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
EXPOSED = "ETag, Last-Modified, Location, Content-Location, X-Request-Id"
ALLOWED = (
    "Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Exist, If-None-Match, Prefer, "
    "X-Request-Id"
)


class Cors:
    """`origins`: a comma list or `*`. Loopback origins may always call; /metadata is for all."""

    def __init__(self, origins: str) -> None:
        self.origins = {o.strip() for o in origins.split(",") if o.strip()}

    def headers(self, request: Any) -> dict[str, str]:
        """The headers for a request; none for a page that may not call."""
        origin = request.headers.get("origin")
        if origin is None or not self._allowed(origin, request.path):
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

    def _allowed(self, origin: str, path: str) -> bool:
        public = path.strip("/") in ("metadata", ".well-known/smart-configuration")
        return public or "*" in self.origins or origin in self.origins or bool(_LOOPBACK.fullmatch(origin))
