"""Files that anybody may have sent, read only so far, whatever length, depth or ratio they state."""

from __future__ import annotations

import io
import zlib
from typing import BinaryIO

from dicomweb.index.fragments import are_whole

#: bytes that are read of what stands before the pixels; large values are skipped, not read
HEADER_LIMIT = 64 * 1024 * 1024
#: elements and items that a header may have, also within sequences: each takes room, however few bytes it has
MOST_ELEMENTS = 2_000_000
#: bytes that every element and item begins with
_HEAD = 8


class NotDicomError(ValueError):
    """A file that can't be read as a DICOM instance; the text says why, and nothing of its content."""


class Elements:
    """Counts elements and items as they are read."""

    def __init__(self) -> None:
        self._left = MOST_ELEMENTS

    def read(self, size: int) -> None:
        """Bytes are about to be read; raises NotDicomError where an element too many begins with them."""
        self._left -= size == _HEAD
        if self._left < 0:
            raise NotDicomError("it has too many elements")


class Bounded:
    """A file of which only so much may be read; a length beyond its end costs no memory."""

    def __init__(
        self, file: BinaryIO, size: int, limit: int = HEADER_LIMIT, elements: Elements | None = None
    ) -> None:
        self._file, self._size, self._left = file, size, limit
        self.elements = elements or Elements()
        #: whether a read found some of what it asked for, and then the end
        self.short = False

    def read(self, size: int) -> bytes:
        """At most `size` bytes; raises NotDicomError where all that is read would be too much."""
        self.elements.read(size)
        asked, size = size, max(0, min(size, self._size - self._file.tell()))
        self._left -= size
        if self._left < 0:
            raise NotDicomError("its header is too large")
        found = self._file.read(size)
        self.short |= 0 < len(found) < asked
        return found

    def seek(self, position: int) -> int:
        """Goes to a position from the start."""
        return self._file.seek(position)

    def tell(self) -> int:
        """Where it stands."""
        return self._file.tell()

    def lacks(self, end: int) -> bool:
        """Whether it ends before that position."""
        return end > self._size

    def has_fragments(self, start: int, frames: int) -> bool:
        """Whether all fragments of these frames are there."""
        return are_whole(self._file, start, self._size, frames)


class Inflated(Bounded):
    """The deflated rest of a file, inflated as far as it is read: a bomb's pixels stay closed."""

    def __init__(self, file: BinaryIO, limit: int = HEADER_LIMIT) -> None:
        super().__init__(file, 0, limit)
        self._plain, self._at = bytearray(), 0
        self._inflating = zlib.decompressobj(-zlib.MAX_WBITS)

    def read(self, size: int) -> bytes:
        """At most `size` bytes."""
        self.elements.read(size)
        found = bytes(self._until(self._at + size)[self._at : self._at + size])
        self._at += len(found)
        self.short |= 0 < len(found) < size
        return found

    def _until(self, end: int) -> bytearray:
        while len(self._plain) < end and not self._inflating.eof:
            deflated = self._inflating.unconsumed_tail or self._file.read(io.DEFAULT_BUFFER_SIZE)
            inflated = self._inflating.decompress(deflated, 64 * 1024)
            if not deflated and not inflated:  # what has gone in may come out later than its last byte
                break
            self._plain += inflated
            if len(self._plain) > self._left:
                raise NotDicomError("its header is too large")
        return self._plain

    def seek(self, position: int) -> int:
        """Goes to a position; what lies before it is inflated when it is read."""
        self._at = position
        return position

    def tell(self) -> int:
        """Where it stands."""
        return self._at

    def lacks(self, end: int) -> bool:
        """Whether it is known to end before: what isn't inflated isn't known."""
        return self._inflating.eof and end > len(self._plain)

    def has_fragments(self, start: int, frames: int) -> bool:
        """They are not looked for: what is deflated has none."""
        return True
