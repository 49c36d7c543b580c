"""What tokens say: access tokens (RFC 9068), id tokens (OpenID Connect), and the answer they come in."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from smart_auth.access.caller import User
from smart_auth.config import Config
from smart_auth.store.transaction import now
from smart_auth.tokens.bearer import ACCESS_TYPE
from smart_auth.tokens.keys import Keyring

#: what a token response may tell of the launch; the rest of a context is not for clients
CONTEXT = ("patient", "encounter", "fhirContext", "need_patient_banner", "intent")
#: what an access token itself says of its context
IN_TOKENS = ("patient", "encounter", "emergency")


@dataclass(frozen=True)
class Granted:
    """What one access token stands for. `grant` is empty for a backend service, and so is `user`."""

    client_id: str
    scopes: tuple[str, ...]
    user: User | None = None
    grant: str = ""
    context: dict[str, Any] = field(default_factory=dict)
    nonce: str = ""
    authenticated: int = 0


class Minting:
    """Makes tokens."""

    def __init__(self, config: Config, keys: Keyring) -> None:
        self._config, self._keys = config, keys

    def response(self, granted: Granted, seconds: int) -> dict[str, Any]:
        """A token response without refresh token:
        https://hl7.org/fhir/smart-app-launch/app-launch.html#response-5
        """
        answer: dict[str, Any] = {
            "access_token": self.access_token(granted, seconds),
            "token_type": "Bearer",
            "expires_in": seconds,
            "scope": " ".join(granted.scopes),
        }
        if granted.user is None:
            return answer
        answer |= {name: granted.context[name] for name in CONTEXT if name in granted.context}
        if "openid" in granted.scopes:
            answer["id_token"] = self.id_token(granted, granted.user, seconds)
        return answer

    def access_token(self, granted: Granted, seconds: int) -> str:
        """https://www.rfc-editor.org/rfc/rfc9068#section-2"""
        claims: dict[str, Any] = {
            **self._common(seconds),
            "aud": self._config.fhir_base,
            "sub": granted.user.subject if granted.user else granted.client_id,
            "client_id": granted.client_id,
            "scope": " ".join(granted.scopes),
            "jti": uuid.uuid4().hex,
        }
        claims |= {n: granted.context[n] for n in IN_TOKENS if n in granted.context}
        if granted.user:
            claims |= {
                "grant": granted.grant,
                **self._person(granted.user),
                "roles": sorted(granted.user.roles),
            }
        return self._keys.sign(claims, ACCESS_TYPE)

    def id_token(self, granted: Granted, user: User, seconds: int) -> str:
        """https://openid.net/specs/openid-connect-core-1_0.html#IDToken"""
        claims: dict[str, Any] = {**self._common(seconds), "aud": granted.client_id, "sub": user.subject}
        if granted.nonce:
            claims["nonce"] = granted.nonce
        if granted.authenticated:
            claims["auth_time"] = granted.authenticated
        person = self._person(user)
        if "fhirUser" in granted.scopes and "fhirUser" in person:
            claims["fhirUser"] = person["fhirUser"]
        if "profile" in granted.scopes:
            claims |= {n: person[n] for n in ("name", "preferred_username")} | {"roles": sorted(user.roles)}
        return self._keys.sign(claims, "JWT")

    def _common(self, seconds: int) -> dict[str, Any]:
        return {"iss": self._config.issuer, "iat": now(), "exp": now() + seconds}

    def _person(self, user: User) -> dict[str, Any]:
        found = {"name": user.name, "preferred_username": user.username}
        if user.fhir_user:
            found["fhirUser"] = f"{self._config.fhir_base}/{user.fhir_user}"
        return found


def person_json(user: User) -> dict[str, Any]:
    """A user as a row keeps them (encrypted)."""
    return {
        "subject": user.subject,
        "username": user.username,
        "name": user.name,
        "roles": sorted(user.roles),
        "fhir_user": user.fhir_user,
    }


def person_of(kept: dict[str, Any]) -> User:
    """The user that a row keeps."""
    return User(**{**kept, "roles": frozenset(kept["roles"])})


def context_of(text: str) -> dict[str, Any]:
    """A grant's launch context."""
    found: dict[str, Any] = json.loads(text)
    return found
