"""The trail: a request hands over what it was and waits until that is durable.

All that wait are written together: while one commit is under way the next ones gather, so that a busy server
needs few commits, and an idle one never waits for company (`company.py`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from fhir_facade.audit.chain import Chain
from fhir_facade.audit.company import Company
from fhir_facade.audit.due import Due
from fhir_facade.audit.event import Event
from fhir_facade.audit.prepared import Prepared, prepared
from fhir_facade.audit.record import Holders
from fhir_facade.audit.seal import Seals
from fhir_facade.audit.store import GoneError, NotWrittenError, Store

log = logging.getLogger("fhir_facade.audit")
#: seconds that a commit may take before the answers that wait for it are refused
PATIENCE = 15.0
#: what one transaction takes, in accesses and in characters
ACCESSES, CHARACTERS = 200, 4_000_000
#: seconds for which a trail that was written is taken for one that can be
PROOF = 1.0
#: how often a transaction is tried of which others have written a part
TRIES = 5


class TrailDownError(Exception):
    """The trail can't be written now, so nothing may be answered."""


class Waiting(NamedTuple):
    """An access that waits to be durable; `due` names it where it was kept with a write before.

    Its rows are made with those of all that wait: one after another they take a fraction of what they take
    beside a request. Without rows, who waits only wants to know whether there could be some.
    """

    made: Callable[[], Sequence[Prepared]]
    done: asyncio.Future[None]
    due: str = ""


class Ready(NamedTuple):
    """One that waits, with its rows."""

    rows: Sequence[Prepared]
    done: asyncio.Future[None]
    due: str


class Trail:
    """One process's writer. `required`: what can't be recorded isn't answered; else it is logged and counted.

    `now` is the site's time; `folder` keeps the heads of the chains.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        seals: Seals,
        now: Callable[[], datetime],
        server: str,
        *,
        required: bool = True,
    ) -> None:
        self.store, self.folder, self.seals = store, folder, seals
        self.now, self.server, self.required = now, server, required
        self.lost = 0
        self._holders, self.company = Holders(server), Company()
        self._chain: Chain | None = None
        self._waiting: list[Waiting] = []
        self._proved = -PROOF
        self._writer: asyncio.Task[None] | None = None

    async def record(self, event: Event) -> None:
        """Returns once the event is durable; TrailDownError if it can't be and has to be."""
        await self.recorded(lambda: event)

    async def recorded(self, told: Callable[[], Event], *, brief: bool = True) -> None:
        """The same for an event that is made when its turn comes, with those of others.

        `brief`: what it is of took no longer than its commit will, so that others may be waited for.
        """
        now = self.now()
        if not brief:
            self.company.hurry()
        try:
            await self._wait(lambda: prepared(told(), now, self._holders))
        except TrailDownError:
            self.lost += 1
            if self.required:
                raise
            event = told()
            log.error("NOT RECORDED (%d so far): %s, request %s", self.lost, event.name, event.request_id)

    async def ready(self) -> None:
        """Returns if the trail can be written, as far as that can be told; TrailDownError if it must be.

        Who is about to write asks before, so that nothing is written which can't be recorded.
        """
        if self.required and time.monotonic() - self._proved > PROOF:
            await self._wait(tuple)

    def due(self, events: Iterable[Event]) -> Due:
        """What is to be kept with a write, of the accesses that it is."""
        rows = (row for event in events for row in prepared(event, self.now(), self._holders))
        return Due.of([row.record for row in rows])

    async def settle(self, due: Due) -> None:
        """Returns once the trail has what was due, whoever wrote it; TrailDownError if it can't be."""
        await self._wait(due.rows, due.id)

    def _wait(self, made: Callable[[], Sequence[Prepared]], due: str = "") -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(made, done, due))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        else:
            self.company.grown(len(self._waiting))
        return done

    async def _write(self) -> None:
        while self._waiting:
            await self.company.of(self._waiting)
            batch = self._take()
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._durable(batch)
            except Exception as error:
                self._proved = -PROOF
                log.error("the audit trail can't be written: %s", _told(error))
                _release(batch, TrailDownError(type(error).__name__))
            else:
                self._proved = time.monotonic()
                _release(batch)
                self.company.released(len(batch), len(self._waiting))
                await self._sync()

    def _take(self) -> list[Ready]:
        """Those that waited longest, as many as one transaction takes."""
        size, batch, count = 0, list[Ready](), 0
        for waiting in self._waiting[:ACCESSES]:
            ready = _ready(waiting)
            size += sum(row.size for row in ready.rows)
            if batch and size > CHARACTERS:
                break
            count += 1
            if not ready.done.done() or ready.rows:
                batch.append(ready)
        del self._waiting[:count]
        return batch

    async def _durable(self, batch: Sequence[Ready]) -> None:
        """Written once, or a second time where the connection was lost: better told twice than not at all.

        What was due is written once in any case: that it is due no more is in the same transaction.
        """
        lost = False
        for _ in range(TRIES):
            try:
                return await self._commit(batch)
            except GoneError:
                batch = await self._left(batch)
            except (NotWrittenError, TimeoutError):
                raise
            except Exception as error:
                log.warning("the audit trail's connection was lost: %s", type(error).__name__)
                if lost:
                    raise
                lost = True
        raise NotWrittenError("others write the same")

    async def _left(self, batch: Sequence[Ready]) -> list[Ready]:
        """Those that the trail hasn't got yet."""
        await self.store.open()
        due = await self.store.still_due([waiting.due for waiting in batch if waiting.due])
        return [waiting for waiting in batch if not waiting.due or waiting.due in due]

    async def _commit(self, batch: Sequence[Ready]) -> None:
        await self.store.open()
        once = {waiting.due or id(waiting): waiting for waiting in batch}.values()
        rows = [row for waiting in once for row in waiting.rows]
        if not rows:
            return await self.store.probe()
        due = sorted(waiting.due for waiting in once if waiting.due)
        chain = self._current()
        place = chain.place
        try:
            await self.store.write([p.row(chain) for p in rows], due)
            chain.anchor()
        except NotWrittenError:
            chain.rewind(place)
            raise
        except BaseException:
            self._end()  # whether its last rows are there is open: no other rows may take their numbers
            raise

    def _current(self) -> Chain:
        if self._chain is not None and self._chain.stale:
            self._end()
        if self._chain is None:
            self._chain = Chain(self.folder, self.seals)
        return self._chain

    def _end(self) -> None:
        chain, self._chain = self._chain, None
        if chain is not None:
            chain.close()

    async def _sync(self) -> None:
        if self._chain is not None and self._chain.due:
            await asyncio.get_running_loop().run_in_executor(None, self._chain.sync)

    async def close(self) -> None:
        """Waits for what is under way and ends the chain."""
        if self._writer is not None:
            await self._writer
        self._end()
        await self.store.close()


def _ready(waiting: Waiting) -> Ready:
    """With its rows; where they can't be made, who waits is told why and the others go on."""
    rows: Sequence[Prepared] = ()
    try:
        rows = waiting.made()
    except Exception as error:
        if not waiting.done.done():
            waiting.done.set_exception(error)
    return Ready(rows, waiting.done, waiting.due)


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, NotWrittenError) else type(error).__name__


def _release(batch: Sequence[Ready], error: Exception | None = None) -> None:
    for waiting in batch:
        if waiting.done.done():  # its request was given up
            continue
        if error is None:
            waiting.done.set_result(None)
        else:
            waiting.done.set_exception(error)
