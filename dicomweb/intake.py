"""What becomes of an instance that an archive keeps: it is indexed, or waits in quarantine.

One way in for all: what STOW-RS stored and what the archive received itself. An instance that is taken in
again changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import delete, insert, select

from dicomweb.archives.archive import Address
from dicomweb.index.entry import Entry
from dicomweb.index.reading import rows
from dicomweb.index.writing import lock_of, remove
from dicomweb.ris.whose import Told
from dicomweb.taking import Received, Taking, looked
from mappers.database import Database
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_quarantine
from mappers.site import Site
from mappers.transaction import Transaction

INSTANCE, WAITING = fhir_dicom_instance.c, fhir_dicom_quarantine.c
#: the reason for which an instance waits whose UIDs are those of another series' or study's
UID_IN_USE = "uid-in-use"


class Placed(Protocol):
    """Whose studies are, as the RIS knows it."""

    async def reason(self, database: Database, told: Told) -> str:
        """Why an instance has to wait in quarantine, in a word; '' if it is clear whose it is."""

    async def placed(self, t: Transaction, study: str) -> None:
        """Lets the RIS follow what the index says of a study now; it has no rows if all of it is gone."""


class Intake:
    """Indexes what archives keep. All of it happens in the caller's transaction."""

    def __init__(self, site: Site, placed: Placed) -> None:
        self._site, self.placed = site, placed

    async def take(self, t: Transaction, received: Sequence[Received], *, anew: bool = False) -> list[str]:
        """Why each of the instances waits in quarantine; '' for those that are indexed.

        `anew`: what was taken in before is taken in again.
        """
        studies = {one.entry.address.study for one in received}
        await _lock(t, studies)
        taking = await looked(t, studies, received)
        reasons, changed = list[str](), dict[str, None]()
        for one in received:
            known, reason = taking.known(one)
            if anew or not known:
                reason = await self._take(t, taking, one, changed)
            reasons.append(reason)
        for study in changed:
            await self.placed.placed(t, study)
        return reasons

    async def _take(self, t: Transaction, taking: Taking, one: Received, changed: dict[str, None]) -> str:
        instance, now = one.entry.address.instance, self._now()
        if taking.waits(one):
            here = (WAITING.instance == instance, WAITING.place == one.place)
            await t.execute(delete(fhir_dicom_quarantine).where(*here))
        reason = await self._reason(t, taking, one.entry)
        if not reason:
            await taking.writer.write(one.entry, one.place, one.digest, now)
            changed[one.entry.address.study] = None
            taking.taken(one)
            return ""
        for address in await _indexed(t, INSTANCE.instance == instance, INSTANCE.place == one.place):
            await remove(t, address)  # its file was replaced by one that must not be shown
            changed[address.study] = None
            taking.forget()
        await t.execute(insert(fhir_dicom_quarantine).values(_waiting(one, reason, now)))
        taking.refused(one, reason)
        return reason

    async def _reason(self, t: Transaction, taking: Taking, entry: Entry) -> str:
        """Why an instance has to wait; what was clear of others that say the same of their study is of it."""
        if await taking.writer.whereabouts.in_use(entry.address):
            return UID_IN_USE
        if taking.is_clear(entry):
            return ""
        return await self.placed.reason(t, Told.by(entry))

    async def drop(self, t: Transaction, gone: Sequence[tuple[Address, str]]) -> None:
        """Takes instances out of the index that are at their places no more; others of that name stay."""
        await _lock(t, {address.study for address, _ in gone})
        changed = dict[str, None]()
        for address, place in gone:
            await t.execute(delete(fhir_dicom_quarantine).where(WAITING.place == place))
            for indexed in await _indexed(t, INSTANCE.instance == address.instance, INSTANCE.place == place):
                await remove(t, indexed)
                changed[indexed.study] = None
        for study in changed:
            await self.placed.placed(t, study)

    def _now(self) -> str:
        return str(self._site.wall_clock(datetime.now(UTC)))


async def _lock(t: Transaction, studies: set[str]) -> None:
    """In one order, so that two can't wait for each other."""
    for study in sorted(studies):
        await t.lock(lock_of(study))


async def _indexed(t: Transaction, *conditions: Any) -> list[Address]:
    found = await rows(t, select(INSTANCE.study, INSTANCE.series, INSTANCE.instance).where(*conditions))
    return [Address(*row) for row in found]


def _waiting(one: Received, reason: str, now: str) -> dict[str, str]:
    study, series, instance = one.entry.address
    return {
        "study": study,
        "series": series,
        "instance": instance,
        "patient_id": one.entry.patient_id,
        "accession_number": one.entry.accession_number,
        "reason": reason,
        "place": one.place,
        "digest": one.digest,
        "recorded": now,
    }
