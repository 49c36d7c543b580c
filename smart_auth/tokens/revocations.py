"""What has been revoked, known to every worker from the moment it was committed.

Each check reads one number; the revoked ids are read again only when it has moved. Checks are coalesced as
in a group commit: who comes while one is in flight shares the next one, which begins after all of them came.
So any number of requests at once cost one small statement, and nobody is answered from before they asked.

With a bell, which revoking processes of this host ring, there is no check at all while it is silent, but for
one a second: for what another host revoked.
"""

from __future__ import annotations

import asyncio
import time

from sqlalchemy import select

from mappers.database import Database
from smart_auth.store.plain import plain
from smart_auth.store.tables import Epoch, Revocation, columns
from smart_auth.tokens.bell import Bell

#: seconds that a silent bell is relied on
SILENCE = 1.0


class Revocations:
    """The ids (of tokens, grants, clients, keys) that are revoked and could still be presented; `epoch` moves
    with every revocation and every new key.
    """

    def __init__(self, database: Database, bell: Bell | None = None) -> None:
        self._database, self._bell = database, bell
        self._heard, self._looked = b"", -SILENCE
        epoch = columns(Epoch)
        self._epoch_sql = plain(database, select(epoch.value).where(epoch.id == 1))
        self.epoch = -1
        self._revoked: frozenset[str] = frozenset()
        self._running: asyncio.Task[frozenset[str]] | None = None
        self._next: asyncio.Task[frozenset[str]] | None = None

    async def current(self) -> frozenset[str]:
        """Everything that was revoked before this call; raises what the database raises."""
        if self._silent():
            return self._revoked
        if self._next is None:
            self._next = asyncio.create_task(self._turn())
        return await asyncio.shield(self._next)

    def _silent(self) -> bool:
        """Whether nobody on this host has revoked anything since the last look, which was just now."""
        heard = self._bell is not None and self._bell.tone() == self._heard
        return heard and time.monotonic() - self._looked < SILENCE

    async def _turn(self) -> frozenset[str]:
        if self._running is not None:
            await asyncio.wait([self._running])
        self._running, self._next = self._next, None
        return await self._check()

    async def _check(self) -> frozenset[str]:
        heard, looked = self._bell.tone() if self._bell else b"", time.monotonic()
        rows = await self._database.fetch(self._epoch_sql, ())
        epoch = int(rows[0][0])
        if epoch != self.epoch:
            self._revoked = await self._load()
            self.epoch = epoch
        self._heard, self._looked = heard, looked  # as before the look: what came since is looked at
        return self._revoked

    async def _load(self) -> frozenset[str]:
        revoked = columns(Revocation)
        wanted = select(revoked.id).where(revoked.expires >= int(time.time()))
        return frozenset(str(row[0]) for row in await self._database.fetch(plain(self._database, wanted), ()))
