"""Login sessions: who is signed in at which browser."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select

from smart_auth.access.caller import User
from smart_auth.identity.provider import SignedIn, SignedOut
from smart_auth.seal import Seal, SealFault, digest, fresh
from smart_auth.store.revocations import live_grants, revoke_grants
from smart_auth.store.tables import LoginSession
from smart_auth.store.transaction import Store, now
from smart_auth.tokens.minting import person_json, person_of


@dataclass(frozen=True)
class Login:
    """A live session."""

    id: str
    user: User
    held: str
    since: int
    expires: int


class Sessions:
    """Starts, finds and ends login sessions; the cookie's value is kept as its hash."""

    def __init__(self, store: Store, seal: Seal, seconds: int) -> None:
        self._store, self._seal, self._seconds = store, seal, seconds

    def start(self, signed_in: SignedIn) -> str:
        """A new session; the value for its cookie."""
        cookie = fresh()
        row = LoginSession(
            id=digest(cookie),
            subject=signed_in.user.subject,
            sid=digest(signed_in.sid) if signed_in.sid else "",
            person=self._seal.seal([person_json(signed_in.user), signed_in.held]),
            created=min(signed_in.since or now(), now()),
            expires=now() + self._seconds,
        )
        with self._store.transaction() as session:
            session.add(row)
        return cookie

    def of_cookie(self, cookie: str) -> Login | None:
        """The live session of a cookie."""
        return self.get(digest(cookie)) if cookie else None

    def get(self, id_: str) -> Login | None:
        """A live session."""
        with self._store.transaction() as session:
            row = session.get(LoginSession, id_)
        return self._live(row)

    def _live(self, row: LoginSession | None) -> Login | None:
        if row is None or row.ended or row.expires <= now():
            return None
        try:
            person, held = self._seal.open(row.person)
        except SealFault:  # written under another key: nobody is signed in
            return None
        return Login(row.id, person_of(person), held, row.created, row.expires)

    def end(self, id_: str, token_seconds: int) -> None:
        """Ends a session and what lives only as long as it: its tokens without offline access."""
        with self._store.transaction() as session:
            row = session.get(LoginSession, id_)
            if row is not None:
                _end(session, row, token_seconds)

    def end_of(self, told: SignedOut, token_seconds: int) -> list[Login]:
        """Ends the sessions that have ended at the provider, as `end` does; those that were live till now."""
        of_user = (LoginSession.subject == told.subject,) if told.subject else ()
        of_session = (LoginSession.sid == digest(told.sid),) if told.sid else ()
        with self._store.transaction() as session:
            rows = list(session.exec(select(LoginSession).where(*of_user, *of_session)))
            ended = [login for row in rows if (login := self._live(row))]
            for row in rows:
                _end(session, row, token_seconds)
            if told.lasting and told.subject:
                revoke_grants(session, live_grants(session, "subject", told.subject), now() + token_seconds)
        return ended

    def end_all(self, subject: str, token_seconds: int) -> None:
        """Ends every session and every token of a user."""
        with self._store.transaction() as session:
            revoke_grants(session, live_grants(session, "subject", subject), now() + token_seconds)
            for row in session.exec(select(LoginSession).where(col(LoginSession.subject) == subject)):
                row.ended = row.ended or now()
                session.add(row)


def _end(session: Session, row: LoginSession, token_seconds: int) -> None:
    online = [g for g in live_grants(session, "session", row.id) if g.access != "offline"]
    revoke_grants(session, online, now() + token_seconds)
    row.ended = now()
    session.add(row)
