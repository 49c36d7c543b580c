"""How much one caller may ask in a minute: by whose the token is, and by address where there is none.

Counted in fixed minutes by the library `limits`: in this process, or in Redis for all workers. The answer
says what is left: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

from fastapi.responses import JSONResponse
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.errors import StorageError
from redis.asyncio import ConnectionPool
from starlette.types import ASGIApp, Receive, Scope, Send

from fhir_facade.content import Request
from fhir_facade.outcome import FhirFault
from fhir_facade.settings import Settings

#: what parameters cost beyond the request itself, by the beginning of their names
WEIGHTS = (("_include", 2), ("_revinclude", 4), ("_has", 4), ("_total", 2), ("_summary", 1), ("_sort", 1))

#: how often a minute one job under way may be asked how far it is
POLLS = RateLimitItemPerMinute(90, namespace="poll")

#: windows whose names and ends are kept at hand
MOST_WINDOWS = 10_000
#: a viewer asks for each slice by itself: requests for images are counted apart, this many for each unit
IMAGES = 10
#: a sign-in turns more pages than it sends forms: this many for each
PAGES = 2
#: below the authorization server's address: pages that leave events, or ask others who somebody is; and
#: where Keycloak tells of sessions that have ended, all of a shift's at once perhaps
TURNED = ("/authorize", "/continue", "/idp/sign-in", "/idp/callback")
NOTICES = "/idp/logout"


class Throttle:
    """Counts what callers ask; `anonymous`, `caller` and `sign_in` are units a minute."""

    def __init__(self, anonymous: int, caller: int, sign_in: int, pool: ConnectionPool | None = None) -> None:
        self.anonymous = RateLimitItemPerMinute(anonymous, namespace="anonymous")
        self.caller = RateLimitItemPerMinute(caller, namespace="caller")
        self.images = RateLimitItemPerMinute(IMAGES * caller, namespace="images")
        self.sign_in = RateLimitItemPerMinute(sign_in, namespace="sign-in")
        self.page = RateLimitItemPerMinute(PAGES * sign_in, namespace="page")
        self._pool, self._alone = pool, Counter(Windows())
        self._shared = Counter(_shared(pool)) if pool else self._alone

    @classmethod
    def of(cls, settings: Settings) -> Throttle:
        """By the settings: counted in Redis where REDIS_URL names one, else in this process."""
        pool = ConnectionPool.from_url(settings.redis_url) if settings.redis_url else None
        limits = (settings.rate_limit_anonymous, settings.rate_limit_caller, settings.rate_limit_sign_in)
        return cls(*limits, pool)

    async def close(self) -> None:
        """Gives the connections back."""
        if self._pool is not None:
            await self._pool.aclose()

    async def by_address(self, address: str, cost: int = 1) -> dict[str, str]:
        """Counts a request without a token; raises FhirFault 429, else gives the answer's headers."""
        return await self._spend(self.anonymous, address, cost)

    async def signing_in(self, address: str) -> dict[str, str]:
        """Counts what is sent to the authorization server; raises FhirFault 429."""
        return await self._spend(self.sign_in, address, 1)

    async def turning(self, address: str) -> dict[str, str]:
        """Counts the authorization server's pages; raises FhirFault 429."""
        return await self._spend(self.page, address, 1)

    async def polling(self, job: str) -> dict[str, str]:
        """Counts how often a job under way is asked for; raises FhirFault 429."""
        return await self._spend(POLLS, job, 1)

    async def by_caller(self, who: str, cost: int) -> dict[str, str]:
        """Counts a caller's request; raises FhirFault 429, else gives the answer's headers."""
        return await self._spend(self.caller, who, cost)

    async def for_images(self, who: str, cost: int) -> dict[str, str]:
        """Counts a caller's request for images, or of them; raises FhirFault 429."""
        return await self._spend(self.images, who, cost)

    async def _spend(self, item: RateLimitItemPerMinute, key: str, cost: int) -> dict[str, str]:
        try:
            return await self._shared.counted(item, key, cost)
        except StorageError:
            logging.getLogger("fhir_facade").warning("Redis can't count requests: each worker counts its own")
            return await self._alone.counted(item, key, cost)


