"""Reads changed instances from their archive, so that all that is left is writing rows."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from dicomweb.archives.archive import Address, Archive, ArchiveDownError, Change, NotThereError
from dicomweb.index.bounded import NotDicomError
from dicomweb.index.entry import Entry, entry_of
from dicomweb.taking import Received
from mappers.keyring import UnopenableError

log = logging.getLogger("dicomweb.following")
#: files that are read at the same time
AT_ONCE = 4
#: failures of one file, with an archive that answers, after which the others go on without it
MOST_TRIES = 3
PIECE = 1024 * 1024


@dataclass
class Read:
    """What a page of changes comes to."""

    received: list[Received] = field(default_factory=list)
    gone: list[tuple[Address, str]] = field(default_factory=list)


class Reader:
    """Fetches files and reads what the index wants to know of them."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._failures, self._unreadable = Counter[str](), set[str]()

    async def read(self, changes: Sequence[Change]) -> Read:
        """All that came and is there, and all that went; raises ArchiveDownError.

        What couldn't be read before is read anew where the archive tells of it, not where it is just there.
        """
        found = Read(gone=[(change.address, change.place) for change in changes if change.gone])
        places = list(dict.fromkeys(change.place for change in changes if not change.gone))
        self._unreadable.difference_update(c.place for c in changes if c.address.study)
        for start in range(0, len(places), AT_ONCE):
            some = places[start : start + AT_ONCE]
            read = await asyncio.gather(*map(self._read, some), return_exceptions=True)
            for one in read:
                if isinstance(one, BaseException):
                    raise one
                found.received += [one] if one else []
        return found

    async def gone(self, place: str) -> bool:
        """Whether the archive says that there is nothing (any more)."""
        try:
            (await self._archive.fetch(place)).close()
        except NotThereError:
            return True
        return False

    async def _read(self, place: str) -> Received | None:
        if place in self._unreadable:
            return None
        try:
            with await self._archive.fetch(place) as file:
                entry, digest = await asyncio.to_thread(_described, file)
        except NotThereError:
            return None
        except (NotDicomError, UnopenableError) as fault:
            log.warning("%s in the imaging archive isn't indexed: %s", place, fault)
            self._unreadable.add(place)
            return None
        except ArchiveDownError:
            await self._failed(place)
            return None
        self._failures.pop(place, None)
        return Received(entry, place, digest)

    async def _failed(self, place: str) -> None:
        """Lets a file be that the archive can't give, though it answers; the next comparison tries again."""
        await self._archive.alive()
        self._failures[place] += 1
        if self._failures[place] % MOST_TRIES:
            raise ArchiveDownError("a file can't be fetched")
        log.error("%s in the imaging archive can't be fetched, and isn't indexed", place)


def _described(file: BinaryIO) -> tuple[Entry, str]:
    digest = hashlib.sha256()
    while piece := file.read(PIECE):
        digest.update(piece)
    file.seek(0)
    return entry_of(file), digest.hexdigest()
