"""Transactions: short, one writer at a time on SQLite, READ COMMITTED on MySQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Result, event
from sqlmodel import Session

from smart_auth.tokens.bell import Bell

#: what a transaction that revoked something says of itself
REVOKING = "revoking"


class Store:
    """The authorization server's rows; `bell` is rung once something has been revoked."""

    def __init__(self, engine: Engine, bell: Bell | None = None) -> None:
        self.engine, self._bell = engine, bell
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_at_once)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end, or not at all; rows stay readable afterwards."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session
        if self._bell is not None and session.info.get(REVOKING):
            self._bell.ring()

    def tone(self) -> bytes:
        """Another one than before means that something was revoked, or the keys have changed, since."""
        return self._bell.tone() if self._bell is not None else b""


def matched(result: Result[Any]) -> int:
    """The rows that an UPDATE found."""
    return int(result.rowcount)  # type: ignore[attr-defined]


def now() -> int:
    """Seconds since 1970."""
    return int(time.time())


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's BEGIN is the only one
    connection.execute("PRAGMA busy_timeout = 10000")
    connection.execute("PRAGMA journal_mode = WAL")


def _begin_at_once(connection: Connection) -> None:
    """Takes the write lock first: a reader that becomes a writer later can't wait, it fails."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
