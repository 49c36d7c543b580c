"""What users have allowed apps before, so that the same is not asked again until that expires or is ended.

Only what was ticked is kept, and only for an app that nobody else can pose as:
https://www.rfc-editor.org/rfc/rfc6749#section-10.2 and https://www.rfc-editor.org/rfc/rfc8252#section-8.6
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from smart_auth.access.scopes import split
from smart_auth.seal import digest
from smart_auth.store.clients import LOOPBACK
from smart_auth.store.revocations import revoke_grants
from smart_auth.store.tables import Approval, Client, Grant
from smart_auth.store.transaction import Store, now


class Approvals:
    """Approvals of all users; `seconds` is how long one is good, 0 for never."""

    def __init__(self, store: Store, seconds: int) -> None:
        self._store, self._seconds = store, seconds

    def holds_for(self, client: Client, redirect_uri: str) -> bool:
        """Whether an approval of that client, answered there, is remembered at all."""
        parts = urlsplit(redirect_uri)
        proven = client.kind != "public" or (parts.scheme == "https" and parts.hostname not in LOOPBACK)
        return self._seconds > 0 and proven

    def cover(self, subject: str, client: Client, redirect_uri: str, scopes: Iterable[str]) -> bool:
        """Whether the user has allowed all of these scopes before."""
        if not self.holds_for(client, redirect_uri):
            return False
        with self._store.transaction() as session:
            found = session.get(Approval, _id(subject, client.client_id, redirect_uri))
        return found is not None and found.expires > now() and set(scopes) <= set(split(found.scopes))

    def keep(
        self, subject: str, client: Client, redirect_uri: str, offered: Sequence[str], ticked: Sequence[str]
    ) -> None:
        """Remembers a decision: of what was offered, what was ticked and nothing else."""
        if not self.holds_for(client, redirect_uri):
            return
        id_, expires = _id(subject, client.client_id, redirect_uri), now() + self._seconds
        made = Approval(
            id=id_,
            subject=subject,
            client_id=client.client_id,
            redirect_uri=redirect_uri,
            scopes=" ".join(ticked),
            created=now(),
            expires=expires,
        )
        try:
            with self._store.transaction() as session:
                found = session.get(Approval, id_)
                if found is not None and found.expires > now():
                    before = [text for text in split(found.scopes) if text not in offered]
                    made.scopes = " ".join([*before, *ticked])
                session.merge(made)
        except IntegrityError:  # the same user has decided at another browser in this moment: ask again
            return

    def forget(self, subject: str, client_id: str) -> None:
        """The user is asked again, wherever the app is answered."""
        with self._store.transaction() as session:
            _forget(session, subject, client_id)

    def end(self, subject: str, client_id: str, token_seconds: int) -> None:
        """The app has lost what the user gave it: approvals, and all tokens at once."""
        with self._store.transaction() as session:
            revoke_grants(session, _grants(session, subject, client_id), now() + token_seconds)
            _forget(session, subject, client_id)

    def apps(self, subject: str) -> dict[str, list[str]]:
        """client_id → the scopes that it holds, or would be given without asking."""
        found: dict[str, list[str]] = {}
        with self._store.transaction() as session:
            kept = select(Approval).where(Approval.subject == subject, col(Approval.expires) > now())
            for row in (*session.exec(kept), *_grants(session, subject)):
                scopes = found.setdefault(row.client_id, [])
                scopes += [text for text in split(row.scopes) if text not in scopes]
        return found


def _id(subject: str, client_id: str, redirect_uri: str) -> str:
    return digest(json.dumps([subject, client_id, redirect_uri]))


def _grants(session: Session, subject: str, client_id: str = "") -> list[Grant]:
    wanted = select(Grant).where(
        Grant.subject == subject, col(Grant.revoked) == 0, col(Grant.expires) > now()
    )
    return list(session.exec(wanted.where(Grant.client_id == client_id) if client_id else wanted))


def _forget(session: Session, subject: str, client_id: str) -> None:
    mine = (col(Approval.subject) == subject, col(Approval.client_id) == client_id)
    session.execute(delete(Approval).where(*mine))
