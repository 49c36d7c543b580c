"""The file that holds the keys of encryption at rest: outside the database, for the facade's user alone.

JSON: `{"blind": "…", "keys": [{"id": "…", "since": "2026-11-22T09:00:00Z", "secret": "…"}, …]}`; the secrets
are 32 random bytes in base64. A key seals from its `since` on, the latest such one at any time; all of them
open. `blind` is the key of the blind indexes: it stays, since another one would find nothing that is in them.
"""

from __future__ import annotations

import base64
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

SECRET_BYTES = 32
#: what nobody but the owner may do; a group may read, as mounted secrets often need
FORBIDDEN = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO


class KeyFileFault(ValueError):
    """A key file that can't be used; the text says why, and nothing of a secret."""


@dataclass(frozen=True)
class Key:
    """One key; `since` is when it begins to seal."""

    id: str
    since: datetime
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Keys:
    """What a key file holds: the keys, from the oldest to the newest."""

    keys: tuple[Key, ...]
    blind: bytes = field(repr=False)

    def sealing(self, at: datetime) -> Key:
        """The key that seals at that moment."""
        return next((k for k in reversed(self.keys) if k.since <= at), self.keys[0])


@dataclass(frozen=True)
class KeyFile:
    """One key file."""

    path: Path

    def read(self) -> Keys:
        """What is in it; raises KeyFileFault where it isn't there, is open to others, or is damaged."""
        try:
            with self.path.open("rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                content = file.read()
        except OSError as error:
            raise KeyFileFault(f"{self.path}: {error.strerror}") from None
        if mode & FORBIDDEN:
            raise KeyFileFault(f"{self.path} is open to others (mode {mode:04o}): chmod 600 {self.path}")
        try:
            return _read(orjson.loads(content))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise KeyFileFault(f"{self.path} is damaged: restore it from the backup") from None

    def stamp(self) -> tuple[int, int, int] | None:
        """What is another after a change; None while the file can't be seen."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def create(self) -> Keys:
        """A file with a first key; what is in it then (another process may have been first)."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked():
            if not self.path.exists():
                self._replace(Keys((_fresh(datetime.now(UTC)),), os.urandom(SECRET_BYTES)))
        return self.read()

    def rotate(self, since: datetime) -> Key:
        """A further key, which seals from then on; those that are there stay, to open what they sealed."""
        with self._locked():
            there, added = self.read(), _fresh(since)
            self._replace(Keys((*there.keys, added), there.blind))
        return added

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time: two that rotate at once must not lose a key."""
        lock = os.open(self.path.with_name(self.path.name + ".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _replace(self, keys: Keys) -> None:
        """The whole file or the old one, also after a power cut: without its keys nothing can be opened."""
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(_written(keys), option=orjson.OPT_INDENT_2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _fresh(since: datetime) -> Key:
    """A new key; its id tells the day, for people, and is another each time."""
    return Key(
        f"{since:%Y%m%d}-{os.urandom(4).hex()}", since.replace(microsecond=0), os.urandom(SECRET_BYTES)
    )


def _read(content: Any) -> Keys:
    keys = tuple(
        Key(_plain(k["id"]), datetime.fromisoformat(k["since"]).astimezone(UTC), _secret(k["secret"]))
        for k in content["keys"]
    )
    if not keys or len({k.id for k in keys}) != len(keys):
        raise ValueError("no key, or two of one id")
    return Keys(tuple(sorted(keys, key=lambda k: k.since)), _secret(content["blind"]))


def _plain(key_id: str) -> str:
    if not 1 <= len(key_id) <= 32 or not key_id.replace("-", "").isalnum() or not key_id.isascii():
        raise ValueError("not an id")
    return key_id


def _secret(text: str) -> bytes:
    found = base64.b64decode(text, validate=True)
    if len(found) != SECRET_BYTES:
        raise ValueError("not 32 bytes")
    return found


def _written(keys: Keys) -> dict[str, Any]:
    return {
        "blind": base64.b64encode(keys.blind).decode(),
        "keys": [
            {
                "id": k.id,
                "since": k.since.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "secret": base64.b64encode(k.secret).decode(),
            }
            for k in keys.keys
        ],
    }
