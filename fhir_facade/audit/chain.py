"""Chains: the rows that one process wrote, numbered and tied to each other; their heads are kept in files.

A head is rewritten in place after each commit, so that rows cut off at the end are missed. A process that is
killed between commit and head leaves rows beyond the head, which is no fault.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fhir_facade.audit.seal import FIRST, Seals

SUFFIX = ".head"
SYNC_SECONDS = 1.0
DAY = 86_400


@dataclass(frozen=True)
class Head:
    """How far a chain has come, as its file says; `intact`: the file's own seal holds."""

    chain: str
    sequence: int
    link: str
    intact: bool


class Chain:
    """A chain that is being written. Its head is on disk before its first row is anywhere."""

    def __init__(self, folder: Path, seals: Seals) -> None:
        self.day = _today()
        self.name = f"{datetime.fromtimestamp(self.day * DAY, UTC):%Y%m%d}-{os.urandom(6).hex()}"
        self.sequence, self.link = 0, FIRST
        self._seals, self._synced, self._written = seals, time.monotonic(), False
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / (self.name + SUFFIX)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self.anchor()
        os.fsync(self._file)
        _sync_folder(folder)

    @property
    def stale(self) -> bool:
        """Whether its day is over: a chain a day, so that old ones can be archived whole."""
        return self.day != _today()

    def next(self, record: str) -> tuple[int, str, str]:
        """(sequence, seal, link) of the next row; it counts once it is committed."""
        self.sequence += 1
        seal = self._seals.row(self.name, self.sequence, record)
        self.link = self._seals.link(self.link, seal)
        return self.sequence, seal, self.link

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands, for `rewind`."""
        return self.sequence, self.link

    def rewind(self, place: tuple[int, str]) -> None:
        """Takes rows back that were surely not committed."""
        self.sequence, self.link = place

    def anchor(self) -> None:
        """Writes the head: always as long, so that it is whole or as it was before."""
        mark = self._seals.head(self.name, self.sequence, self.link)
        os.pwrite(self._file, f"{self.name} {self.sequence:020d} {self.link} {mark}\n".encode(), 0)
        self._written = True

    @property
    def due(self) -> bool:
        """Whether the head has changed and was not put to disk for a second."""
        return self._written and time.monotonic() - self._synced > SYNC_SECONDS

    def sync(self) -> None:
        """Puts the head to disk."""
        self._synced, self._written = time.monotonic(), False
        os.fsync(self._file)

    def close(self) -> None:
        """Ends the chain."""
        with suppress(OSError):
            self.sync()
        os.close(self._file)


def _today() -> int:
    """The day since 1970, of which each commit asks: a name for it would cost more."""
    return int(time.time() // DAY)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def heads(folder: Path, seals: Seals) -> Iterator[Head]:
    """Every head in a folder."""
    for path in sorted(folder.glob("*" + SUFFIX)):
        yield head(path, seals)


def head(path: Path, seals: Seals) -> Head:
    """What one head file says."""
    name = path.name.removesuffix(SUFFIX)
    try:
        chain, number, link, mark = path.read_text("ascii").split()
        sequence = int(number)
    except ValueError:
        return Head(name, 0, FIRST, intact=False)
    return Head(name, sequence, link, chain == name and mark == seals.head(chain, sequence, link))
