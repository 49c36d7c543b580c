"""How the facade's own texts and files are kept: sealed where there are keys, else as they are."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from mappers.keyring import Keyring, UnopenableError, is_sealed
from mappers.sealed_files import CHUNK, SealedWriter, opened
from mappers.sealed_files import MARK as FILE_MARK
from mappers.sealed_reader import sealed_reader

_AS_IS, _DEFLATED = b"=", b"z"


class Writer(Protocol):
    """What a file's content is written to."""

    def write(self, plain: bytes, /) -> object: ...


@dataclass(frozen=True)
class AtRest:
    """Keeps and tells. What was kept before there were keys, or while sealing was off, is told all the same.

    `keyring`: None where there are no keys; `seals`: False to open what is sealed and seal nothing more.
    """

    keyring: Keyring | None = None
    seals: bool = True

    @property
    def sealing(self) -> Keyring | None:
        """What seals now; None where nothing is sealed."""
        return self.keyring if self.seals else None

    def kept(self, text: str, context: bytes) -> str:
        """What a column holds of the text, for this place only (`keyring.place`).

        A text that itself begins as a sealed one can't be kept as it is: ValueError where nothing is sealed.
        """
        if self.sealing is None:
            if is_sealed(text):
                raise ValueError("the text begins with the mark of sealed ones")
            return text
        plain = text.encode()
        small = zlib.compress(plain, 1)
        body = _DEFLATED + small if len(small) < len(plain) else _AS_IS + plain
        return self.sealing.seal(body, context)

    def told(self, stored: str, context: bytes) -> str:
        """The text that a column holds; raises UnopenableError."""
        if not is_sealed(stored):
            return stored
        body = self._keys().open(stored, context)
        return (zlib.decompress(body[1:]) if body[:1] == _DEFLATED else body[1:]).decode()

    def writing(self, file: BinaryIO, context: bytes) -> AbstractContextManager[Writer]:
        """What takes a file's content; the file is whole once it was left without an error."""
        return SealedWriter(file, self.sealing, context) if self.sealing else nullcontext(file)

    def reading(self, file: BinaryIO, context: bytes) -> Iterator[bytes]:
        """A file's content in chunks; raises UnopenableError where a sealed one was changed or cut off."""
        if _is_sealed_file(file):
            yield from opened(file, self._keys(), context)
        else:
            while chunk := file.read(CHUNK):
                yield chunk

    def seekable(self, file: BinaryIO, context: bytes) -> BinaryIO:
        """A file's content from its start, to be read from anywhere in it; closing it closes the file.

        Raises UnopenableError, also later on, wherever a sealed file was changed.
        """
        return sealed_reader(file, self._keys(), context) if _is_sealed_file(file) else file

    def _keys(self) -> Keyring:
        if self.keyring is None:
            raise UnopenableError("it is sealed, and there are no keys")
        return self.keyring


def _is_sealed_file(file: BinaryIO) -> bool:
    start = file.tell()
    sealed = file.read(len(FILE_MARK)) == FILE_MARK
    file.seek(start)
    return sealed
