"""CORS for the endpoints that apps in a browser call: the origins of the registered redirect URIs."""

from __future__ import annotations

import threading
import time

from smart_auth.store.clients import Clients, origins

SECONDS = 15


class CrossOrigin:
    """Which web pages may call; read from the clients every few seconds at most."""

    def __init__(self, clients: Clients) -> None:
        self._clients, self._lock = clients, threading.Lock()
        self._known: frozenset[str] = frozenset()
        self._read = -float(SECONDS)

    def headers(self, origin: str) -> dict[str, str]:
        """CORS headers for a page of a registered client; none for others."""
        if not origin or not self.knows(origin):
            return {"vary": "Origin"}
        return {
            "access-control-allow-origin": origin,
            "access-control-allow-methods": "POST, OPTIONS",
            "access-control-allow-headers": "Authorization, Content-Type, Accept",
            "access-control-max-age": "600",
            "vary": "Origin",
        }

    def knows(self, origin: str) -> bool:
        """Whether a registered client's pages come from there; may ask the database."""
        return origin in self._origins()

    def _origins(self) -> frozenset[str]:
        with self._lock:
            if time.monotonic() - self._read >= SECONDS:
                living = [c for c in self._clients.all() if not c.revoked]
                self._known = frozenset(o for client in living for o in origins(client))
                self._read = time.monotonic()
            return self._known
