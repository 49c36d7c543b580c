"""The built-in users: passwords, roles, lock-outs."""

from __future__ import annotations

import unicodedata
import uuid

from sqlalchemy import case, update
from sqlmodel import col, select

from smart_auth import passwords
from smart_auth.access.caller import User
from smart_auth.seal import digest
from smart_auth.store.once import first_use
from smart_auth.store.tables import BuiltInUser, Used
from smart_auth.store.transaction import Store, matched, now

#: wrong passwords in a row that lock a user out, and for how many seconds
FAILURES = 5
LOCK_SECONDS = 300
#: the row that counts the passwords of nobody, and for how long it stays
NOBODY, NOBODY_SECONDS = "passwords of nobody", 86400


class Users:
    """Built-in users; a name is the same in capitals and in small letters."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def authenticated(self, username: str, password: str) -> User | None:
        """The user with that name and password. None for a wrong one, an unknown one and a locked one alike,
        and after the same work.
        """
        row = self._of_name(username)
        if row is None or row.locked or row.locked_until > now():
            passwords.matches("", password)
            self._count_nobody()
            return None
        right = passwords.matches(row.password_hash, password)
        return as_user(row) if self._count(row.subject, right) and right else None

    def _count(self, subject: str, right: bool) -> bool:
        """Counted by the database: however many try at once, no wrong password goes uncounted. False if the
        user has been locked meanwhile.
        """
        still_open = (col(BuiltInUser.locked_until) <= now(), col(BuiltInUser.locked).is_(False))
        wanted = update(BuiltInUser).where(col(BuiltInUser.subject) == subject, *still_open)
        failures = col(BuiltInUser.failures)
        if right:
            changes = wanted.values(failures=0, locked_until=0)
        else:
            full = failures + 1 >= FAILURES
            # MySQL assigns from left to right: the lock is decided before the count starts again
            changes = wanted.ordered_values(
                (col(BuiltInUser.locked_until), case((full, now() + LOCK_SECONDS), else_=0)),
                (failures, case((full, 0), else_=failures + 1)),
            )
        with self._store.transaction() as session:
            return matched(session.execute(changes)) == 1

    def _count_nobody(self) -> None:
        """Writes as much as `_count` does: a wrong password must not take longer for being somebody's."""
        tally = update(Used).where(col(Used.id) == digest(NOBODY))
        with self._store.transaction() as session:
            found = matched(session.execute(tally.values(expires=col(Used.expires) + 1)))
        if not found:
            first_use(self._store, NOBODY, now() + NOBODY_SECONDS)

    def get(self, subject: str) -> User | None:
        """A user who may come in."""
        with self._store.transaction() as session:
            row = session.get(BuiltInUser, subject)
        return as_user(row) if row and not row.locked else None

    def named(self, username: str) -> User | None:
        """A user who may come in, by name."""
        row = self._of_name(username)
        return as_user(row) if row and not row.locked else None

    def all(self) -> list[BuiltInUser]:
        """Every user."""
        with self._store.transaction() as session:
            return list(session.exec(select(BuiltInUser).order_by(col(BuiltInUser.username))))

    def add(self, user: User, password: str) -> None:
        """Keeps a new user; raises ValueError where the name is taken."""
        self.add_all([(user, passwords.hashed(password))])

    def add_all(self, users: list[tuple[User, str]]) -> None:
        """Keeps new users with the hashes of their passwords, all or none."""
        with self._store.transaction() as session:
            for user, password_hash in users:
                name = folded(user.username)
                if session.exec(select(BuiltInUser).where(BuiltInUser.username == name)).first():
                    raise ValueError(f"there is a user {name} already")
                session.add(
                    BuiltInUser(
                        subject=user.subject or uuid.uuid4().hex,
                        username=name,
                        name=user.name,
                        password_hash=password_hash,
                        roles=" ".join(sorted(user.roles)),
                        fhir_user=user.fhir_user,
                    )
                )

    def change(self, username: str, **changes: str | bool | int) -> str:
        """Changes a user; their subject. Raises ValueError for one who isn't there."""
        with self._store.transaction() as session:
            row = session.exec(select(BuiltInUser).where(BuiltInUser.username == folded(username))).first()
            if row is None:
                raise ValueError(f"there is no user {username}")
            for name, value in changes.items():
                setattr(row, name, value)
            session.add(row)
            return row.subject

    def _of_name(self, username: str) -> BuiltInUser | None:
        name = folded(username)
        with self._store.transaction() as session:
            row = session.exec(select(BuiltInUser).where(BuiltInUser.username == name)).first()
        return row if row and row.username == name else None


def folded(username: str) -> str:
    """A name as it is kept and compared."""
    return unicodedata.normalize("NFKC", username).strip().lower()[:190]


def as_user(row: BuiltInUser) -> User:
    """The user behind a row."""
    return User(row.subject, row.username, row.name, frozenset(row.roles.split()), row.fhir_user)
