"""Viewings: what one token retrieves of one study within an hour, and how much of it that was.

A viewer asks for each slice by itself, and what it was shown is the study: so a viewing is one event, durable
before the first byte. What leaves is counted in memory, and told by a further event (with the same `viewing`)
when nothing has left for a while, each hour, and when the server stops; these add up. Nobody waits for
them, and who is killed loses counts, never the first event.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from dicomweb.access import Handed
from fhir_facade.audit.event import Event
from fhir_facade.audit.trail import ACCESSES, Trail, TrailDownError

log = logging.getLogger("fhir_facade.imaging")
#: seconds for which one event stands for all retrievals of a study with one token
ONE_VIEWING = 3600
#: seconds without anything, after which what has left is told; between two looks for that
IDLE, PAUSE = 600, 30
MOST_VIEWINGS = 8192
NOTHING = Handed()


@dataclass(eq=False)
class Viewing:
    """A study in one token's hands. `event`: its first, which is being `recorded`; `handed`: what has left
    and isn't told yet, with the times of its first and last part.
    """

    event: Event
    recorded: asyncio.Task[None]
    begun: float
    handed: Handed = field(default=NOTHING)
    since: float = 0
    last: float = 0

    @property
    def failed(self) -> bool:
        """Whether its first event couldn't be written: nothing was answered."""
        task = self.recorded
        return task.done() and (task.cancelled() or task.exception() is not None)

    def told(self, handed: Handed) -> Event:
        """The event that says how much has left."""
        counts = {"instances": handed.instances, "frames": handed.frames, "bytes": handed.size}
        details = {**(self.event.details or {}), **{name: str(count) for name, count in counts.items()}}
        return self.event._replace(request_id="", details=details)


class Viewings:
    """All of a worker's. What isn't told yet is bounded as they are."""

    def __init__(self, trail: Trail, clock: Callable[[], float] = time.monotonic) -> None:
        self.trail, self._clock = trail, clock
        self._known: OrderedDict[Hashable, Viewing] = OrderedDict()
        self._untold: OrderedDict[Viewing, None] = OrderedDict()
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def begin(self, key: Hashable, event: Event) -> Viewing:
        """The viewing under way, or a new one whose event is durable; who comes meanwhile waits for it.

        Raises TrailDownError, and then it begins anew.
        """
        now, viewing = self._clock(), self._known.get(key)
        if viewing is None or viewing.begun + ONE_VIEWING < now or viewing.failed:
            event = event._replace(details={"viewing": os.urandom(8).hex()})
            recording = asyncio.create_task(self.trail.record(event))
            viewing = self._known[key] = Viewing(event, recording, now)
            self._known.move_to_end(key)
            if len(self._known) > MOST_VIEWINGS:
                self._known.popitem(last=False)
            self.count(viewing, NOTHING)
        await asyncio.shield(viewing.recorded)
        return viewing

    def count(self, viewing: Viewing, handed: Handed) -> None:
        """Adds to what has left."""
        viewing.last = self._clock()
        viewing.handed += handed
        if viewing not in self._untold:
            viewing.since = viewing.last
            self._untold[viewing] = None
            if len(self._untold) > MOST_VIEWINGS:
                self._untold.popitem(last=False)
                log.error("too many viewings at once: how much of one was retrieved isn't told")

    async def tell(self, viewings: Iterable[Viewing]) -> None:
        """Writes what has left; what can't be written waits on. Raises TrailDownError.

        One transaction's worth at a time: requests aren't to wait behind thousands, nor a server that stops
        for a trail that is away.
        """
        waiting = list(viewings)
        for start in range(0, len(waiting), ACCESSES):
            page = waiting[start : start + ACCESSES]
            for error in await asyncio.gather(*map(self._tell, page), return_exceptions=True):
                if error is not None:
                    raise error

    async def _tell(self, viewing: Viewing) -> None:
        await asyncio.wait({viewing.recorded})
        self._untold.pop(viewing, None)
        if viewing.failed:
            return
        handed, viewing.handed = viewing.handed, NOTHING
        try:
            await self.trail.record(viewing.told(handed))
        except TrailDownError:
            self.count(viewing, handed)
            raise

    def over(self) -> list[Viewing]:
        """Those of which nothing has left for a while, or an hour is to be told, or which are too many."""
        now, crowd = self._clock(), len(self._untold) - MOST_VIEWINGS // 2
        return [
            viewing
            for number, viewing in enumerate(self._untold)
            if number < crowd or viewing.last + IDLE <= now or viewing.since + ONE_VIEWING <= now
        ]

    def start(self) -> None:
        """Begins to look for these."""
        if self._task is None:
            self._stopping.clear()
            self._task = asyncio.create_task(self._forever())

    async def stop(self) -> None:
        """Ends it, and tells all that isn't told yet."""
        task, self._task = self._task, None
        if task is not None:
            self._stopping.set()  # not in the midst of an event: it would be told twice
            await task
        try:
            await self.tell(self._untold)
        except TrailDownError:
            log.error("how much was retrieved in %d viewings isn't told", len(self._untold))

    async def _forever(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.tell(self.over())
            except TrailDownError as error:
                log.warning("how much was retrieved has to wait to be told: %s", error)
            except Exception:
                log.exception("how much was retrieved can't be told")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), PAUSE)
