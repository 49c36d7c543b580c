"""What a request brings, on disk until it is stored: one file without a name, whatever comes in it."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import IO, Any, BinaryIO, NamedTuple, cast

from dicomweb.http.faults import DicomFault


class Spooled(NamedTuple):
    """One part: its bytes, and their SHA-256."""

    file: BinaryIO
    digest: str


class Spool:
    """Takes parts one after another; `limit`: bytes that a request may bring, inflated."""

    def __init__(self, limit: int) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._left, self._limit, self._size = limit, limit, 0

    async def bounded(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """A request's body; raises DicomFault 413 where there is too much of it, whatever it is."""
        async for chunk in body:
            self._left -= len(chunk)
            if self._left < 0:
                raise DicomFault(413, f"a request may bring {self._limit} bytes: send several requests")
            yield chunk

    async def take(self, chunks: AsyncIterator[bytes]) -> Spooled:
        """Keeps one part."""
        start, digest = self._size, sha256()
        async for chunk in chunks:
            self._size += len(chunk)
            self._write(chunk)
            digest.update(chunk)
        self._write(b"")
        raw = _Slice(self._file, start, self._size)
        return Spooled(cast(BinaryIO, io.BufferedReader(raw)), digest.hexdigest())

    def _write(self, chunk: bytes) -> None:
        try:
            self._file.write(chunk) if chunk else self._file.flush()
        except OSError:
            raise DicomFault(503, "there is no room for the images just now", {"retry-after": "60"}) from None

    def close(self) -> None:
        """Gives the disk back; parts can't be read any more."""
        self._file.close()


class _Slice(io.RawIOBase):
    """A stretch of a file, read at its place, whoever else reads.

    The file is asked for its descriptor each time: once it is closed, that number may be another file's.
    """

    def __init__(self, file: IO[bytes], start: int, end: int) -> None:
        self._file, self._start, self._end, self._at = file, start, end, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills a buffer as far as there is anything."""
        place = self._start + self._at
        found = os.pread(self._file.fileno(), max(0, min(len(buffer), self._end - place)), place)
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a place within the stretch."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._end - self._start}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Where it stands."""
        return self._at
