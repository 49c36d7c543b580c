"""A Part 10 file in another transfer syntax, piece by piece: one frame is in memory at a time.

What was lossless stays so to the last bit; what was compressed with loss says so of itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import pack
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import itemize_frame
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.pixels.encoders.base import get_encoder
from pydicom.pixels.utils import as_pixel_options
from pydicom.uid import UID, RLELossless

from dicomweb.wado.part10 import PIECE, PIXELS, UNDEFINED, Part10, UnreadableError, UnsuitableError, broken
from dicomweb.wado.pixels import decoded, plain, shape_of, stored
from dicomweb.wado.syntaxes import LOSSLESS, NATIVE, convertible

_TAGS = {keyword: tag for tag, keyword in PIXELS.items()}
_ITEM = b"\xfe\xff\x00\xe0\x00\x00\x00\x00"
_DELIMITER = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
#: the length of pixels that fits into their element
_LONGEST = 0xFFFFFFFE


def pieces(opened: Part10) -> Iterator[bytes]:
    """The file's own bytes."""
    at = 0
    while at < opened.size:
        piece = opened.at(at, min(PIECE, opened.size - at))
        yield piece
        at += len(piece)


def transcoded(opened: Part10, wanted: str) -> Iterator[bytes]:
    """The file in another transfer syntax; raises UnsuitableError for what can't be had so.

    Its first piece is made when asked for: with it comes whatever is wrong with the first frame.
    """
    if not convertible(str(opened.syntax), wanted) and opened.keyword:
        raise UnsuitableError(f"it is stored as {opened.syntax}, which isn't converted to {wanted}")
    made = _Made(opened, UID(wanted))
    with broken("can't be converted"):
        yield made.head()
        if opened.keyword:
            yield from made.pixels()
            yield made.tail()


class _Made:
    """A file that is being made of another."""

    def __init__(self, opened: Part10, wanted: UID) -> None:
        self.opened, self.wanted = opened, wanted
        self.native = str(wanted) in NATIVE
        #: pixels that stay as they are: native ones that aren't big endian
        self.copied = self.native and not opened.encapsulated and opened.syntax.is_little_endian

    def head(self) -> bytes:
        """Preamble, meta information, and the data set up to the pixel data."""
        out = DicomBytesIO()
        out.write(bytes(128) + b"DICM")
        meta = FileMetaDataset()
        meta.update(self.opened.meta)
        meta.TransferSyntaxUID = self.wanted
        write_file_meta_info(out, meta, enforce_standard=False)
        return bytes(out.getvalue()) + self._encoded(self._header())

    def _header(self) -> Dataset:
        """The header, with what the conversion changes."""
        original = self.opened.header
        header = Dataset({tag: original.get_item(tag) for tag in original.keys()})  # noqa: SIM118 -- no dict
        implicit, little = original.original_encoding
        header.set_original_encoding(implicit, little, original.original_character_set)
        if not self.opened.keyword:
            return header
        if self.opened.encapsulated:
            self._decompressed(header)
        if not self.native and shape_of(self.opened).samples > 1:
            header.PlanarConfiguration = 0
        return header

    def _decompressed(self, header: Dataset) -> None:
        for table in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
            header.pop(table, None)
        header.PhotometricInterpretation = decoded(self.opened, 0)[1]
        if str(self.opened.syntax) not in LOSSLESS:
            header.LossyImageCompression = "01"

    def _encoded(self, dataset: Dataset) -> bytes:
        out = DicomBytesIO()
        out.is_implicit_VR, out.is_little_endian = self.wanted.is_implicit_VR, True
        write_dataset(out, dataset)
        return bytes(out.getvalue())

    def pixels(self) -> Iterator[bytes]:
        """The pixel data's element."""
        if not self.native:
            yield self._element(UNDEFINED) + _ITEM
            for index in range(self.opened.frames):
                yield b"".join(itemize_frame(self._compressed(index)))
            yield _DELIMITER
        elif self.copied:
            yield self._element(self.opened.pixels_length)
            yield from self._copied()
        else:
            yield from self._plain()

    def _element(self, length: int) -> bytes:
        tag = _TAGS[self.opened.keyword]
        if self.wanted.is_implicit_VR:
            return pack("<HHI", tag >> 16, tag & 0xFFFF, length)
        return pack("<HH2sHI", tag >> 16, tag & 0xFFFF, self._vr().encode(), 0, length)

    def _vr(self) -> str:
        if self.opened.keyword != "PixelData":
            return {"FloatPixelData": "OF", "DoubleFloatPixelData": "OD"}[self.opened.keyword]
        if not self.native:
            return "OB"
        return "OW" if shape_of(self.opened).bits > 8 or not self.opened.encapsulated else "OB"

    def _copied(self) -> Iterator[bytes]:
        at, end = self.opened.pixels_at, self.opened.pixels_at + self.opened.pixels_length
        while at < end:
            piece = self.opened.at(at, min(PIECE, end - at))
            yield piece
            at += len(piece)

    def _plain(self) -> Iterator[bytes]:
        """Frame after frame, uncompressed."""
        first = plain(self.opened, 0)
        length = len(first) * self.opened.frames
        if length > _LONGEST:
            raise UnsuitableError("uncompressed, its pixels don't fit into one element")
        yield self._element(length + length % 2) + first
        for index in range(1, self.opened.frames):
            yield plain(self.opened, index)
        yield b"\0" * (length % 2)

    def _compressed(self, index: int) -> bytes:
        if self.opened.syntax == self.wanted:
            return stored(self.opened, index)
        array, photometric = decoded(self.opened, index)
        options: dict[str, Any] = as_pixel_options(self.opened.header)
        options |= {"number_of_frames": 1, "photometric_interpretation": photometric}
        if array.ndim == 3:
            options["planar_configuration"] = 0
        options.pop("extended_offsets", None)
        # pydicom's own RLE: GDCM's ends the process over odd numbers of bytes.
        options["encoding_plugin"] = "pydicom" if self.wanted == RLELossless else ""
        try:
            return bytes(get_encoder(self.wanted).encode(array, **options))
        except (ValueError, RuntimeError) as fault:
            raise UnsuitableError(f"it can't be compressed as {self.wanted}: {fault}") from None

    def tail(self) -> bytes:
        """What stands behind the pixel data."""
        end = _end_of_pixels(self.opened)
        if end >= self.opened.size:
            return b""
        implicit, little = self.opened.header.original_encoding
        with self.opened.lock:
            self.opened.file.seek(end)
            behind = read_dataset(self.opened.file, bool(implicit), bool(little))
        return self._encoded(behind)


def _end_of_pixels(opened: Part10) -> int:
    """Where the pixel data's element ends."""
    if not opened.encapsulated:
        return opened.pixels_at + opened.pixels_length
    at = opened.pixels_at
    while True:
        item = opened.at(at, 8)
        tag, length = item[:4], int.from_bytes(item[4:], "little")
        if tag == _DELIMITER[:4]:
            return at + 8
        if tag != _ITEM[:4]:
            raise UnreadableError("its fragments don't end where they should")
        at += 8 + length
