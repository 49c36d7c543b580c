"""A Part 10 file, opened: its data set up to the pixel data, and where the pixel data is.

Pixel data is never read here: it may be gigabytes. https://dicom.nema.org/medical/dicom/current/output/html/part10.html
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset, read_preamble
from pydicom.tag import BaseTag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from mappers.keyring import UnopenableError

#: elements that are pixel data, by their tags
PIXELS = {0x7FE00010: "PixelData", 0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData"}
UNDEFINED = 0xFFFFFFFF
IN_MEMORY = 4 * 1024 * 1024
#: bytes that a deflated data set may have
INFLATED_LIMIT = 1024**3
PIECE = 256 * 1024


class UnreadableError(Exception):
    """A file that isn't what it says it is; its text says what is wrong."""


class UnsuitableError(Exception):
    """What is asked for can't be made of this object, though nothing is wrong with it."""


@dataclass(eq=False)
class Part10:
    """An opened file. `header`: its data set before the pixel data; `pixels_at`, `pixels_length`: their value
    (`UNDEFINED`: encapsulated). `keyword` is empty where there are none. Reads hold `lock`.
    """

    file: BinaryIO
    meta: Dataset
    header: Dataset
    syntax: UID
    size: int
    keyword: str = ""
    vr: str = "OW"
    pixels_at: int = 0
    pixels_length: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def encapsulated(self) -> bool:
        """Whether the pixel data is in fragments."""
        return bool(self.keyword) and self.pixels_length == UNDEFINED

    @property
    def frames(self) -> int:
        """How many frames it says it has; none without pixel data."""
        if not self.keyword:
            return 0
        try:
            return max(int(self.header.get("NumberOfFrames") or 1), 1)
        except (TypeError, ValueError):
            raise UnreadableError("its NumberOfFrames is no number") from None

    def at(self, position: int, length: int) -> bytes:
        """Bytes of the file; raises UnreadableError where it ends too early."""
        with self.lock:
            self.file.seek(position)
            found = self.file.read(length)
        if len(found) < length:
            raise UnreadableError(f"it ends {length - len(found)} bytes before its data does")
        return found

    def close(self) -> None:
        """Gives the file back."""
        with self.lock:
            self.file.close()

    def __del__(self) -> None:
        self.file.close()


def opened(file: BinaryIO) -> Part10:
    """Reads the header; raises UnreadableError for what is no Part 10 file, UnopenableError for damage.

    It closes the file in the end.
    """
    try:
        return _opened(file)
    except (UnreadableError, UnopenableError):
        file.close()
        raise


def _opened(file: BinaryIO) -> Part10:
    with broken("is no DICOM file that can be read"):
        file.seek(0)
        read_preamble(file, force=False)
        meta = read_dataset(file, False, True, stop_when=_behind_meta)
        syntax = UID(str(meta.get("TransferSyntaxUID", "")))
        if syntax == DeflatedExplicitVRLittleEndian:
            file, syntax = _inflated(file), ExplicitVRLittleEndian
        return _with_header(file, meta, syntax)


def _with_header(file: BinaryIO, meta: Dataset, syntax: UID) -> Part10:
    size = _size(file)
    stops = _Stop()
    header = read_dataset(file, syntax.is_implicit_VR, syntax.is_little_endian, stop_when=stops)
    found = Part10(file, meta, header, syntax, size)
    if stops.tag in PIXELS:
        implicit, _ = header.original_encoding
        found.keyword, found.vr = PIXELS[stops.tag], stops.vr or "OW"
        found.pixels_at = file.tell() + (8 if implicit else 12)
        found.pixels_length = stops.length
    return found


def _behind_meta(tag: BaseTag, vr: str | None, length: int) -> bool:
    return tag.group != 2


class _Stop:
    """Stops reading at pixel data, and keeps what stood there."""

    tag, vr, length = 0, "", 0

    def __call__(self, tag: BaseTag, vr: str | None, length: int) -> bool:
        if tag not in PIXELS:
            return False
        self.tag, self.vr, self.length = int(tag), vr or "", length
        return True


def _size(file: BinaryIO) -> int:
    here = file.tell()
    size = file.seek(0, 2)
    file.seek(here)
    return size


def _inflated(file: BinaryIO) -> BinaryIO:
    """A data set inflated, on disk if it is large; raises UnreadableError for one that never ends."""
    whole = cast(BinaryIO, SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115 -- its owner closes it
    for piece in _inflating(iter(lambda: file.read(PIECE), b"")):
        if whole.tell() + len(piece) > INFLATED_LIMIT:
            whole.close()
            raise UnreadableError(f"it inflates to more than {INFLATED_LIMIT} bytes")
        whole.write(piece)
    file.close()
    whole.seek(0)
    return whole


def _inflating(pieces: Iterator[bytes]) -> Iterator[bytes]:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    for piece in pieces:
        while piece and not inflate.eof:
            yield inflate.decompress(piece, PIECE)
            piece = inflate.unconsumed_tail
    yield inflate.flush()


@contextmanager
def broken(what: str) -> Iterator[None]:
    """Whatever a parser or decoder stumbles over is the file's fault: UnreadableError, with its text.

    What can't be opened at all is told by what it is kept in: UnopenableError.
    """
    try:
        yield
    except (UnreadableError, UnsuitableError, UnopenableError):
        raise
    except Exception as fault:
        raise UnreadableError(f"it {what}: {str(fault) or type(fault).__name__}") from fault
