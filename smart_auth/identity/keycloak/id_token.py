"""Verifies Keycloak's ID tokens: https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation

Its logout tokens are signed and addressed alike.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Awaitable, Callable
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

Json = dict[str, Any]
ALGORITHMS = ["RS256"]
#: clocks may differ by this much
LEEWAY_SECONDS = 10
#: keys are asked for again when a token names an unknown one, but not for each such token
REFETCH_SECONDS = 30


class IdTokenFault(ValueError):
    """A token that is not for us, not from there, or not of this sign-in; says which."""


class IdTokens:
    """The ID tokens of one issuer for one client; `fetch` brings the issuer's public keys."""

    def __init__(self, issuer: str, client_id: str, fetch: Callable[[], Awaitable[list[Json]]]) -> None:
        self._client_id, self._fetch = client_id, fetch
        self._keys: dict[str, RSAKey] = {}
        self._fetched = float("-inf")
        self._registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            preferred_username={"essential": True},
        )
        self._logout = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": client_id},
            exp={"essential": True},
            iat={"essential": True},
            jti={"essential": True},
        )

    async def claims(self, token: str, nonce: str) -> Json:
        """The token's claims; raises IdTokenFault for any doubt."""
        claims = await self._verified(token, self._registry)
        self._refuse_others(claims, nonce)
        return claims

    async def logout_claims(self, token: str) -> Json:
        """The claims of a token that comes without a browser; raises IdTokenFault for any doubt."""
        return await self._verified(token, self._logout)

    async def _verified(self, token: str, registry: jwt.JWTClaimsRegistry) -> Json:
        try:
            key = await self._key(jws.extract_compact(token.encode()).headers().get("kid"))
            claims = jwt.decode(token, key, ALGORITHMS).claims
            registry.validate(claims)
        except (JoseError, ValueError) as fault:
            raise IdTokenFault(f"ID token: {fault}") from fault
        return claims

    def _refuse_others(self, claims: Json, nonce: str) -> None:
        if claims.get("typ") != "ID":
            raise IdTokenFault("ID token: another kind of token")
        if claims.get("azp", self._client_id) != self._client_id:
            raise IdTokenFault("ID token: azp is another client")
        if not hmac.compare_digest(str(claims.get("nonce", "")), nonce):
            raise IdTokenFault("ID token: nonce is another sign-in's")

    async def _key(self, kid: object) -> RSAKey:
        if str(kid) not in self._keys and time.monotonic() - self._fetched > REFETCH_SECONDS:
            found = [k for k in await self._fetch() if _signs(k)]
            self._keys = {str(k["kid"]): RSAKey.import_key(k) for k in found}
            self._fetched = time.monotonic()
        if str(kid) not in self._keys:
            raise IdTokenFault("ID token: signed with an unknown key")
        return self._keys[str(kid)]


def _signs(key: Json) -> bool:
    return key.get("kty") == "RSA" and key.get("use") == "sig" and key.get("alg") in ALGORITHMS