def _shared(pool: ConnectionPool) -> RedisStorage:
    options: Any = {"connection_pool": pool}
    return RedisStorage("async+redis://", implementation="redispy", wrap_exceptions=True, **options)


class Windows(MemoryStorage):
    """The library's windows in memory; ended ones are looked for when one begins, not at each request: that
    took a task and a look at every caller's window.
    """

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """What is spent of a window, with this."""
        if self.expirations.get(key, 0) <= time.time():
            return await super().incr(key, expiry, amount)
        self.storage[key] += amount
        return self.storage[key]


class Counter:
    """Counts in one storage, in fixed windows: each begins with the first request of it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._names: dict[tuple[str, str], str] = {}
        self._ends: dict[str, float] = {}

    async def counted(self, item: RateLimitItemPerMinute, key: str, cost: int) -> dict[str, str]:
        """One step of the storage counts and tells; raises FhirFault 429, else gives the answer's headers."""
        name = self._name(item, key)
        spent = await self._storage.incr(name, item.get_expiry(), amount=cost)
        left = item.amount - spent
        seconds = max(1, math.ceil(await self._left(name, begins=spent == cost)))
        headers = {
            "ratelimit-policy": f'"{item.namespace}";q={item.amount};w=60',
            "ratelimit": f'"{item.namespace}";r={max(0, left)};t={seconds}',
        }
        if left < 0:
            text = f"too many requests: {item.amount} units a minute; go on in {seconds} s"
            raise FhirFault(429, "throttled", text, headers={**headers, "retry-after": str(seconds)})
        return headers

    def _name(self, item: RateLimitItemPerMinute, key: str) -> str:
        """A window's name, as the library makes it: once for each caller."""
        found = self._names.get((item.namespace, key))
        if found is None:
            if len(self._names) >= MOST_WINDOWS:
                self._names.clear()
            found = self._names[item.namespace, key] = item.key_for(key)
        return found

    async def _left(self, name: str, *, begins: bool) -> float:
        """Seconds until a window ends: asked of the storage once for each window."""
        now, end = time.time(), self._ends.get(name, 0.0)
        if begins or end <= now:
            if len(self._ends) >= MOST_WINDOWS:
                self._ends.clear()
            end = self._ends[name] = await self._storage.get_expiry(name)
        return end - now


def cost(request: Request, is_read: bool) -> int:
    """What a request counts for: a read 1, a search 2 and more for what makes it dear."""
    if is_read:
        return 1
    return 2 + sum(_weight(name) for name, _ in [*request.parameters, *request.body_parameters])


@lru_cache(1024)
def _weight(name: str) -> int:
    return next((w for start, w in WEIGHTS if name.startswith(start)), 2 * name.count("."))


class SignIns:
    """The authorization server, with what an address sends there counted: passwords, secrets, forms; and the
    pages, by which the audit trail could be filled without any.
    """

    def __init__(self, application: ASGIApp, throttle: Throttle) -> None:
        self.application, self.throttle = application, throttle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection; 429 in RFC 6749's form for one too many."""
        answer: ASGIApp = self.application
        if scope["type"] == "http" and (count := self._count(scope)):
            try:
                await count((scope.get("client") or ("",))[0])
            except FhirFault as fault:
                told = {"error": "temporarily_unavailable", "error_description": fault.diagnostics}
                answer = JSONResponse(told, fault.status, {**fault.headers, "cache-control": "no-store"})
        await answer(scope, receive, send)

    def _count(self, scope: Scope) -> Callable[[str], Awaitable[dict[str, str]]] | None:
        """What counts a request. A notice that somebody has signed out is signed, and must not be lost."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if scope["method"] == "POST":
            return self.throttle.signing_in if path != NOTICES else None
        return self.throttle.turning if path in TURNED else None
