"""The server's own signing keys: RS256, which every OpenID Connect client can check.

The newest key signs. Others stay in the JWKS until the last token they signed is over, so that a rotation is
seen by nobody. Private keys are encrypted in the database; every worker of every host shares them.
"""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import or_
from sqlmodel import Session, col, select

from smart_auth.seal import Seal, SealFault
from smart_auth.store.revocations import move_epoch, revoke
from smart_auth.store.tables import Epoch, Key
from smart_auth.store.transaction import Store, now

ALGORITHM = "RS256"
BITS = 2048
#: how long a worker of another host may go on signing with the key it knows
RELOAD_SECONDS = 60


class Keyring:
    """Signs tokens, shows the public keys, rotates."""

    def __init__(self, store: Store, seal: Seal) -> None:
        self._store, self._seal = store, seal
        self._lock = threading.Lock()
        self._known: list[Key] = []
        self._signing: tuple[str, RSAKey] | None = None
        self._read, self._heard = 0.0, b""

    def sign(self, claims: dict[str, Any], typ: str) -> str:
        """A signed JWT: https://www.rfc-editor.org/rfc/rfc7519"""
        kid, key = self._current()
        header = {"alg": ALGORITHM, "kid": kid, "typ": typ}
        return jwt.encode(header, claims, key, algorithms=[ALGORITHM])

    def jwks(self) -> dict[str, Any]:
        """The public keys: https://www.rfc-editor.org/rfc/rfc7517#section-5"""
        self._current()
        return {"keys": [json.loads(key.public) for key in self._known]}

    def opens(self) -> bool:
        """Whether the key that signs, if there is one yet, was sealed with this deployment's secret."""
        with self._store.transaction() as session:
            signing = [key for key in _published(session) if not key.expires]
        try:
            return not signing or bool(self._seal.open(max(signing, key=lambda k: k.created).private))
        except SealFault:
            return False

    def rotate(self, keep_seconds: int) -> str:
        """A new key signs from now on; the old one stays for `keep_seconds`. With 0 it doesn't stay, nor does
        any that was kept before: which of them is known to others, nobody can say.
        """
        with self._store.transaction() as session:
            _alone(session)
            old = [key for key in _published(session) if not (keep_seconds and key.expires)]
            for key in old:
                key.expires = now() + keep_seconds
                session.add(key)
            move_epoch(session)
            if not keep_seconds:
                revoke(session, (f"kid:{key.kid}" for key in old), now() + 86400)
            fresh = self._made()
            session.add(fresh)
        self._read = 0
        return fresh.kid

    def _current(self) -> tuple[str, RSAKey]:
        with self._lock:
            old = time.monotonic() - self._read > RELOAD_SECONDS or self._store.tone() != self._heard
            if self._signing is None or old or not self._read:
                self._load()
            assert self._signing
            return self._signing

    def _load(self) -> None:
        heard = self._store.tone()  # as before the look: what came since is looked at
        with self._store.transaction() as session:
            self._known = _published(session) or [self._first(session)]
        newest = max((k for k in self._known if not k.expires), key=lambda k: k.created)
        if self._signing is None or self._signing[0] != newest.kid:
            self._signing = newest.kid, RSAKey.import_key(self._seal.open(newest.private))
        self._read, self._heard = time.monotonic(), heard

    def _first(self, session: Session) -> Key:
        """The first key; of workers that start together one makes it."""
        _alone(session)
        session.expire_all()
        found = _published(session)
        if found:
            return found[0]
        key = self._made()
        session.add(key)
        move_epoch(session)
        return key

    def _made(self) -> Key:
        key = RSAKey.generate_key(BITS, auto_kid=True)
        public = {**key.as_dict(private=False), "use": "sig", "alg": ALGORITHM}
        return Key(
            kid=key.kid or "",
            public=json.dumps(public),
            private=self._seal.seal(key.as_dict(private=True)),
            created=now(),
        )


def _alone(session: Session) -> None:
    session.exec(select(Epoch).where(col(Epoch.id) == 1).with_for_update()).one()


def _published(session: Session) -> list[Key]:
    wanted = select(Key).where(or_(col(Key.expires) == 0, col(Key.expires) > now()))
    return list(session.exec(wanted.order_by(col(Key.created))))
