"""How far an archive's changes were followed, and which of many workers follows them.

Every change is one conditional UPDATE: who finds the row as it was wins, on every database. A worker that was
thought dead finds the row another's and can move nothing any more.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import and_, insert, or_, select, update

from dicomweb.index.reading import rows
from mappers.database import Database
from mappers.facade.imaging import fhir_dicom_position
from mappers.transaction import DuplicateError, Transaction, transaction

P = fhir_dicom_position.c
#: seconds that a worker may be silent before another follows in its place
LEASE = 30


class LeaseLostError(Exception):
    """Another worker follows now."""


class Position:
    """One worker's part in following one archive."""

    def __init__(self, database: Database, archive: str, clock: Callable[[], float] = time.time) -> None:
        self._database, self._archive, self._clock = database, archive, clock
        self.owner = f"{socket.gethostname()[:32]}-{os.getpid()}-{os.urandom(4).hex()}"

    async def take(self) -> str | None:
        """The position, if this worker follows from now on or still does; None while another does."""
        found = await self._row()
        if found is None:
            await self._make()
            found = await self._row()
        assert found is not None
        position, owner, until = found
        mine, moment = owner == self.owner, int(self._clock())
        if not mine and until >= moment:
            return None
        if mine and until - moment > LEASE // 2:
            return position
        async with transaction(self._database) as t:
            free = or_(P.owner == self.owner, P.lease_until < moment)
            held = await self._set(t, free, P.position == position)
        return position if held else None

    async def advance(self, t: Transaction, before: str, after: str) -> None:
        """Moves the position, in the transaction that did what lies between; raises LeaseLostError."""
        if not await self._set(t, P.owner == self.owner, P.position == before, position=after):
            raise LeaseLostError(self._archive)

    async def hold(self, t: Transaction) -> None:
        """Goes on following; raises LeaseLostError."""
        if not await self._set(t, P.owner == self.owner):
            raise LeaseLostError(self._archive)

    async def release(self) -> None:
        """Another may follow at once."""
        async with transaction(self._database) as t:
            await self._set(t, P.owner == self.owner, owner="", lease_until=0)

    async def _set(self, t: Transaction, *conditions: Any, **values: Any) -> bool:
        mine = {"owner": self.owner, "lease_until": int(self._clock()) + LEASE}
        moved = update(fhir_dicom_position).where(and_(P.archive == self._archive, *conditions))
        return (await t.execute(moved.values({**mine, **values}))).rows == 1

    async def _row(self) -> tuple[str, str, int] | None:
        wanted = select(P.position, P.owner, P.lease_until).where(P.archive == self._archive)
        found = await rows(self._database, wanted)
        return (str(found[0][0]), str(found[0][1]), int(found[0][2])) if found else None

    async def _make(self) -> None:
        row = {"archive": self._archive, "position": "", "owner": "", "lease_until": 0}
        try:
            async with transaction(self._database) as t:
                await t.execute(insert(fhir_dicom_position).values(row))
        except DuplicateError:
            return  # another worker was first
