"""When a commit begins: at once for one who is alone, else when most of those under way wait for it.

A commit takes the process and the database as much as several records do, so that few large ones serve all
sooner. While some wait, others are being answered: nothing stands still meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sized

#: how many are enough: this part of those under way, or so many
SHARE, ENOUGH = 7 / 8, 16
#: seconds that company is waited for, for each that is under way (which takes longer than that), and at most
EACH, MOST = 0.00025, 0.005
#: seconds for which nobody is waited for after nobody came
VAIN = 0.02


class Company:
    """Entered by each request that is under way and will leave a record, until it waits for that."""

    def __init__(self) -> None:
        self.under_way = 0
        self._wanted, self._alone = 0, -VAIN
        self._come: asyncio.Future[None] | None = None

    def __enter__(self) -> None:
        self.under_way += 1

    def __exit__(self, *_: object) -> None:
        self.under_way -= 1

    async def of(self, waiting: Sized) -> None:
        """Returns once there are enough that wait, or no more are to be expected soon."""
        before = len(waiting)
        all_ = before + self.under_way
        wanted = min(int(all_ * SHARE), ENOUGH)
        if before >= wanted or time.monotonic() - self._alone < VAIN:
            return
        loop = asyncio.get_running_loop()
        self._wanted, self._come = wanted, loop.create_future()
        timer = loop.call_later(min(all_ * EACH, MOST), self.grown, wanted)
        try:
            await self._come
        finally:
            timer.cancel()
            self._come = None
        if len(waiting) == before:
            self._alone = time.monotonic()

    def grown(self, waiting: int) -> None:
        """Tells how many wait now."""
        if self._come is not None and waiting >= self._wanted and not self._come.done():
            self._come.set_result(None)
