"""What killed processes have left due, and what the trail was away for: every process sees to it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress

from sqlalchemy import select

from fhir_facade.audit.due import Due
from fhir_facade.audit.trail import Trail, TrailDownError
from mappers.database import Database, SourceDownError
from mappers.facade.tables import fhir_audit_due
from mappers.statement import Slots, compiled

log = logging.getLogger("fhir_facade.audit")
#: seconds between two looks, and after which nobody else is expected to see to it
PAUSE, PATIENCE = 30, 60
PAGE = 200
D = fhir_audit_due.c


class Overdue:
    """Has the trail write what is due. That two of them do makes nothing double: the trail sees to that."""

    def __init__(self, trail: Trail, database: Database) -> None:
        self.trail, self.database = trail, database
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins, with all that there is."""
        if self._task is None:
            self._task = asyncio.create_task(self._forever())

    async def stop(self) -> None:
        """Ends it."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _forever(self) -> None:
        patience = 0
        while True:
            try:
                await self.settle(patience)
                patience = PATIENCE
            except (TrailDownError, SourceDownError) as error:
                log.warning("what is due to the audit trail has to wait: %s", type(error).__name__)
            except Exception:
                log.exception("what is due to the audit trail can't be seen to")
            await asyncio.sleep(PAUSE)

    async def settle(self, patience: int = 0) -> int:
        """How many the trail has got now, of those that were due for so many seconds.

        Raises TrailDownError, SourceDownError.
        """
        count = 0
        async for page in self._pages(int(time.time()) - patience):
            genuine = [due for due, seal in page if self._is_ours(due, seal)]
            found = await asyncio.gather(*map(self.trail.settle, genuine), return_exceptions=True)
            for error in found:
                if error is not None:
                    raise error
            count += len(genuine)
        return count

    def _is_ours(self, due: Due, seal: str) -> bool:
        if seal == self.trail.seals.due(due.id, due.records):
            return True
        log.error("fhir_audit_due %s is not what was sealed: it is left there", due.id)
        return False

    async def _pages(self, until: int) -> AsyncIterator[list[tuple[Due, str]]]:
        last, full = "", True
        while full:
            wanted = select(D.id, D.records, D.seal).where(D.created <= until, D.id > last)
            made = compiled(wanted.order_by(D.id).limit(PAGE), self.database.dialect, Slots(()), {})
            rows = await self.database.fetch(made.sql, made.parameters((), {}))
            yield [(Due(row[0], row[1]), row[2]) for row in rows]
            full = len(rows) == PAGE
            last = rows[-1][0] if rows else ""
