"""A grant and the tokens that come of it: one code, then refresh tokens that follow one another.

Whoever shows a code or a refresh token for the second time may have stolen it, or was stolen from: nobody
can tell, so the whole family ends. https://www.rfc-editor.org/rfc/rfc9700#section-4.14
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import update
from sqlmodel import Session, SQLModel, col

from smart_auth.config import Config
from smart_auth.seal import digest, fresh
from smart_auth.store.revocations import revoke, revoke_grants
from smart_auth.store.tables import Code, Grant, RefreshToken
from smart_auth.store.tables import columns as columns_of
from smart_auth.store.transaction import Store, matched, now


@dataclass(frozen=True)
class Redemption:
    """What a code or refresh token was good for; `replayed`: it was used before, and its family has ended."""

    grant: Grant | None = None
    code: Code | None = None
    used: bool = False
    replayed: bool = False


class Families:
    """Grants, codes and refresh tokens."""

    def __init__(self, store: Store, config: Config) -> None:
        self._store, self._config = store, config

    def begin(self, grant: Grant, redirect_uri: str, challenge: str) -> str:
        """Keeps a grant; its authorization code."""
        code = fresh()
        row = Code(
            id=digest(code),
            grant_id=grant.id,
            client_id=grant.client_id,
            redirect_uri=redirect_uri,
            challenge=challenge,
            expires=now() + self._config.code_seconds,
        )
        with self._store.transaction() as session:
            session.add(grant)
            session.add(row)
        return code

    def keep(self, grant: Grant) -> None:
        """Keeps a grant that needs no code."""
        with self._store.transaction() as session:
            session.add(grant)

    def find_code(self, code: str) -> Redemption:
        """A code as it is, nothing changed: to be compared with what its client says."""
        with self._store.transaction() as session:
            row = session.get(Code, digest(code))
            return Redemption(session.get(Grant, row.grant_id), row, bool(row.used)) if row else Redemption()

    def redeem_code(self, code: str) -> Redemption:
        """Uses a code up; one winner of any number who try, and the second ends the family."""
        with self._store.transaction() as session:
            row = session.get(Code, digest(code))
            if row is None:
                return Redemption()
            return self._redeem(session, Code, row.id, row.grant_id, row.expires)

    def find_refresh(self, token: str) -> Redemption:
        """The grant of a refresh token, nothing changed."""
        with self._store.transaction() as session:
            row = session.get(RefreshToken, digest(token))
            if row is None or row.expires <= now():
                return Redemption()
            return Redemption(session.get(Grant, row.grant_id), used=bool(row.used))

    def redeem_refresh(self, token: str) -> Redemption:
        """Uses a refresh token up, as `redeem_code` does."""
        with self._store.transaction() as session:
            row = session.get(RefreshToken, digest(token))
            if row is None:
                return Redemption()
            return self._redeem(session, RefreshToken, row.id, row.grant_id, row.expires)

    def _redeem(
        self, session: Session, table: type[SQLModel], id_: str, grant_id: str, expires: int
    ) -> Redemption:
        columns = columns_of(table)
        unused = update(table).where(columns.id == id_, columns.used == 0)
        first = matched(session.execute(unused.values(used=now()))) == 1
        grant = session.get(Grant, grant_id)
        if grant is None or grant.revoked:
            return Redemption()
        if not first:
            revoke_grants(session, [grant], now() + self._config.revoked_seconds)
            return Redemption(grant, replayed=True)
        return Redemption(grant if expires > now() else None)

    def refresh_token(self, grant: Grant) -> str:
        """The next refresh token of a family, which lives at least as long as it."""
        token = fresh()
        expires = now() + self._config.refresh_seconds
        kept = max(expires + 60, now() + self._config.grant_seconds)
        with self._store.transaction() as session:
            session.add(RefreshToken(id=digest(token), grant_id=grant.id, expires=expires))
            session.execute(update(Grant).where(col(Grant.id) == grant.id).values(expires=kept))
        return token

    def revoke_of_refresh(self, token: str, client_id: str) -> Grant | None:
        """Ends the family of a refresh token, if it is that client's."""
        with self._store.transaction() as session:
            row = session.get(RefreshToken, digest(token))
            grant = session.get(Grant, row.grant_id) if row else None
            if grant is None or grant.client_id != client_id:
                return None
            revoke_grants(session, [grant], now() + self._config.revoked_seconds)
            return grant

    def revoke_token(self, token_id: str, expires: int) -> None:
        """Ends one access token."""
        with self._store.transaction() as session:
            revoke(session, [token_id], expires)
