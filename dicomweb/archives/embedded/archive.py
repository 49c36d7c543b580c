"""The imaging archive that comes with the server: files, a journal, and nothing to run beside it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from dicomweb.archives.archive import (
    Address,
    ArchiveDownError,
    Changes,
    NotReplacedError,
    NotThereError,
    RefusedError,
    Stored,
)
from dicomweb.archives.embedded.files import Files, name_of, same
from dicomweb.archives.embedded.journal import Journal
from dicomweb.index.bounded import NotDicomError
from dicomweb.index.entry import entry_of
from mappers.at_rest import AtRest
from mappers.keyring import UnopenableError

T = TypeVar("T")
log = logging.getLogger("dicomweb.archives.embedded")


class EmbeddedArchive:
    """Part 10 files in a folder, as they were received; a place is the hash of an address.

    Not `durable`: for what can be made again, nothing waits for the disk.
    """

    name = "embedded"

    def __init__(
        self,
        folder: Path,
        at_rest: AtRest,
        *,
        durable: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder, self._files = folder, Files(folder, at_rest, durable=durable)
        self._durable, self._clock = durable, clock

    @cached_property
    def _journal(self) -> Journal:
        self._files.make()
        return Journal(self.folder / "journal.db", self._clock, durable=self._durable)

    async def fetch(self, place: str) -> BinaryIO:
        """The file as it was received: on disk, opened as it is read where it is sealed."""
        opening = asyncio.ensure_future(_aside(lambda: self._files.open(place)))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_closed)
            raise

    async def store(self, address: Address, file: BinaryIO, *, replace: bool = True) -> str:
        """Keeps a file durably before it returns its place; one that is there is replaced as a whole, or
        raises NotReplacedError if it is another one and isn't to be.
        """
        return await _aside(lambda: self._store(address, file, replace))

    def _store(self, address: Address, file: BinaryIO, replace: bool) -> str:
        _refuse_another(address, file)
        name, journal = name_of(address), self._journal
        fresh = self._files.receive(file, name)
        journal.begin(name, address)
        placed = self._files.place(fresh, name, replace=replace)
        journal.done(name, address, gone=False)
        if not placed:
            fresh.unlink()
            self._refuse_unlike(name, file)
        return name

    def _refuse_unlike(self, name: str, file: BinaryIO) -> None:
        try:
            with self._files.open(name) as kept:
                alike = same(file, kept)
        except (NotThereError, UnopenableError):
            alike = False
        if not alike:
            raise NotReplacedError("another file of that instance is there, and isn't to be replaced")

    async def delete(self, place: str) -> None:
        """Removes an instance; nothing happens where there is none."""
        await _aside(lambda: self._delete(place))

    def _delete(self, place: str) -> None:
        if not self._files.there(place):
            return
        address, journal = self._address(place), self._journal
        journal.begin(place, address)
        self._files.remove(place)
        journal.done(place, address, gone=True)

    def _address(self, place: str) -> Address:
        """By the journal; by the file itself where that was lost."""
        known = self._journal.address(place)
        if known is not None:
            return known
        with self._files.open(place) as file:
            address = entry_of(file).address
        self._journal.done(place, address, gone=False)
        return address

    async def changes(self, position: str, limit: int = 1000) -> Changes:
        """What has come since a position ('' = from the beginning)."""
        return await _aside(lambda: self._changes(position, limit))

    def _changes(self, position: str, limit: int) -> Changes:
        for place, address in self._journal.lost():
            self._journal.done(place, address, gone=not self._files.there(place))
        return self._journal.changes(position, limit)

    async def everything(self) -> AsyncIterator[Stored]:
        """All that it keeps, the files that were written first coming first."""
        for place in await _aside(self._files.names):
            try:
                yield Stored(await _aside(partial(self._address, place)), place)
            except NotThereError:
                continue  # it went meanwhile
            except (NotDicomError, UnopenableError) as fault:
                log.error("%s in the imaging archive can't be read: %s", place, fault)

    async def places(self) -> Sequence[str]:
        """The names of all files."""
        return list(await _aside(self._files.names))

    async def alive(self) -> None:
        """Returns if its folder is there and its journal answers."""
        await _aside(self._alive)

    def _alive(self) -> None:
        self._journal.address("")
        self._files.check()

    async def close(self) -> None:
        """Closes the journal."""
        if "_journal" in self.__dict__:
            await _aside(self._journal.close)


def _refuse_another(address: Address, file: BinaryIO) -> None:
    """RefusedError for what is no instance, or another one than it is stored as."""
    try:
        found = entry_of(file).address
    except NotDicomError as fault:
        raise RefusedError(str(fault)) from None
    if found != address:
        raise RefusedError("its UIDs are not those that it is stored under")


def _closed(opening: asyncio.Future[BinaryIO]) -> None:
    """Closes a file that nobody waits for any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


async def _aside(work: Callable[[], T]) -> T:
    """Work with files in a thread; a disk that fails or is full is an archive that is down."""
    try:
        return await asyncio.to_thread(work)
    except (OSError, sqlite3.OperationalError) as error:
        raise ArchiveDownError(f"the archive's folder can't be used ({type(error).__name__})") from error
