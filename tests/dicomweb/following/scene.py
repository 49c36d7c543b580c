"""An archive and followers of it that keep their rows in a database of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sqlalchemy import insert, select, update

from dicomweb.archives.archive import Archive
from dicomweb.following import Follower
from dicomweb.following.position import Position
from dicomweb.index.reading import IndexedInstance, instances, rows
from dicomweb.intake import Intake
from dicomweb.ris.whose import Told
from mappers.database import Database
from mappers.facade.imaging import fhir_dicom_position, fhir_dicom_quarantine, fhir_dicom_study
from mappers.site import Site
from mappers.transaction import Transaction, transaction
from tests.dicomweb.archives.test_archive import all_changes
from tests.dicomweb.files import Sent


class Clock:
    """Time that passes when it is told to."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Ward:
    """Knows whose all studies are but those of `unknown` accession numbers; some make it fail."""

    unknown: set[str] = field(default_factory=set)
    failing: dict[str, Exception] = field(default_factory=dict)
    placed_studies: list[str] = field(default_factory=list)

    async def reason(self, database: Database, told: Told) -> str:
        """Those of unknown numbers wait."""
        return "unknown-patient" if told.accession_number in self.unknown else ""

    async def placed(self, t: Transaction, study: str) -> None:
        """Remembers the study."""
        if study in self.failing:
            raise self.failing[study]
        self.placed_studies.append(study)


@dataclass
class Scene:
    """What tests ask."""

    archive: Archive
    database: Database
    ward: Ward = field(default_factory=Ward)
    clock: Clock = field(default_factory=Clock)

    @classmethod
    async def of(cls, archive: Archive, database: Database) -> Scene:
        """What the archive has by now is not followed."""
        _, position = await all_changes(archive)
        row = {"archive": archive.name, "position": position, "owner": "", "lease_until": 0}
        async with transaction(database) as t:
            await t.execute(insert(fhir_dicom_position).values(row))
        return cls(archive, database)

    def follower(self, minutes: float = 0) -> Follower:
        """Another worker's follower."""
        position = Position(self.database, self.archive.name, self.clock)
        return Follower(self.archive, self.database, Intake(Site(), self.ward), minutes, position)

    async def store(self, sent: Sent) -> str:
        """As another program does, past the gateway."""
        return await self.archive.store(sent.address, sent.file)

    async def indexed(self, sent: Sent) -> IndexedInstance | None:
        """What the index knows of an instance."""
        found = await instances(self.database, sent.address)
        return found[0] if found else None

    async def position(self) -> str:
        """How far it was followed."""
        return str((await rows(self.database, select(fhir_dicom_position.c.position)))[0][0])

    async def rewind(self, position: str) -> None:
        """Lets everything since then be followed again."""
        async with transaction(self.database) as t:
            await t.execute(update(fhir_dicom_position).values(position=position))

    async def studies(self) -> set[str]:
        """Those in the index."""
        return {str(uid) for (uid,) in await rows(self.database, select(fhir_dicom_study.c.study))}

    async def waiting(self) -> list[tuple[str, str]]:
        """Instances in quarantine, with the reason."""
        q = fhir_dicom_quarantine.c
        return [
            (str(i), str(reason)) for i, reason in await rows(self.database, select(q.instance, q.reason))
        ]


async def follow(follower: Follower) -> None:
    """Until there is nothing left to follow."""
    while not await follower.follow():
        pass


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    """Returns once it has happened; a failure after twenty seconds."""
    for _ in range(400):
        if await happened():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it didn't happen")
