"""Who comes in: a bearer token becomes a service that sees what its holder may see, and nothing else."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Protocol

from fhir_facade.content import Request
from fhir_facade.outcome import FhirFault
from fhir_facade.service import Service
from fhir_facade.throttle import Throttle
from mappers.engine import Engine
from mappers.site import RESIDENT_NUMBER
from smart_auth.access.caller import Caller, TokenFault
from smart_auth.access.consents import Consented
from smart_auth.access.opening import Opener

#: callers whose access is kept at hand
MOST_CALLERS = 4096


class Guard(Protocol):
    """Lets requests in, and counts them."""

    async def admitted(self, request: Request) -> Service:
        """The service as the request's caller may use it; raises FhirFault 401 (or 429)."""

    async def seen(self, caller: Caller | None) -> Service:
        """The service as a caller may use it who was admitted before."""

    async def charge(self, request: Request, cost: int, *, images: bool = False) -> None:
        """Counts a request, those for images by themselves; raises FhirFault 429 for one too many."""

    async def close(self) -> None:
        """Gives back what it holds."""


class OpenDoor:
    """Everybody may see everything: access control is off, and the server on loopback."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def admitted(self, request: Request) -> Service:
        """The service itself."""
        return self.service

    async def seen(self, caller: Caller | None) -> Service:
        """The service itself."""
        return self.service

    async def charge(self, request: Request, cost: int, *, images: bool = False) -> None:
        """Nothing is counted."""

    async def close(self) -> None:
        """It holds nothing."""


class Callers(Protocol):
    """Knows bearer tokens (`smart_auth.tokens.bearer.Bearer`)."""

    async def caller(self, authorization: str) -> Caller:
        """The holder of a token; raises TokenFault."""


class BearerGuard:
    """Asks for a bearer token. `plain` reads rows without what only a role of its own may see."""

    def __init__(
        self, service: Service, plain: Engine, opener: Opener, callers: Callers, throttle: Throttle
    ) -> None:
        self.service, self.plain, self.opener, self.callers = service, plain, opener, callers
        self.throttle = throttle
        self.consents = Consented(service.engine.database)
        self._known: OrderedDict[tuple[str, tuple[str, ...]], Service] = OrderedDict()

    async def admitted(self, request: Request) -> Service:
        """The service as the token's holder may use it; raises FhirFault 401."""
        request.caller = caller = await self._caller(request)
        return await self.seen(caller)

    async def seen(self, caller: Caller | None) -> Service:
        """The service with what the caller may see now; without a caller, that is nothing."""
        if caller is None:
            return self.service
        consented = await self._consented(caller)
        key = (caller.token_id, consented)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self.seen_by(caller, consented)
            if len(self._known) > MOST_CALLERS:
                self._known.popitem(last=False)
        return found

    async def _caller(self, request: Request) -> Caller:
        try:
            return await self.callers.caller(request.headers.get("authorization", ""))
        except TokenFault as fault:
            await self.charge(request, 1)
            raise unauthorized(fault) from None

    async def charge(self, request: Request, cost: int, *, images: bool = False) -> None:
        """Counts a request by whose it is, or by its address where nobody is known; raises FhirFault 429."""
        if request.caller is None:
            request.answered_with = await self.throttle.by_address(request.address, cost)
        else:
            count = self.throttle.for_images if images else self.throttle.by_caller
            request.answered_with = await count(_counted_as(request.caller), cost)

    async def close(self) -> None:
        """Closes the counter's connections."""
        await self.throttle.close()

    async def _consented(self, caller: Caller) -> tuple[str, ...]:
        """The patients who let the caller see their record; asked only for roles that it matters to."""
        if caller.user is None or not self.opener.policy.needs_consent(caller.user.roles):
            return ()
        return await self.consents.patients(caller.user.fhir_user)

    def seen_by(self, caller: Caller, consented: tuple[str, ...] = ()) -> Service:
        """The service with the caller's access in it."""
        roles = caller.user.roles if caller.user else frozenset()
        engine = self.service.engine if RESIDENT_NUMBER in roles else self.plain
        return replace(
            self.service,
            site=engine.site,
            engine=engine,
            caller=caller,
            may_read=self.opener.access(caller, "r", consented),
            may_search=self.opener.access(caller, "s", consented),
            may_create=self.opener.access(caller, "c", consented),
            may_update=self.opener.access(caller, "u", consented),
            may_delete=self.opener.access(caller, "d", consented),
        )


def _counted_as(caller: Caller) -> str:
    """What is counted together: all tokens of a sign-in, or of a service, which may have as many as they ask
    for.
    """
    if caller.user is None:
        return f"client {caller.client_id}"
    return caller.grant or caller.token_id


def unauthorized(fault: TokenFault) -> FhirFault:
    """401 (or what the fault says) with RFC 6750's challenge."""
    code = "expired" if "expired" in fault.description else "login"
    return FhirFault(fault.status, code, fault.description, headers={"www-authenticate": fault.challenge})
