"""What came and went in an embedded archive, in order, and what each file is.

An entry is written before its file is put in its place (`begin`) and again after (`done`), under a new
number. Who is killed between leaves a begun entry; what became of the file then shows in the file.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from dicomweb.archives.archive import Address, Change, Changes

#: seconds after which a begun entry is a killed writer's: between the two there is a rename, nothing else
LOST_AFTER = 60.0
BUSY_SECONDS = 30.0

_TABLE = """
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    place TEXT NOT NULL UNIQUE,
    study TEXT NOT NULL,
    series TEXT NOT NULL,
    instance TEXT NOT NULL,
    gone INTEGER NOT NULL,
    begun REAL
)
"""
_WRITE = (
    "INSERT OR REPLACE INTO entry (place, study, series, instance, gone, begun) VALUES (?, ?, ?, ?, ?, ?)"
)


class Journal:
    """One row a place, its last change; safe for threads and for several processes."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time, *, durable: bool = True) -> None:
        self._clock, self._lock = clock, Lock()
        self._connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        with self._lock, self._connection:
            self._make()

    def _make(self) -> None:
        """The table. A journal that was lost and made anew goes on after the numbers that were given out."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(_TABLE)
        if not self._ask("SELECT 1 FROM sqlite_sequence WHERE name = 'entry'"):
            start = int(self._clock() * 1000)
            self._connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('entry', ?)", (start,))

    def begin(self, place: str, address: Address) -> None:
        """Something is about to happen to the place."""
        self._write(place, address, False, self._clock())

    def done(self, place: str, address: Address, *, gone: bool) -> None:
        """It has happened."""
        self._write(place, address, gone, None)

    def _write(self, place: str, address: Address, gone: bool, begun: float | None) -> None:
        with self._lock:
            self._connection.execute(_WRITE, (place, *address, gone, begun))

    def address(self, place: str) -> Address | None:
        """What a place holds or held, if it is known."""
        found = self._asked("SELECT study, series, instance FROM entry WHERE place = ?", place)
        return Address(*found[0]) if found else None

    def lost(self) -> Sequence[tuple[str, Address]]:
        """Begun entries of writers that were killed."""
        found = self._asked(
            "SELECT place, study, series, instance FROM entry WHERE begun < ?", self._clock() - LOST_AFTER
        )
        return [(place, Address(*address)) for place, *address in found]

    def changes(self, position: str, limit: int) -> Changes:
        """What happened after a position."""
        after = int(position) if position.isdigit() else 0
        found = self._asked(
            "SELECT id, place, study, series, instance, gone FROM entry "
            "WHERE id > ? AND begun IS NULL ORDER BY id LIMIT ?",
            after,
            limit,
        )
        changes = [Change(Address(*address), place, bool(gone)) for _, place, *address, gone in found]
        return Changes(changes, str(found[-1][0]) if found else position, len(found) < limit)

    def _asked(self, sql: str, *parameters: Any) -> list[Any]:
        with self._lock:
            return self._ask(sql, *parameters)

    def _ask(self, sql: str, *parameters: Any) -> list[Any]:
        return self._connection.execute(sql, parameters).fetchall()

    def close(self) -> None:
        """Closes it."""
        with self._lock:
            self._connection.close()
