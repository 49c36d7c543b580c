"""Client assertions, `private_key_jwt`: https://www.rfc-editor.org/rfc/rfc7523#section-3

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html#authenticating-to-the-token-endpoint
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from math import isfinite
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from smart_auth.clients.keys import ClientKeys, PublicKey
from smart_auth.config import Config
from smart_auth.faults import OAuthFault
from smart_auth.store.clients import Clients
from smart_auth.store.once import first_use
from smart_auth.store.tables import Client
from smart_auth.store.transaction import Store, now

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("RS384", "ES384")
#: how far ahead an assertion may expire, and how far two clocks may differ
AHEAD, SKEW = 300, 30
LONGEST = 16384


class Assertions:
    """Verifies client assertions; each may be used once."""

    def __init__(self, config: Config, clients: Clients, keys: ClientKeys, store: Store) -> None:
        self._config, self._clients, self._keys, self._store = config, clients, keys, store

    def client(self, assertion: str, stated_id: str) -> Client:
        """The client that made it; raises OAuthFault (invalid_client). `stated_id`: the form's client_id."""
        header, unverified = _parts(assertion)
        client = self._named(unverified, stated_id)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise _refused(f"an assertion is signed with {' or '.join(ALGORITHMS)}")
        if not isinstance(kid, str):
            raise _refused("an assertion's header names its key (kid)")
        if "jku" in header and header["jku"] != client.jwks_url:
            raise _refused("jku is not the address that is registered")
        claims = _decoded(assertion, self._keys.of(client, kid, algorithm), algorithm)
        self._check(claims, client)
        return client

    def _named(self, claims: dict[str, Any], stated_id: str) -> Client:
        issuer = claims.get("iss")
        client = self._clients.get(issuer) if isinstance(issuer, str) else None
        if client is None or client.kind != "asymmetric":
            raise _refused("there is no client of that name that signs assertions")
        if claims.get("sub") != issuer or stated_id not in ("", issuer):
            raise _refused("iss, sub and client_id are the client's id")
        return client

    def _check(self, claims: dict[str, Any], client: Client) -> None:
        audience, expires, jti = claims.get("aud"), claims.get("exp"), claims.get("jti")
        if self._config.token_url not in (audience if isinstance(audience, list) else [audience]):
            raise _refused(f"aud is the token endpoint, {self._config.token_url}")
        if not now() - SKEW < _seconds(expires) <= now() + AHEAD + SKEW:
            raise _refused("exp is at most five minutes ahead")
        if _seconds(claims.get("nbf", 0)) > now() + SKEW:
            raise _refused("the assertion isn't valid yet")
        if not isinstance(jti, str) or not 0 < len(jti) <= 512:
            raise _refused("an assertion has a jti")
        if not first_use(self._store, f"jti {client.client_id} {jti}", _seconds(expires) + 2 * SKEW):
            raise _refused("this assertion has been used before")


def _seconds(value: Any) -> int:
    """A NumericDate: https://www.rfc-editor.org/rfc/rfc7519#section-2"""
    if type(value) is int or (type(value) is float and isfinite(value)):
        return int(value)
    raise _refused("exp and nbf are numbers")


def _parts(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, nothing verified yet."""
    parts = assertion.split(".")
    try:
        if len(parts) != 3 or len(assertion) > LONGEST:
            raise ValueError("no JWT")
        header, claims = (json.loads(urlsafe_b64decode(p + "=" * (-len(p) % 4))) for p in parts[:2])
    except (ValueError, RecursionError):
        raise _refused("the assertion is no JWT") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise _refused("the assertion is no JWT")
    return header, claims


def _decoded(assertion: str, keys: list[PublicKey], algorithm: str) -> dict[str, Any]:
    for key in keys:
        try:
            return jwt.decode(assertion, key, algorithms=[algorithm]).claims
        except (JoseError, ValueError):
            continue
    raise _refused("the assertion isn't signed with a key of the client")


def _refused(description: str) -> OAuthFault:
    return OAuthFault("invalid_client", description)
