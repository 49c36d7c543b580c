"""Instances in one zip, written as they come: none of it is kept."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator


class _Sink(io.RawIOBase):
    """Takes what is written, until it is taken away."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, piece: object) -> int:
        """All of it."""
        taken = bytes(piece)  # type: ignore[call-overload]
        self.written += taken
        return len(taken)

    def taken(self) -> bytes:
        """What was written since."""
        found = bytes(self.written)
        self.written.clear()
        return found


class Zip:
    """A zip file of stored (not compressed) members."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_STORED)

    async def added(self, name: str, body: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """What one more member adds to the file."""
        with self._zip.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
            async for piece in body:
                member.write(piece)
                yield self._sink.taken()
        yield self._sink.taken()

    def end(self) -> bytes:
        """The directory, which ends the file."""
        self._zip.close()
        return self._sink.taken()
