"""Frames of a Part 10 file: as they are stored, and decoded. Each is found without touching the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import as_pixel_options
from pydicom.uid import ExplicitVRBigEndian

from dicomweb.wado import apart, jpeg_extended
from dicomweb.wado.codestream import declared
from dicomweb.wado.part10 import Part10, UnreadableError, UnsuitableError, broken
from dicomweb.wado.syntaxes import decodable

jpeg_extended.register()

#: bytes that one decoded frame may have, and samples of a pixel
FRAME_LIMIT, MOST_SAMPLES = 512 * 1024**2, 4
#: colours that a compression makes and undoes: what is decoded is RGB
_OF_COMPRESSION = ("YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT")
#: which of pydicom's plug-ins decodes; GDCM, which comes first else, may end the process (`apart`)
_PLUGINS = {
    "1.2.840.10008.1.2.4.50": "pillow",
    "1.2.840.10008.1.2.4.80": "pyjpegls",
    "1.2.840.10008.1.2.4.81": "pyjpegls",
    "1.2.840.10008.1.2.4.90": "pylibjpeg",
    "1.2.840.10008.1.2.4.91": "pylibjpeg",
}


class Shape(NamedTuple):
    """What one frame is; `bits` are those allocated to a sample."""

    rows: int
    columns: int
    samples: int
    bits: int
    photometric: str

    @property
    def frame_bits(self) -> int:
        """Bits of a native frame."""
        sampled = self.rows * self.columns * self.samples * self.bits
        return sampled * 2 // 3 if self.photometric == "YBR_FULL_422" else sampled

    @property
    def frame_bytes(self) -> int:
        """Bytes of a native frame by itself."""
        return (self.frame_bits + 7) // 8


def shape_of(opened: Part10) -> Shape:
    """Raises UnsuitableError where there are no pixels, UnreadableError for what they can't be."""
    if not opened.keyword:
        raise UnsuitableError("it has no pixel data")
    header = opened.header
    with broken("says of its pixels what can't be read"):
        rows, columns, bits = (int(header[name].value) for name in ("Rows", "Columns", "BitsAllocated"))
        samples = int(header.get("SamplesPerPixel") or 1)
        shape = Shape(rows, columns, samples, bits, str(header.get("PhotometricInterpretation", "")))
    if min(shape[:4]) < 1 or samples > MOST_SAMPLES or bits not in (1, 8, 16, 32, 64):
        raise UnreadableError(f"its frames would be {rows} × {columns} × {samples} of {bits} bits")
    if shape.frame_bytes > FRAME_LIMIT:
        raise UnreadableError(f"a frame of it would have {shape.frame_bytes} bytes, more than {FRAME_LIMIT}")
    return shape


def stored(opened: Part10, index: int) -> bytes:
    """A frame (from 0) as it is in the file: a compressed bit stream, or native bytes in little endian."""
    if opened.encapsulated:
        with broken("holds fragments that are no frames"):
            return _fragments(opened, index)
    shape = shape_of(opened)
    if opened.syntax == ExplicitVRBigEndian:
        return _laid_out(opened, index)
    if shape.bits == 1:
        return _bits(opened, shape, index)
    _held(opened, (index + 1) * shape.frame_bytes)
    return opened.at(opened.pixels_at + index * shape.frame_bytes, shape.frame_bytes)


def _held(opened: Part10, length: int) -> None:
    if length > opened.pixels_length:
        raise UnreadableError(f"its pixel data has {opened.pixels_length} bytes where {length} are needed")


def _bits(opened: Part10, shape: Shape, index: int) -> bytes:
    """A frame of single bits, which may begin within a byte; it begins one here."""
    first, shift = divmod(index * shape.frame_bits, 8)
    length = (shift + shape.frame_bits + 7) // 8
    _held(opened, first + length)
    packed = np.frombuffer(opened.at(opened.pixels_at + first, length), np.uint8)
    if not shift and not shape.frame_bits % 8:
        return packed.tobytes()
    bits = np.unpackbits(packed, bitorder="little")[shift : shift + shape.frame_bits]
    return np.packbits(bits, bitorder="little").tobytes()


def _fragments(opened: Part10, index: int) -> bytes:
    header, offsets = opened.header, None
    if "ExtendedOffsetTable" in header and "ExtendedOffsetTableLengths" in header:
        offsets = (header.ExtendedOffsetTable, header.ExtendedOffsetTableLengths)
    with opened.lock:
        opened.file.seek(opened.pixels_at)
        found = get_frame(
            cast(Any, opened.file), index, extended_offsets=offsets, number_of_frames=opened.frames
        )
    if not found:
        raise UnreadableError(f"its frame {index + 1} is empty")
    return bytes(found)


def decoded(opened: Part10, index: int, *, as_rgb: bool = False) -> tuple[np.ndarray[Any, Any], str]:
    """A frame as an array (rows, columns, and samples if several) in little endian, and its colours' name.

    Colours that a compression made are undone to RGB; others are left, unless RGB is asked for.
    """
    shape = shape_of(opened)
    if not decodable(str(opened.syntax)):
        raise UnsuitableError(f"its transfer syntax {opened.syntax} can't be decoded here")
    if opened.encapsulated:
        _refuse_bomb(stored(opened, index), shape)
    elif opened.syntax != ExplicitVRBigEndian:
        _held(opened, ((index + 1) * shape.frame_bits + 7) // 8)
    raw = not as_rgb and not (opened.encapsulated and shape.photometric in _OF_COMPRESSION)
    with broken("holds pixels that can't be decoded"):
        array, told = _array(opened, index, raw=raw)
    return array.astype(array.dtype.newbyteorder("<"), copy=False), str(told["photometric_interpretation"])


def _refuse_bomb(frame: bytes, shape: Shape) -> None:
    pixels, samples = declared(frame)
    if pixels > shape.rows * shape.columns:
        raise UnreadableError(f"a frame of {shape.rows} × {shape.columns} holds {pixels} pixels")
    if samples > MOST_SAMPLES:
        raise UnreadableError(f"a frame of it holds pixels of {samples} samples each")


def _array(opened: Part10, index: int, *, raw: bool) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
    options = as_pixel_options(opened.header, pixel_keyword=opened.keyword, pixel_vr=opened.vr)
    options.setdefault("photometric_interpretation", "MONOCHROME2")
    if int(options.get("samples_per_pixel") or 1) > 1:
        options.setdefault("planar_configuration", 0)
    if opened.syntax in apart.SYNTAXES:
        frame = stored(opened, index)
        single = {k: v for k, v in options.items() if k != "extended_offsets"} | {"number_of_frames": 1}
        return apart.decode(frame, str(opened.syntax), single, raw=raw)
    decoder = get_decoder(opened.syntax)
    options["decoding_plugin"] = _PLUGINS.get(str(opened.syntax), "")
    with opened.lock, _positioned(opened) as source:
        return decoder.as_array(source, index=index, raw=raw, **options)


@contextmanager
def _positioned(opened: Part10) -> Iterator[BinaryIO]:
    opened.file.seek(opened.pixels_at)
    yield opened.file


def plain(opened: Part10, index: int) -> bytes:
    """A frame uncompressed in little endian, laid out as the header says (PlanarConfiguration)."""
    return _laid_out(opened, index) if opened.encapsulated else stored(opened, index)


def _laid_out(opened: Part10, index: int) -> bytes:
    array, _ = decoded(opened, index)
    if array.ndim == 3 and int(opened.header.get("PlanarConfiguration") or 0) == 1:
        array = array.transpose(2, 0, 1)
    return array.tobytes()
