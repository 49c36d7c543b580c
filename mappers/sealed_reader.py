"""Sealed files, read from anywhere in them a chunk at a time: nothing of them is laid open on a disk."""

from __future__ import annotations

import io
import os
from typing import Any, BinaryIO

from mappers.keyring import TAG_BYTES, Keyring, UnopenableError
from mappers.sealed_files import CHUNK, HEAD_BYTES, cipher_of, plain_chunk, plain_size

SEALED_CHUNK = CHUNK + TAG_BYTES


class SealedReader(io.RawIOBase):
    """What a sealed file holds. Raises UnopenableError at once where its end is missing, and wherever a chunk
    that is read was changed or moved.
    """

    #: it is at no path: what is there is sealed. Readers that ask for a name take this for none
    name = ""

    def __init__(self, file: BinaryIO, keyring: Keyring, context: bytes) -> None:
        super().__init__()
        self._file, self._cipher = file, cipher_of(file, keyring, context)
        sealed = file.seek(0, os.SEEK_END)
        self._size, self._at = plain_size(sealed), 0
        self._last = max(0, -(-(sealed - HEAD_BYTES) // SEALED_CHUNK) - 1)
        self._held: tuple[int, bytes] = (-1, b"")
        self._chunk(self._last)

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer as far as the chunk goes that it stands in."""
        number, within = divmod(self._at, CHUNK)
        found = self._chunk(number)[within : within + len(buffer)] if number <= self._last else b""
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _chunk(self, number: int) -> bytes:
        if self._held[0] != number:
            self._file.seek(HEAD_BYTES + number * SEALED_CHUNK)
            sealed = self._file.read(SEALED_CHUNK)
            self._held = number, plain_chunk(self._cipher, number, sealed, last=number == self._last)
        return self._held[1]

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes anywhere, also beyond the end."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("before the start")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """Where it stands."""
        return self._at

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """Closes the file too."""
        self._file.close()
        super().close()


def sealed_reader(file: BinaryIO, keyring: Keyring, context: bytes) -> BinaryIO:
    """What a sealed file holds, as a file; raises UnopenableError where its end is missing."""
    try:
        return io.BufferedReader(SealedReader(file, keyring, context), CHUNK)
    except UnopenableError:
        file.close()
        raise
