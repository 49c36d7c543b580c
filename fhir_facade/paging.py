"""Opaque cursors: where the next page starts, encrypted and bound to what it was made for.

A cursor holds the search as it was understood and the sort values and key where the page ended, so page 500
costs what page 1 does and rows that come or go never shift it. Nothing of it can be read or changed outside.
"""

from __future__ import annotations

import base64
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fhir_facade.outcome import FhirFault
from mappers.plans import Position

#: bytes of JSON from which a cursor is compressed
LONG = 512


@dataclass(frozen=True)
class Cursor:
    """The search's parameters, the types still to come, and the position in the first of them.

    `seen` marks what came along on earlier pages and shall not come again.
    """

    path: str
    parameters: tuple[tuple[str, str], ...]
    resource_type: str
    position: Position | None
    total: int | None = None
    seen: str = ""


class Cursors:
    """Encrypts and decrypts cursors under one key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def of(cls, data_dir: Path) -> Cursors:
        """With the deployment's key file, made at the first start (all workers share it)."""
        return cls(own_key(data_dir))

    def seal(self, cursor: Cursor, caller: str = "") -> str:
        """The cursor as text for a URL, good for this caller only."""
        at = cursor.position
        content = [
            cursor.path,
            list(cursor.parameters),
            cursor.resource_type,
            [at.branch, at.key, at.part, [_kept(v) for v in at.sorts], *at.by] if at else None,
            cursor.total,
            cursor.seen,
        ]
        nonce = os.urandom(12)
        sealed = self._cipher.encrypt(nonce, _packed(orjson.dumps(content)), caller.encode())
        return base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()

    def open(self, text: str, caller: str = "") -> Cursor:
        """The cursor behind the text; 400 for one that isn't ours, or not this caller's."""
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            content = orjson.loads(_unpacked(self._cipher.decrypt(raw[:12], raw[12:], caller.encode())))
        except (ValueError, InvalidTag, zlib.error, TypeError):
            raise FhirFault(
                400, "invalid", "this page link is not valid: repeat the search", ("http._cursor",)
            ) from None
        path, parameters, resource_type, at, total, seen = content
        position = Position(at[0], at[1], at[2], tuple(at[3]), tuple(at[4:])) if at else None
        return Cursor(path, tuple((n, v) for n, v in parameters), resource_type, position, total, seen)


def _packed(content: bytes) -> bytes:
    """The content, compressed if it is long: with little text that takes longer than all else."""
    return zlib.compress(content, 1) if len(content) > LONG else content


def _unpacked(packed: bytes) -> bytes:
    """The content: a list in JSON begins with a bracket, and what is compressed doesn't."""
    return packed if packed.startswith(b"[") else zlib.decompress(packed)


def _kept(value: Any) -> Any:
    return value if isinstance(value, str | int | float | None) else str(value)


def own_key(data_dir: Path, name: str = "cursor.key") -> bytes:
    """32 random bytes in a file of `DATA_DIR`, readable by the owner only; made if not there."""
    path = data_dir / name
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        return made_key(path)
    return found if len(found) == 32 else made_key(path)


def made_key(path: Path) -> bytes:
    """A new file of 32 random bytes for the owner only; what is in it then (another may have been first)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(os.urandom(32))
    try:
        os.link(fresh, path)  # of several workers that start together, one wins
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_bytes()
