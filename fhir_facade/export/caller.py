"""Who asked for an export: kept with it, so that it shows what they may see while it is made, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

from fhir_facade.service import Service
from smart_auth.access.caller import Caller, User
from smart_auth.access.scopes import resource_scopes
from smart_auth.server import AuthorizationServer
from smart_auth.store.tables import Client, Grant

#: whether a caller is still somebody
Stands = Callable[[Caller], Awaitable[bool]]


def told(caller: Caller | None) -> dict[str, Any] | None:
    """A caller as JSON."""
    if caller is None:
        return None
    user = caller.user
    person = (user.subject, user.username, user.name, sorted(user.roles), user.fhir_user) if user else None
    return {
        "client_id": caller.client_id,
        "scopes": [s.text for s in caller.scopes],
        "user": person,
        "patient": caller.patient,
        "encounter": caller.encounter,
        "token_id": caller.token_id,
        "issuer": caller.issuer,
        "grant": caller.grant,
    }


def caller_of(kept: dict[str, Any] | None) -> Caller | None:
    """The caller that was told of."""
    if kept is None:
        return None
    user = kept["user"]
    person = User(user[0], user[1], user[2], frozenset(user[3]), user[4]) if user else None
    rest = {n: kept[n] for n in ("patient", "encounter", "token_id", "issuer", "grant")}
    return Caller(kept["client_id"], tuple(resource_scopes(kept["scopes"])), person, **rest)


def holder(service: Service) -> str:
    """Whose an export is: one client's, user's and launch's."""
    return sha256(service.binding.encode("utf-8", "surrogatepass")).hexdigest()


def standing(server: AuthorizationServer) -> Stands:
    """Whether neither the client nor what it was given has been revoked; a token may have run out."""

    def kept(caller: Caller) -> bool:
        with server.store.transaction() as session:
            rows = (session.get(Client, caller.client_id), session.get(Grant, caller.grant))
        return not any(row is not None and row.revoked for row in rows)

    async def stands(caller: Caller) -> bool:
        names = {caller.token_id, caller.grant, f"client:{caller.client_id}"}
        revoked = await server.bearer.revocations.current()
        return names.isdisjoint(revoked) and await asyncio.to_thread(kept, caller)

    return stands
