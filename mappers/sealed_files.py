"""Files that are sealed as they are written and opened as they are read, in memory of one chunk.

A head (mark, key id, salt), then chunks of 64 KiB, each AES-256-GCM under a key that is derived for this file
and context alone. A chunk's nonce is its number and whether it is the last: chunks that are cut off, swapped,
repeated or come from another file don't open. https://eprint.iacr.org/2015/189 (STREAM)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mappers.keyring import TAG_BYTES, Keyring, UnopenableError, derived

MARK = b"sealedfile1\n"
CHUNK = 64 * 1024
SALT_BYTES, _ID_BYTES = 16, 32
HEAD_BYTES = len(MARK) + _ID_BYTES + SALT_BYTES


class SealedWriter:
    """Writes a sealed file. Without `close` it has no last chunk, and can't be opened as a whole."""

    def __init__(self, file: BinaryIO, keyring: Keyring, context: bytes) -> None:
        key_id, salt = keyring.sealing, os.urandom(SALT_BYTES)
        self._file, self._cipher = file, _cipher(keyring, key_id, salt, context)
        self._waiting, self._number = bytearray(), 0
        file.write(MARK + key_id.encode().ljust(_ID_BYTES) + salt)

    def write(self, plain: bytes) -> None:
        """Takes some bytes; whole chunks are written, the rest waits for more."""
        self._waiting += plain
        while len(self._waiting) > CHUNK:  # the last chunk, which may be a whole one, waits for `close`
            self._chunk(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]

    def close(self) -> None:
        """Writes the last chunk; the file itself stays open, for whoever syncs it."""
        self._chunk(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _chunk(self, plain: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last=last), plain, None))
        self._number += 1

    def __enter__(self) -> SealedWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes it, but not after an error: what is half there must not look whole."""
        if kind is None:
            self.close()


def opened(file: BinaryIO, keyring: Keyring, context: bytes) -> Iterator[bytes]:
    """What a sealed file holds, chunk by chunk, each checked before it is given out.

    Raises UnopenableError at the first chunk that was changed, moved or cut off, and where the file goes on
    after its last one. Who must know that the file is whole before telling anything calls `verify` first.
    """
    cipher = cipher_of(file, keyring, context)
    number, sealed = 0, file.read(CHUNK + TAG_BYTES)
    while sealed:
        following = file.read(CHUNK + TAG_BYTES)
        yield plain_chunk(cipher, number, sealed, last=not following)
        number, sealed = number + 1, following
    if not number:
        raise UnopenableError("its end is missing")


def verify(file: BinaryIO, keyring: Keyring, context: bytes) -> int:
    """The bytes that the file holds, after all of it was checked; raises UnopenableError."""
    return sum(len(chunk) for chunk in opened(file, keyring, context))


def plain_size(sealed_bytes: int) -> int:
    """The bytes inside a whole sealed file of that size, for `Content-Length`."""
    body = sealed_bytes - HEAD_BYTES
    chunks = max(1, -(-body // (CHUNK + TAG_BYTES)))
    return max(0, body - chunks * TAG_BYTES)


def sealed_under(file: BinaryIO) -> str:
    """The id of the key that a file is sealed under, by its head; '' where it isn't sealed."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return _key_id(head) if head.startswith(MARK) else ""


def cipher_of(file: BinaryIO, keyring: Keyring, context: bytes) -> AESGCM:
    """The cipher of a sealed file, by its head, which is read; raises UnopenableError."""
    head = file.read(HEAD_BYTES)
    if len(head) != HEAD_BYTES or not head.startswith(MARK):
        raise UnopenableError("it is no sealed file")
    return _cipher(keyring, _key_id(head), head[-SALT_BYTES:], context)


def _key_id(head: bytes) -> str:
    return head[len(MARK) : len(MARK) + _ID_BYTES].decode("ascii", "replace").rstrip()


def plain_chunk(cipher: AESGCM, number: int, sealed: bytes, *, last: bool) -> bytes:
    """A chunk of the file that the cipher is of; raises UnopenableError."""
    try:
        return cipher.decrypt(_nonce(number, last=last), sealed, None)
    except (ValueError, InvalidTag):
        raise UnopenableError("it was changed or cut off, or sealed for another place") from None


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")


def _cipher(keyring: Keyring, key_id: str, salt: bytes, context: bytes) -> AESGCM:
    secret = keyring.secret(key_id)
    if secret is None:
        raise UnopenableError("it is sealed under a key that is not in the key file")
    return AESGCM(derived(secret, b"file/" + context, salt))
