"""Whether an archive answers, for those who can't wait for it: it is asked beside them, again and again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from dicomweb.archives.archive import Archive, ArchiveDownError

log = logging.getLogger("dicomweb.archives")
#: seconds that an archive may take to say that it is there; between two looks; for which a look counts
PATIENCE, PAUSE, LASTS = 1.0, 5.0, 30.0


class Watch:
    """One worker's watch of an archive."""

    def __init__(self, archive: Archive, clock: Callable[[], float] = time.monotonic) -> None:
        self.archive, self._clock = archive, clock
        self._up, self._looked = True, -LASTS
        self._asking: asyncio.Future[bool] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def down(self) -> bool:
        """Whether it is known not to answer: nobody is asked, and what was seen long ago isn't known."""
        return not self._up and self._clock() - self._looked < LASTS

    async def look(self) -> bool:
        """Whether it answers, at once or almost. One that hangs isn't asked by more than one at a time."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(_answers(self.archive))
        done, _ = await asyncio.wait({self._asking}, timeout=PATIENCE)
        up = bool(done) and self._asking.result()
        if up != self._up:
            log.warning("the imaging archive %s", "answers again" if up else "doesn't answer")
        self._up, self._looked = up, self._clock()
        return up

    def start(self) -> None:
        """Begins to look."""
        if self._task is None:
            self._task = asyncio.create_task(self._forever())

    async def stop(self) -> None:
        """Ends it."""
        tasks = [task for task in (self._task, self._asking) if task is not None]
        self._task = self._asking = None
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _forever(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(PAUSE)


async def _answers(archive: Archive) -> bool:
    try:
        await archive.alive()
    except ArchiveDownError:
        return False
    except Exception as error:
        log.error("the imaging archive can't be asked: %s", type(error).__name__)
        return False
    return True
