"""One sign-in at Keycloak, bound to one browser: state, nonce and PKCE all come from a secret in its cookie.

So nothing is kept here, and an answer of Keycloak's is worth nothing in a browser that didn't ask for it:
https://www.rfc-editor.org/rfc/rfc9700#section-4.7
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Response

from smart_auth.identity.keycloak.wanted import PREFIX

COOKIE = "fhir_auth_idp_"
SECONDS = 600
#: what browsers keep in one cookie, less its name and attributes
PART_LENGTH = 3500
MOST_PARTS = 2
#: sign-ins that one browser may have open; their cookies have to fit into a request's header
MOST_OPEN = 3
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}\.[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")


@dataclass(frozen=True)
class SignInAttempt:
    """A browser's way to Keycloak and back; `pending` is what goes on afterwards."""

    secret: str
    pending: str

    @classmethod
    def begun(cls, pending: str) -> SignInAttempt:
        """A new one."""
        return cls(secrets.token_urlsafe(32), pending)

    @classmethod
    def of(cls, cookies: Mapping[str, str], state: str) -> SignInAttempt | None:
        """The one that this browser began with that state; None if it didn't."""
        name = _name(state)
        text = "".join(cookies.get(f"{name}{i}", "") for i in range(MOST_PARTS))
        if not _SHAPE.fullmatch(text):
            return None
        secret, _, pending = text.partition(".")
        found = cls(secret, pending)
        return found if hmac.compare_digest(found.state.encode(), state.encode()) else None

    @property
    def state(self) -> str:
        """https://www.rfc-editor.org/rfc/rfc6749#section-10.12"""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """https://openid.net/specs/openid-connect-core-1_0.html#NonceNotes"""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """https://www.rfc-editor.org/rfc/rfc7636#section-4.1"""
        return self._derived("verifier")

    @property
    def challenge(self) -> str:
        """The verifier's SHA-256."""
        return _text(hashlib.sha256(self.verifier.encode()).digest())

    @property
    def fits(self) -> bool:
        """Whether a browser can keep it."""
        return len(self.pending) + 44 <= PART_LENGTH * MOST_PARTS

    def keep(self, response: Response, cookies: Mapping[str, str], *, secure: bool) -> None:
        """Puts it into the browser; where many were begun and left, they give way."""
        if len([name for name in cookies if name.startswith(COOKIE)]) >= MOST_OPEN * MOST_PARTS:
            for name in cookies:
                _drop(response, name, secure=secure)
        text = f"{self.secret}.{self.pending}"
        for i in range(0, len(text), PART_LENGTH):
            response.set_cookie(
                f"{_name(self.state)}{i // PART_LENGTH}",
                text[i : i + PART_LENGTH],
                SECONDS,
                path=f"{PREFIX}/",
                secure=secure,
                httponly=True,
                samesite="lax",
            )

    def drop(self, response: Response, *, secure: bool) -> None:
        """Takes it out of the browser: it can't be used again."""
        for i in range(MOST_PARTS):
            _drop(response, f"{_name(self.state)}{i}", secure=secure)

    def _derived(self, purpose: str) -> str:
        return _text(hmac.digest(self.secret.encode(), purpose.encode(), "sha256"))


def _name(state: str) -> str:
    return f"{COOKIE}{state[:12]}_"


def _drop(response: Response, name: str, *, secure: bool) -> None:
    if name.startswith(COOKIE):
        response.delete_cookie(name, f"{PREFIX}/", secure=secure, httponly=True, samesite="lax")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
