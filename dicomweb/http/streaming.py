"""Answers that are sent as they are made, and what they hold while they are."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Protocol

from anyio import CancelScope
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class Closing(Protocol):
    """What is to be closed; as often as one likes."""

    async def aclose(self) -> None:
        """Closes it."""


class Begun(AsyncIterator[bytes]):
    """Pieces of which the first is at hand: closing them closes what they are made of, sent or not."""

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None]) -> None:
        self._first: bytes | None = first
        self._rest = rest

    async def __anext__(self) -> bytes:
        """The next piece."""
        if self._first is None:
            return await anext(self._rest)
        first, self._first = self._first, None
        return first

    async def aclose(self) -> None:
        """Ends it, wherever it is."""
        await self._rest.aclose()


async def begun(pieces: AsyncGenerator[bytes, None]) -> Begun:
    """Pieces once the first has been made: what can't be begun raises here."""
    return Begun(await anext(pieces, b""), pieces)


class Streamed(StreamingResponse):
    """An answer of pieces. They are closed as soon as it ends, in whatever way, and what is `held` for them
    with them, which nobody may have asked for yet. Nothing is left for whenever memory is tidied up.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None] | Begun,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        held: Closing | None = None,
    ) -> None:
        super().__init__(pieces, status, headers)
        self._held: list[Closing] = [one for one in (pieces, held) if one is not None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.close()

    async def close(self) -> None:
        """Closes what it holds, also where nobody waits for it any more."""
        with CancelScope(shield=True):
            for one in self._held:
                await one.aclose()
