"""What may stand between the gateway and its archive: a wire that is slow, or breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Wire:
    """Passes bytes on to a port. Unless it `speaks`, it takes them and answers nothing; `cut_after`: so many
    bytes of an answer come, then the connection ends, as often as `cuts` says.
    """

    def __init__(self, target: int) -> None:
        self.target, self.url = target, ""
        self.speaks, self.cut_after, self.cuts = asyncio.Event(), 0, 0
        self.speaks.set()
        self.connections = 0

        self._tasks = set[asyncio.Task[None]]()

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
            asking = asyncio.create_task(_pass(reader, back))
            try:
                await self._answer(there, writer)
            finally:
                asking.cancel()
                await _closed(back)
        await _closed(writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        while piece := await reader.read(8192):
            await self.speaks.wait()
            passed += len(piece)
            if self.cuts and passed > self.cut_after:
                self.cuts -= 1
                return
            writer.write(piece)

    async def close(self) -> None:
        """Ends all connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def wire_to(target: int) -> AsyncIterator[Wire]:
    """A wire that is up until the block ends."""
    wire = Wire(target)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()
        await wire.close()
        await server.wait_closed()
