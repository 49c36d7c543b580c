"""The trail in the embedded database: one thread with one connection; a commit is on disk (WAL, FULL)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fhir_facade.audit.store import (
    COLUMNS,
    EVENT_COLUMNS,
    PROBE,
    GoneError,
    NotWrittenError,
    Row,
    asking,
    inserting,
    over,
)

#: seconds that the trail waits for another writer
LOCK_SECONDS = 5
_ROW = inserting("fhir_audit", COLUMNS, 1, "?")
_EVENT = inserting("fhir_audit_event", EVENT_COLUMNS, 1, "?")


class SqliteStore:
    """A store over a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Connects if it isn't yet."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    def _open(self) -> None:
        if self._connection is not None:
            return
        try:
            self._connection = sqlite3.connect(
                f"file:{self._path}?mode=rw", uri=True, timeout=LOCK_SECONDS, isolation_level=None
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error as error:
            self._drop()
            raise NotWrittenError(type(error).__name__) from error

    async def write(self, rows: Sequence[Row], due: Sequence[str] = ()) -> None:
        """One transaction."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write, rows, due)

    def _write(self, rows: Sequence[Row], due: Sequence[str]) -> None:
        assert self._connection is not None
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._over(self._connection, due)
            for row in rows:
                audit_id = self._connection.execute(_ROW, row.values).lastrowid
                assert audit_id is not None
                self._connection.executemany(_EVENT, row.events(audit_id))
        except sqlite3.Error as error:
            self._drop()  # without a COMMIT nothing of it stays
            raise NotWrittenError(type(error).__name__) from error
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            self._drop()
            raise

    @staticmethod
    def _over(connection: sqlite3.Connection, due: Sequence[str]) -> None:
        if due and connection.execute(over(due, "?"), due).rowcount != len(due):
            connection.execute("ROLLBACK")
            raise GoneError("something isn't due any more")

    async def probe(self) -> None:
        """A transaction that writes nothing."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._probe)

    def _probe(self) -> None:
        assert self._connection is not None
        try:
            for statement in ("BEGIN IMMEDIATE", PROBE, "ROLLBACK"):
                self._connection.execute(statement)
        except sqlite3.Error as error:
            self._drop()
            raise NotWrittenError(type(error).__name__) from error

    async def still_due(self, ids: Sequence[str]) -> set[str]:
        """Those that are."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._still_due, ids)

    def _still_due(self, ids: Sequence[str]) -> set[str]:
        assert self._connection is not None
        return {str(row[0]) for row in self._connection.execute(asking(ids, "?"), ids)}

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def close(self) -> None:
        """Closes the connection and ends the thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._drop)
        self._thread.shutdown()
