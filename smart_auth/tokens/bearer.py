"""Access tokens at the FHIR base: who calls, by the `Authorization` header.

https://www.rfc-editor.org/rfc/rfc6750 · https://www.rfc-editor.org/rfc/rfc9068

A token is verified once and then remembered by the hash of the header; what is checked every time is its
expiry and whether it has been revoked.
"""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64decode
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from sqlalchemy import or_, select

from mappers.database import Database
from smart_auth.access.caller import Caller, TokenFault, User
from smart_auth.access.scopes import resource_scopes, split
from smart_auth.config import Config
from smart_auth.store.plain import plain
from smart_auth.store.tables import Key, columns
from smart_auth.tokens.bell import Bell
from smart_auth.tokens.keys import ALGORITHM
from smart_auth.tokens.revocations import Revocations

ACCESS_TYPE = "at+jwt"
LONGEST = 16384
#: tokens that a worker remembers, the last used
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Verified:
    """A token that was good when it came first. `ids` are those that a revocation may name, `ordered` all its
    scopes as granted, `grant` the family that it belongs to.
    """

    caller: Caller
    expires: int
    ids: frozenset[str]
    ordered: tuple[str, ...]
    grant: str = ""


class Published(NamedTuple):
    """A key of this server's, and until when tokens may be signed with it: 0 as long as it signs."""

    key: RSAKey
    expires: int


class Bearer:
    """Verifies access tokens of this server, with its own keys and for its own FHIR base only."""

    def __init__(
        self,
        config: Config,
        database: Database,
        remembered: int = REMEMBERED,
        bell: Bell | None = None,
    ) -> None:
        self._config, self._database = config, database
        self.revocations = Revocations(database, bell)
        self._remembered = remembered
        self._verified: OrderedDict[bytes, Verified] = OrderedDict()
        self._keys: dict[str, Published] = {}
        self._keys_epoch = -1
        self._looking = asyncio.Lock()

    async def caller(self, authorization_header: str) -> Caller:
        """Who calls; raises TokenFault (401) for a token that isn't good, or is no longer."""
        return (await self.verified(authorization_header)).caller

    async def verified(self, authorization_header: str) -> Verified:
        """The token with all its scopes; raises TokenFault."""
        name = sha256(authorization_header.encode("utf-8", "replace")).digest()
        found = self._verified.get(name)
        if found is None:
            found = await self._verify(_token(authorization_header))
            self._remember(name, found)
        else:
            self._verified.move_to_end(name)
        if found.expires <= time.time():
            self._verified.pop(name, None)
            raise _invalid("the token has expired")
        if not found.ids.isdisjoint(await self.revocations.current()):
            raise _invalid("the token has been revoked")
        return found

    def _remember(self, name: bytes, found: Verified) -> None:
        self._verified[name] = found
        if len(self._verified) > self._remembered:
            self._verified.popitem(last=False)

    async def _verify(self, token: str) -> Verified:
        kid = _kid(token)
        key = await self._key(kid)
        try:
            claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError):
            raise _invalid("the token's signature is not valid") from None
        self._check(claims)
        return _verified(claims, kid)

    async def _key(self, kid: str) -> RSAKey:
        """A key that is published now. They are read again with each new epoch: one that was given up is good
        no longer, however long a worker was idle; and forged names cost no more than the check that every
        request makes.
        """
        await self.revocations.current()
        async with self._looking:
            if self.revocations.epoch != self._keys_epoch:
                epoch = self.revocations.epoch
                self._keys = await self._published()
                self._keys_epoch = epoch
        found = self._keys.get(kid)
        if found is None or 0 < found.expires <= time.time():
            raise _invalid("the token is signed with a key that is not known here")
        return found.key

    async def _published(self) -> dict[str, Published]:
        key = columns(Key)
        living = or_(key.expires == 0, key.expires > int(time.time()))
        sql = plain(self._database, select(key.kid, key.public, key.expires).where(living))
        rows = await self._database.fetch(sql, ())
        return {str(k): Published(RSAKey.import_key(json.loads(p)), int(e)) for k, p, e in rows}

    def _check(self, claims: dict[str, Any]) -> None:
        """The claims of RFC 9068, 4."""
        if claims.get("iss") != self._config.issuer:
            raise _invalid("the token is from another issuer")
        if claims.get("aud") != self._config.fhir_base:
            raise _invalid("the token is for another server")
        texts = ("sub", "client_id", "scope", "jti")
        if not all(isinstance(claims.get(name), str) for name in texts) or type(claims.get("exp")) is not int:
            raise _invalid("the token lacks a claim")
        if claims["exp"] > time.time() + self._config.revoked_seconds:
            raise _invalid("the token would live longer than those of this server do")


def _token(header: str) -> str:
    scheme, _, token = header.strip().partition(" ")
    if not header.strip():
        raise TokenFault("", "an access token is needed")
    if scheme.lower() != "bearer":
        raise TokenFault("", "the authorization scheme is Bearer")
    token = token.strip()
    if not token or len(token) > LONGEST or not token.isascii() or token.count(".") != 2:
        raise _invalid("that is no access token of this server")
    return token


def _kid(token: str) -> str:
    """The key's name, from a header that may be one of an access token: https://www.rfc-editor.org/rfc/rfc8725"""
    head = token.partition(".")[0]
    try:
        header = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        raise _invalid("the token can't be read") from None
    if not isinstance(header, dict) or header.get("alg") != ALGORITHM:
        raise _invalid(f"tokens of this server are signed with {ALGORITHM}")
    if header.get("typ") != ACCESS_TYPE or not isinstance(header.get("kid"), str):
        raise _invalid("that is no access token")
    return str(header["kid"])


def _verified(claims: dict[str, Any], kid: str) -> Verified:
    scopes = split(claims["scope"])
    grant, client = str(claims.get("grant", "")), claims["client_id"]
    caller = Caller(
        client_id=client,
        scopes=tuple(resource_scopes(scopes)),
        user=_user(claims) if grant else None,
        patient=str(claims.get("patient", "")),
        encounter=str(claims.get("encounter", "")),
        token_id=claims["jti"],
        issuer=claims["iss"],
        expires=claims["exp"],
        emergency=str(claims.get("emergency", "")),
        grant=grant,
    )
    ids = frozenset({claims["jti"], f"client:{client}", f"kid:{kid}"} | ({grant} - {""}))
    return Verified(caller, claims["exp"], ids, tuple(scopes), grant)


def _user(claims: dict[str, Any]) -> User:
    return User(
        subject=claims["sub"],
        username=str(claims.get("preferred_username", "")),
        name=str(claims.get("name", "")),
        roles=frozenset(str(role) for role in claims.get("roles", ())),
        fhir_user=str(claims.get("fhirUser", "")).removeprefix(f"{claims['aud']}/"),
    )


def _invalid(description: str) -> TokenFault:
    return TokenFault("invalid_token", description)
