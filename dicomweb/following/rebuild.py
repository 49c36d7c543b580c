"""The index made anew from an archive's files, while it is used; what is interrupted goes on where it was.

The position that was reached is committed with the rows, under the archive's name and `/rebuild`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from dicomweb.archives.archive import Address, Archive, Change, Stored
from dicomweb.following.reading import Reader
from dicomweb.index.reading import rows
from dicomweb.index.writing import relink
from dicomweb.intake import Intake
from dicomweb.taking import Received
from mappers.database import Database
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_position
from mappers.transaction import RetryError, Transaction, transaction

INSTANCE, POSITION = fhir_dicom_instance.c, fhir_dicom_position.c
#: files of one transaction
PAGE = 50
#: seconds for which an interrupted run can be gone on with: later files of before may be others
GOES_ON = 24 * 3600
#: how often a page is tried while others write to its studies
TRIES = 10


@dataclass
class Progress:
    """How far it is. `there`: files in the archive; `before`: of these, done by the run that goes on."""

    there: int = 0
    before: int = 0
    indexed: int = 0
    waiting: int = 0
    unreadable: int = 0
    gone: int = 0

    @property
    def done(self) -> int:
        """The files that were looked at."""
        return self.before + self.indexed + self.waiting + self.unreadable


class Rebuild:
    """One run. Everybody else may read and write meanwhile: each page is a transaction of its own."""

    def __init__(
        self, archive: Archive, database: Database, intake: Intake, clock: Callable[[], float] = time.time
    ) -> None:
        self._archive, self._database, self._intake, self._clock = archive, database, intake, clock
        self._reader, self._name = Reader(archive), f"{archive.name}/rebuild"

    async def run(self) -> AsyncIterator[Progress]:
        """Indexes every file, takes out what has none any more; yields after each transaction."""
        before = await indexed(self._database)
        kept = [stored async for stored in self._archive.everything()]
        left = await self._left(kept)
        progress = Progress(len(kept), len(kept) - len(left))
        yield progress
        for start in range(0, len(left), PAGE):
            await self._index(left[start : start + PAGE], progress)
            yield progress
        there = {stored.place for stored in kept}
        await self._drop(
            [(place, address) for place, address in before.items() if place not in there], progress
        )
        async with transaction(self._database) as t:
            await t.execute(delete(fhir_dicom_position).where(POSITION.archive == self._name))
        yield progress

    async def _left(self, kept: Sequence[Stored]) -> Sequence[Stored]:
        """What is left to do of an interrupted run; everything where there is none."""
        reached = select(POSITION.position).where(
            POSITION.archive == self._name, POSITION.lease_until > int(self._clock())
        )
        found = {str(place) for (place,) in await rows(self._database, reached)}
        return next((kept[i + 1 :] for i, stored in enumerate(kept) if stored.place in found), kept)

    async def _index(self, page: Sequence[Stored], progress: Progress) -> None:
        read = await self._reader.read([Change(stored.address, stored.place) for stored in page])
        reasons = await self._patiently(read.received, page[-1].place)
        progress.indexed += reasons.count("")
        progress.waiting += len(reasons) - reasons.count("")
        progress.unreadable += len(page) - len(reasons)

    async def _patiently(self, received: Sequence[Received], reached: str) -> list[str]:
        for _ in range(TRIES - 1):
            try:
                return await self._take(received, reached)
            except RetryError:
                continue
        return await self._take(received, reached)

    async def _take(self, received: Sequence[Received], reached: str) -> list[str]:
        async with transaction(self._database) as t:
            reasons = await self._intake.take(t, received, anew=True)
            for study in sorted({one.entry.address.study for one in received}):
                await relink(t, study)
            await self._reach(t, reached)
        return reasons

    async def _reach(self, t: Transaction, place: str) -> None:
        await t.execute(delete(fhir_dicom_position).where(POSITION.archive == self._name))
        until = int(self._clock()) + GOES_ON
        row = {"archive": self._name, "position": place, "owner": "", "lease_until": until}
        await t.execute(insert(fhir_dicom_position).values(row))

    async def _drop(self, missing: Sequence[tuple[str, Address]], progress: Progress) -> None:
        """Only what was indexed before the archive was listed, and what it says is not there."""
        for start in range(0, len(missing), PAGE):
            some = missing[start : start + PAGE]
            gone = [(address, place) for place, address in some if await self._reader.gone(place)]
            async with transaction(self._database) as t:
                await self._intake.drop(t, gone)
            progress.gone += len(gone)


async def indexed(database: Database) -> dict[str, Address]:
    """What is indexed, by place."""
    found = await rows(database, select(INSTANCE.place, INSTANCE.study, INSTANCE.series, INSTANCE.instance))
    return {str(place): Address(*uids) for place, *uids in found}
