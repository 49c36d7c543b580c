"""Encryption at rest: AES-256-GCM under keys that stand outside the database.

What is sealed says which key opens it and is bound to its place (table, column and key of the row), so that
it can't be moved to another. https://csrc.nist.gov/pubs/sp/800/38/d/final
"""

from __future__ import annotations

import base64
import hmac
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mappers.key_file import KeyFile, KeyFileFault, Keys

#: what every sealed text begins with, and no other text does
MARK = "$sealed1$"
NONCE_BYTES, TAG_BYTES = 12, 16
#: seconds after which the key file is looked at again
LOOK_AGAIN = 10.0
_KEY_ID = 32
log = logging.getLogger("mappers.keyring")


class UnopenableError(ValueError):
    """What can't be opened: changed, moved from its place, or sealed under a key that isn't here."""


def place(table: str, column: str, *key: Any) -> bytes:
    """The context of a value in a table: what is sealed for one place opens at no other.

    Keys are told by their text, since drivers differ in how they give a number.
    """
    return orjson.dumps([table, column, *(str(k) for k in key)])


def is_sealed(stored: Any) -> bool:
    """Whether a stored value is a sealed one (which says nothing of whether it can be opened)."""
    return isinstance(stored, str) and stored.startswith(MARK)


def key_of(sealed: str) -> str:
    """The id of the key that a sealed text needs; blank for a text that is damaged there."""
    key_id, ended, _ = sealed[len(MARK) :].partition("$")
    return key_id if ended and is_sealed(sealed) else ""


def sealed_length(plain_bytes: int) -> int:
    """The characters that so many bytes take at most when they are sealed."""
    body = NONCE_BYTES + plain_bytes + TAG_BYTES
    return len(MARK) + _KEY_ID + 1 + -(-body * 4 // 3)


@dataclass(frozen=True)
class _Held:
    """The keys as they were read, and what is made of them."""

    stamp: tuple[int, int, int] | None
    keys: Keys

    @cached_property
    def ciphers(self) -> dict[str, AESGCM]:
        return {k.id: AESGCM(derived(k.secret, b"rows")) for k in self.keys.keys}

    @cached_property
    def blind(self) -> bytes:
        return derived(self.keys.blind, b"blind")

    @cached_property
    def secrets(self) -> dict[str, bytes]:
        return {k.id: k.secret for k in self.keys.keys}


class Keyring:
    """Seals under the newest key and opens with any; a key file that changes is read anew.

    Safe for threads: what was read is replaced as a whole.
    """

    def __init__(self, file: KeyFile, clock: Callable[[], float] = time.time) -> None:
        self._file, self._clock = file, clock
        self._held = _Held(file.stamp(), file.read())
        self._looked = time.monotonic()

    def seal(self, plain: bytes, context: bytes) -> str:
        """The bytes as a text for this context only (`place`)."""
        key_id = self.sealing
        head, nonce = f"{MARK}{key_id}$", os.urandom(NONCE_BYTES)
        body = self._held.ciphers[key_id].encrypt(nonce, plain, head.encode() + context)
        return head + base64.urlsafe_b64encode(nonce + body).rstrip(b"=").decode()

    def open(self, sealed: str, context: bytes) -> bytes:
        """What was sealed for this context; raises UnopenableError."""
        key_id = key_of(sealed)
        cipher = self._known(key_id).ciphers.get(key_id)
        if cipher is None:
            raise UnopenableError("it is sealed under a key that is not in the key file")
        head, text = f"{MARK}{key_id}$", sealed[len(MARK) + len(key_id) + 1 :]
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], head.encode() + context)
        except (ValueError, InvalidTag):
            raise UnopenableError("it was changed after it was sealed, or sealed for another place") from None

    def blind(self, text: str, purpose: str) -> str:
        """What a blind index holds of a text: the same for the same text, and nothing without the key.

        32 hexadecimal digits. `purpose` (table and column) keeps one column's from another's.
        """
        said = purpose.encode() + b"\0" + text.encode("utf-8", "surrogatepass")
        return hmac.digest(self._held.blind, said, "sha256")[:16].hex()

    @property
    def sealing(self) -> str:
        """The id of the key that seals now."""
        if time.monotonic() - self._looked > LOOK_AGAIN:
            self._look()
        return self._held.keys.sealing(datetime.fromtimestamp(self._clock(), UTC)).id

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, from the oldest to the newest."""
        return tuple(k.id for k in self._held.keys.keys)

    def secret(self, key_id: str) -> bytes | None:
        """The key itself, for files, which derive their own from it; None if it isn't here."""
        return self._known(key_id).secrets.get(key_id)

    def _known(self, key_id: str) -> _Held:
        """The keys, read anew for one that isn't among them: another process may have rotated."""
        if key_id not in self._held.secrets:
            self._look()
        return self._held

    def _look(self) -> None:
        """Reads a file that has changed; one that can't be read leaves the keys that are known."""
        self._looked, stamp = time.monotonic(), self._file.stamp()
        if stamp is None or stamp == self._held.stamp:
            return
        try:
            self._held = _Held(stamp, self._file.read())
        except KeyFileFault as fault:
            log.error("the keys stay as they were: %s", fault)


def derived(secret: bytes, purpose: bytes, salt: bytes | None = None) -> bytes:
    """A key of 32 bytes for one purpose only: https://www.rfc-editor.org/rfc/rfc5869"""
    return HKDF(SHA256(), 32, salt, b"fhir-facade/" + purpose).derive(secret)
