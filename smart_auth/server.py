"""The authorization server's parts, put together once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import httpx
from anyio import to_thread

from smart_auth.clients.assertion import Assertions
from smart_auth.clients.authentication import ClientAuthentication
from smart_auth.clients.keys import ClientKeys
from smart_auth.config import Config, Encounters, Events, Grantable, Patients, unheard
from smart_auth.identity.provider import IdentityProvider, SignedOut
from smart_auth.seal import Seal
from smart_auth.store.approvals import Approvals
from smart_auth.store.clients import Clients
from smart_auth.store.families import Families
from smart_auth.store.once import first_use
from smart_auth.store.revocations import forget_expired
from smart_auth.store.sessions import Login, Sessions
from smart_auth.store.transaction import Store
from smart_auth.tokens.bearer import Bearer
from smart_auth.tokens.keys import Keyring
from smart_auth.tokens.minting import Minting

CLEAN_SECONDS = 600


@dataclass(frozen=True)
class Seals:
    """Seals, one a purpose."""

    pending: Seal
    launch: Seal
    csrf: Seal
    logout: Seal
    rows: Seal
    keys: Seal

    @classmethod
    def of(cls, secret: bytes) -> Seals:
        """All of them, from the deployment's secret."""
        return cls(
            *(Seal(secret, f"auth/{p}") for p in ("pending", "launch", "csrf", "logout", "rows", "keys"))
        )


class AuthorizationServer:
    """What the endpoints work with. `events`, `grantable`, `patients` and `encounters` are the wiring's."""

    def __init__(
        self,
        config: Config,
        store: Store,
        bearer: Bearer,
        provider: Callable[[AuthorizationServer], IdentityProvider],
        grantable: Grantable,
        patients: Patients,
        encounters: Encounters,
        events: Events = unheard,
        jwks_transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.config, self.store, self.bearer = config, store, bearer
        self.grantable, self.events = grantable, events
        self.patients, self.encounters = patients, encounters
        self.seals = Seals.of(config.secret)
        self.clients = Clients(store)
        self.families = Families(store, config)
        self.approvals = Approvals(store, config.approval_seconds)
        self.sessions = Sessions(store, self.seals.rows, config.session_seconds)
        self.keys = Keyring(store, self.seals.keys)
        self.minting = Minting(config, self.keys)
        assertions = Assertions(config, self.clients, ClientKeys(jwks_transport), store)
        self.authentication = ClientAuthentication(self.clients, assertions)
        self.provider = provider(self)
        self._cleaning, self._cleaned = threading.Lock(), 0.0

    async def tell(self, kind: str, **details: str) -> None:
        """Events, from where nothing may block."""
        await to_thread.run_sync(partial(self.events, kind, **details))

    async def as_now(self, login: Login) -> Login | None:
        """A session with its user as the provider knows them now, with today's roles; None for one who may no
        longer come in. Raises ProviderDownError.
        """
        user = await self.provider.current(login.user.subject, login.held)
        return replace(login, user=user) if user is not None else None

    async def sign_out(self, login: Login) -> None:
        """Ends a login session and what lives only as long as it, here and at the provider."""
        await to_thread.run_sync(self.sessions.end, login.id, self.config.revoked_seconds)
        await self.tell("logout", subject=login.user.subject, username=login.user.username)
        await self.provider.sign_out(login.user.subject, login.held)

    async def signed_out(self, told: SignedOut) -> None:
        """Ends what has ended at the provider; a notice counts once, or it would end what came since."""
        notice = f"signed out {told.notice}"
        if not await to_thread.run_sync(first_use, self.store, notice, told.expires + 600):
            return
        for login in await to_thread.run_sync(self.sessions.end_of, told, self.config.revoked_seconds):
            who = {"subject": login.user.subject, "username": login.user.username}
            await self.tell("logout", **who, reason="signed out at the identity provider")

    def clean(self) -> None:
        """Removes what has expired, now and then."""
        with self._cleaning:
            if self._cleaned and time.monotonic() - self._cleaned < CLEAN_SECONDS:
                return
            self._cleaned = time.monotonic()
        with self.store.transaction() as session:
            forget_expired(session)
