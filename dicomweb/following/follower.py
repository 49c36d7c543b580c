"""The follower: one worker of all takes an archive's changes in order, and compares now and then.

Rows and position are committed together: a worker that is killed loses nothing, and what it did isn't done
twice. An archive or a database that is away is waited for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import ColumnElement, select

from dicomweb.archives.archive import Address, Archive, ArchiveDownError, Change
from dicomweb.following.position import LeaseLostError, Position
from dicomweb.following.reading import Read, Reader
from dicomweb.following.releasing import released
from dicomweb.index.reading import rows
from dicomweb.intake import Intake
from mappers.database import Database, SourceDownError
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_quarantine
from mappers.transaction import RetryError, Transaction, transaction

log = logging.getLogger("dicomweb.following")
#: changes that are taken at once: one transaction
PAGE = 50
#: seconds between looks for changes; between those of a worker that doesn't follow; after a failure, at most
LOOK, IDLE, LONGEST = 1.0, 5.0, 60.0
#: seconds between two looks at the quarantine
RELEASE = 60.0
INSTANCE, WAITING = fhir_dicom_instance.c, fhir_dicom_quarantine.c
#: what is read of a file says where it belongs
NOWHERE = Address("")


class Follower:
    """One worker's follower of an archive. `minutes`: between two comparisons; 0: one at the start."""

    def __init__(
        self,
        archive: Archive,
        database: Database,
        intake: Intake,
        minutes: float,
        position: Position | None = None,
    ) -> None:
        self.archive, self._database, self.intake = archive, database, intake
        self._position = position or Position(database, archive.name)
        self._reader, self._seconds = Reader(archive), minutes * 60
        self._follows = asyncio.Event()
        self._tasks = list[asyncio.Task[None]]()

    def start(self) -> None:
        """Begins to follow, or to wait until nobody else does."""
        self._tasks = [asyncio.create_task(_forever(turn)) for turn in self._turns()]

    async def stop(self) -> None:
        """Ends, so that another worker can follow at once."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self._position.release()
        except Exception as error:
            log.warning("another worker follows the archive in a while: %s", type(error).__name__)

    async def follow(self) -> float:
        """Takes one page of changes; seconds until it is to be called again."""
        position = await self._position.take()
        if position is None:
            self._follows.clear()
            return IDLE
        self._follows.set()
        page = await self.archive.changes(position, PAGE)
        read = await self._reader.read(page.found)
        if page.position != position:
            await self._commit(read, lambda t: self._position.advance(t, position, page.position))
        return LOOK if page.done else 0

    def _turns(self) -> tuple[Callable[[], Awaitable[float]], ...]:
        return self.follow, self._comparing, self._releasing

    async def _releasing(self) -> float:
        await self._follows.wait()
        await self.release()
        return RELEASE

    async def release(self) -> None:
        """Takes in what waits in quarantine for no reason any more."""
        places = await released(self._database, self.intake.placed)
        for start in range(0, len(places), PAGE):
            changes = [Change(NOWHERE, place) for place in places[start : start + PAGE]]
            received = (await self._reader.read(changes)).received
            async with transaction(self._database) as t:
                await self.intake.take(t, received, anew=True)
                await self._position.hold(t)

    async def _comparing(self) -> float:
        await self._follows.wait()
        await self.compare()
        if not self._seconds:
            await asyncio.Event().wait()  # once was enough
        return self._seconds

    async def compare(self) -> None:
        """Indexes what the archive has and the index lacks, and takes out what the archive has no more.

        The index is read first: what comes meanwhile is in the archive, and not taken for gone.
        """
        indexed, waiting = await self._places(INSTANCE.place), await self._places(WAITING.place)
        known = indexed | waiting
        there = await self.archive.places()
        unknown = [Change(NOWHERE, place) for place in there if place not in known]
        for start in range(0, len(unknown), PAGE):
            await self._take(unknown[start : start + PAGE])
        missing = sorted(indexed.difference(there))
        for start in range(0, len(missing), PAGE):
            await self._drop(missing[start : start + PAGE])

    async def _places(self, column: ColumnElement[str]) -> set[str]:
        return {str(place) for (place,) in await rows(self._database, select(column))}

    async def _take(self, unknown: Sequence[Change]) -> None:
        read = await self._reader.read(unknown)
        if read.received:
            await self._commit(read, self._position.hold)

    async def _drop(self, missing: Sequence[str]) -> None:
        of_them = select(INSTANCE.study, INSTANCE.series, INSTANCE.instance, INSTANCE.place)
        found = await rows(self._database, of_them.where(INSTANCE.place.in_(missing)))
        gone = [(Address(*uids), place) for *uids, place in found if await self._reader.gone(place)]
        await self._commit(Read(gone=gone), self._position.hold)

    async def _commit(self, read: Read, position: Callable[[Transaction], Awaitable[None]]) -> None:
        """All of it with the position; if that fails, one by one without those that can't be written."""
        try:
            async with transaction(self._database) as t:
                await self._write(t, read)
                await position(t)
        except (SourceDownError, RetryError, LeaseLostError):
            raise
        except Exception:
            await self._commit_singly(read, position)

    async def _commit_singly(self, read: Read, position: Callable[[Transaction], Awaitable[None]]) -> None:
        singly = [Read(received=[one]) for one in read.received] + [Read(gone=[one]) for one in read.gone]
        for one in singly:
            try:
                async with transaction(self._database) as t:
                    await self._write(t, one)
            except (SourceDownError, RetryError):
                raise
            except Exception as error:
                places = [r.place for r in one.received] + [place for _, place in one.gone]
                log.error("%s in the imaging archive isn't indexed: %s", *places, type(error).__name__)
        async with transaction(self._database) as t:
            await position(t)

    async def _write(self, t: Transaction, read: Read) -> None:
        await self.intake.drop(t, read.gone)
        await self.intake.take(t, read.received)


async def _forever(turn: Callable[[], Awaitable[float]]) -> None:
    failures = 0
    while True:
        try:
            pause = await turn()
            failures = 0
        except Exception as error:
            pause = _pause(error, failures)
            failures += 1
            if failures == 1 or pause == LONGEST:
                log.warning(
                    "the imaging archive can't be followed just now: %s %s",
                    type(error).__name__,
                    _told(error),
                )
        await asyncio.sleep(pause)


def _pause(error: Exception, failures: int) -> float:
    least = error.retry_after if isinstance(error, ArchiveDownError) else 0
    return min(LONGEST, max(least, LOOK * 2.0 ** min(failures, 10)))


def _told(error: Exception) -> str:
    """What is wrong with an archive; a database's errors may quote rows."""
    return str(error) if isinstance(error, ArchiveDownError) else ""
