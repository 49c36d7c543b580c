"""What was made lately, up to so many bytes: files that are open, frames, bodies of metadata.

Nothing is answered from here to whom the database hasn't shown the study just now; keys name the content.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar, cast

from dicomweb.http.faults import DicomFault

T = TypeVar("T")
LIMIT = 256 * 1024**2


class Recent:
    """Values by keys; the one that was asked for longest ago goes first. Not for threads."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit, self.held = limit, 0
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._making: dict[Hashable, _Made] = {}
        weakref.finalize(self, _let_go, self._values)

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]], cost: Callable[[T], int]) -> T:
        """The value, made once however many ask for it; one that can't be made is not kept."""
        if key in self._values:
            self._values.move_to_end(key)
            return cast(T, self._values[key][0])
        made = self._making.get(key)
        if made is None:
            made = self._making[key] = _Made(asyncio.ensure_future(self._made(key, make, cost)))
        try:
            return cast(T, await made.awaited())
        finally:  # at once: what is given up may take a while to end, and nobody is to wait for that
            if not made.waiting and self._making.get(key) is made:
                del self._making[key]

    async def _made(self, key: Hashable, make: Callable[[], Awaitable[T]], cost: Callable[[T], int]) -> T:
        value = await make()
        self._keep(key, value, cost(value))
        return value

    def _keep(self, key: Hashable, value: Any, cost: int) -> None:
        if cost > self.limit // 4:
            return
        self.held -= self._values.pop(key, (None, 0))[1]
        self._values[key] = value, cost
        self.held += cost
        while self.held > self.limit:
            self.held -= self._values.popitem(last=False)[1][1]


def _let_go(values: OrderedDict[Hashable, tuple[Any, int]]) -> None:
    """Closes what was kept open: the garbage collector would find the files before what closes them."""
    while values:
        value, _ = values.popitem()[1]
        if hasattr(value, "close"):
            value.close()


class _Made:
    """Something that is being made, for as long as somebody waits for it."""

    def __init__(self, task: asyncio.Future[Any]) -> None:
        self.task, self.waiting = task, 0

    async def awaited(self) -> Any:
        """What came of it; a refusal is each waiter's own, who may add to it."""
        self.waiting += 1
        try:
            await asyncio.wait({self.task})
            return self.task.result()
        except DicomFault as fault:
            raise DicomFault(fault.status, fault.text, fault.headers) from None
        finally:
            self.waiting -= 1
            if not self.waiting:
                self.task.cancel()
