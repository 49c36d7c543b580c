"""Instances that wait until somebody has found out whose they are: listed, released, or dropped for good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import or_, select, update

from dicomweb.archives.archive import Address, Archive, Change
from dicomweb.following.reading import Reader
from dicomweb.index.reading import rows
from dicomweb.index.writing import lock_of
from dicomweb.intake import Intake
from dicomweb.taking import Received
from mappers.cdss.tables import ris_radiologystudy
from mappers.database import Database
from mappers.facade.imaging import fhir_dicom_quarantine
from mappers.transaction import Transaction, transaction

W, RIS = fhir_dicom_quarantine.c, ris_radiologystudy.c
#: instances that are dropped in one transaction
TOGETHER = 50


class Waiting(NamedTuple):
    """An instance in quarantine, and why it waits."""

    study: str
    series: str
    instance: str
    reason: str
    recorded: str
    patient_id: str
    accession_number: str
    place: str

    @property
    def address(self) -> Address:
        """Its UIDs."""
        return Address(self.study, self.series, self.instance)


class _Undone(Exception):
    """Rolls a release back."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("undone")
        self.reasons = reasons


class NoSuchRowError(Exception):
    """The RIS has no such row that could have these images."""


class Quarantine:
    """What waits of an archive."""

    def __init__(self, archive: Archive, database: Database, intake: Intake) -> None:
        self._archive, self._database, self._intake = archive, database, intake

    async def waiting(self, study: str | None = None) -> list[Waiting]:
        """What waits, of one study if it is named ('' is none); the oldest first."""
        return await _waiting(self._database, study)

    async def release(self, study: str, ris_study: str = "") -> list[str]:
        """Why each of a study's instances goes on waiting; '' for those that are shown from now on.

        Nothing is released against the RIS's word: it has to say by now whose the study is. `ris_study`: the
        row, one without images, that gets the study's UID. Raises NoSuchRowError.
        """
        waiting = await self.waiting(study)
        read = await Reader(self._archive).read([Change(one.address, one.place) for one in waiting])
        try:
            async with transaction(self._database) as t:
                return await self._released(t, study, ris_study, read.received)
        except _Undone as undone:
            return undone.reasons

    async def _released(
        self, t: Transaction, study: str, ris_study: str, received: Sequence[Received]
    ) -> list[str]:
        await t.lock(lock_of(study))
        if ris_study:
            await _given(t, ris_study, study)
        left = {one.place for one in await _waiting(t, study)}  # some may be dropped by now
        reasons = await self._intake.take(t, [one for one in received if one.place in left], anew=True)
        shown = bool(reasons) and not any(reasons)
        if ris_study and not shown:  # a row gets no UID but that of its own images
            raise _Undone(reasons)
        return reasons

    async def drop(self, study: str) -> int:
        """Deletes a study's waiting instances, files and all; how many they were."""
        dropped = 0
        while more := await self._dropped(study):
            dropped += more
        return dropped

    async def _dropped(self, study: str) -> int:
        """Deletes some, while nobody else can show them: what is shown since they were listed stays."""
        async with transaction(self._database) as t:
            await t.lock(lock_of(study))
            waiting = (await _waiting(t, study))[:TOGETHER]
            for one in waiting:
                await self._archive.delete(one.place)
            await self._intake.drop(t, [(one.address, one.place) for one in waiting])
        return len(waiting)


async def _waiting(database: Database, study: str | None) -> list[Waiting]:
    columns = (W[name] for name in Waiting._fields)
    found = select(*columns).order_by(W.recorded, W.id)
    found = found if study is None else found.where(W.study == study)
    return [Waiting(*map(str, row)) for row in await rows(database, found)]


async def _given(t: Transaction, ris_study: str, study: str) -> None:
    free = or_(RIS.study_instance_uid.is_(None), RIS.study_instance_uid.in_(("", study)))
    row = update(ris_radiologystudy).where(RIS.study_id == ris_study, free)
    if not (await t.execute(row.values(study_instance_uid=study))).rows:
        raise NoSuchRowError(f"the RIS has no study {ris_study} without images")
