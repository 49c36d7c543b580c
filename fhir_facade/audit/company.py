"""When a commit begins: at once for one who is alone, else when those who are expected wait for it.

A commit takes the process and the database as much as several reads do, so that few large ones serve all
sooner. Expected are those under way, and those who were answered a moment ago: most clients ask on. A search
takes longer than a commit: while others' answers are waited for, nobody has anything to do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sized

#: how many are enough
ENOUGH = 16
#: seconds that company is waited for, for each that is expected (which takes longer than that), and at most
EACH, MOST = 0.00025, 0.005
#: seconds for which no more are waited for than came when some didn't come
VAIN = 0.02


class Company:
    """Entered by each request that is under way and will leave a record, until it waits for that."""

    def __init__(self) -> None:
        self.under_way = 0
        self._wanted = 0
        self._come: asyncio.Future[None] | None = None
        self._circle, self._seen = 0, -MOST
        self._came, self._until = ENOUGH, -VAIN
        self._hurried = False

    def __enter__(self) -> None:
        self.under_way += 1

    def __exit__(self, *_: object) -> None:
        self.under_way -= 1

    async def of(self, waiting: Sized) -> None:
        """Returns once there are enough that wait or one of them is in a hurry, or no more are to be expected
        soon.
        """
        expected = self._expected(len(waiting))
        wanted = min(expected, self._came if time.monotonic() < self._until else ENOUGH)
        if len(waiting) < wanted and not self._hurried:
            await self._grows(wanted, min(expected * EACH, MOST))
            if len(waiting) < wanted and not self._hurried:
                self._came, self._until = len(waiting), time.monotonic() + VAIN
        self._hurried = False

    async def _grows(self, wanted: int, seconds: float) -> None:
        """Returns once so many wait, one is in a hurry, or the time is over."""
        loop = asyncio.get_running_loop()
        self._wanted, self._come = wanted, loop.create_future()
        timer = loop.call_later(seconds, self.grown, wanted)
        try:
            await self._come
        finally:
            timer.cancel()
            self._come = None

    def _expected(self, waiting: int) -> int:
        """All who are known of, those of the last commit too if it was just now."""
        known = waiting + self.under_way
        return max(known, self._circle) if time.monotonic() - self._seen < MOST else known

    def grown(self, waiting: int) -> None:
        """Tells how many wait now."""
        if self._come is not None and waiting >= self._wanted and not self._come.done():
            self._come.set_result(None)

    def hurry(self) -> None:
        """Tells that one waits for whom none should be waited for."""
        self._hurried = True
        self.grown(self._wanted)

    def released(self, done: int, waiting: int) -> None:
        """Tells how many were answered, and how many wait for the next commit."""
        self._circle, self._seen = done + waiting + self.under_way, time.monotonic()
