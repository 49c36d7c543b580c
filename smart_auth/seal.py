"""Texts that only this deployment can write and read: what a browser carries, and secrets in the database."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class SealFault(ValueError):
    """Not ours, changed, or too old."""


class Seal:
    """Encrypts JSON for one purpose: what is sealed for another can't be opened."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        derived = HKDF(SHA256(), 32, None, f"fhir-facade/{purpose}".encode()).derive(secret)
        self._cipher, self._key = AESGCM(derived), derived

    def seal(self, content: Any, seconds: int = 0) -> str:
        """The content as text for a URL or a row; `seconds` until it expires, 0 for never."""
        expires = int(time.time()) + seconds if seconds else 0
        nonce = os.urandom(12)
        return _text(nonce + self._cipher.encrypt(nonce, orjson.dumps([expires, content]), None))

    def open(self, text: str) -> Any:
        """What was sealed; raises SealFault."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            expires, content = orjson.loads(self._cipher.decrypt(raw[:12], raw[12:], None))
        except (ValueError, InvalidTag):
            raise SealFault("not ours") from None
        if expires and expires < time.time():
            raise SealFault("too old")
        return content

    def mark(self, text: str) -> str:
        """A mark of a text that nobody else can make: the CSRF token that belongs to a cookie."""
        return _text(hmac.digest(self._key, text.encode(), "sha256"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def digest(secret: str) -> str:
    """What is kept of a random secret: a code, a refresh token, a session's cookie."""
    return hashlib.sha256(secret.encode()).hexdigest()


def fresh() -> str:
    """256 random bits for a URL."""
    return _text(os.urandom(32))
