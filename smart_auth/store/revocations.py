"""Revoking: what is revoked, and the epoch that tells all workers at once."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from smart_auth.store.tables import Epoch, Grant, RefreshToken, Revocation
from smart_auth.store.transaction import REVOKING, now


def revoke(session: Session, ids: Iterable[str], expires: int) -> None:
    """Makes tokens that carry one of the ids worthless from this commit on."""
    move_epoch(session)
    for one in ids:
        found = session.get(Revocation, one)
        if found is None:
            session.add(Revocation(id=one, expires=expires))
        else:
            found.expires = max(found.expires, expires)
    session.flush()


def move_epoch(session: Session) -> None:
    """Makes all workers look again. It comes first in its transaction: its row is the lock of them all."""
    session.execute(update(Epoch).where(col(Epoch.id) == 1).values(value=col(Epoch.value) + 1))
    session.info[REVOKING] = True


def revoke_grants(session: Session, grants: Iterable[Grant], expires: int) -> None:
    """Ends families of tokens: access tokens until `expires`, refresh tokens for good."""
    live = [g for g in grants if not g.revoked]
    if not live:
        return
    revoke(session, (g.id for g in live), expires)
    for grant in live:
        grant.revoked = now()
        session.add(grant)


def live_grants(session: Session, of: str, value: str) -> list[Grant]:
    """The grants that aren't revoked `of` a client_id, a subject or a session."""
    wanted = select(Grant).where(getattr(Grant, of) == value, col(Grant.revoked) == 0)
    return list(session.exec(wanted))


def forget_expired(session: Session) -> None:
    """Removes rows whose time is over."""
    from smart_auth.store.tables import Approval, Code, Key, LoginSession, Used

    moment = now()
    for table in (Code, RefreshToken, Revocation, Used, LoginSession, Grant, Approval):
        session.execute(delete(table).where(col(table.expires) < moment))
    session.execute(delete(Key).where(col(Key.expires) > 0, col(Key.expires) < moment))
