"""Part 10 files as far as their pixels, read without trust in any length, depth or ratio that they state.

https://dicom.nema.org/medical/dicom/current/output/html/part10.html#chapter_7
"""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

from pydicom import config
from pydicom.charset import convert_encodings, default_encoding
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset, read_sequence
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from dicomweb.index.bounded import Bounded, Inflated, NotDicomError

#: values of more bytes are left in the file until somebody asks for them
LARGE = 1024
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
CHARACTER_SET, FRAMES = 0x00080005, 0x00280008
#: transfer syntaxes whose data set is deflated as a whole: Deflated Explicit VR, JPIP Referenced Deflate
DEFLATED = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"})

# pydicom's warnings repeat values: no clinical data in logs. What is broken is still read as far as it goes.
warnings.filterwarnings("ignore", module=r"pydicom\.")
logging.getLogger("pydicom").setLevel(logging.CRITICAL)
config.settings.reading_validation_mode = config.IGNORE

Raw = RawDataElement | DataElement


@dataclass(frozen=True)
class Pixels:
    """Under which tag the pixels stand, and where they begin; `length` None: encapsulated."""

    tag: int
    start: int
    vr: str
    length: int | None


@dataclass(frozen=True)
class Header:
    """What stands before the pixels. `whole`: nothing of a stated length is missing at the end."""

    file: Bounded
    transfer_syntax: str
    elements: Sequence[Raw]
    encodings: Sequence[str]
    pixels: Pixels | None
    whole: bool

    def value(self, raw: RawDataElement) -> bytes:
        """A value that was left in the file."""
        self.file.seek(raw.value_tell)
        return self.file.read(raw.length)

    def items(self, raw: RawDataElement, value: bytes) -> Sequence[Dataset]:
        """The items of a sequence that was read as a value."""
        within = Bounded(io.BytesIO(value), len(value), elements=self.file.elements)
        little = raw.is_little_endian
        return read_sequence(within, raw.is_implicit_VR, little, len(value), [default_encoding])  # type: ignore[arg-type]


def header_of(file: BinaryIO) -> Header:
    """The header of a file, read from its start; raises NotDicomError."""
    try:
        return _header(file)
    except NotDicomError:
        raise
    except Exception as error:  # whatever a parser says of bytes that anybody may send
        raise damaged(error) from None


def damaged(error: Exception) -> NotDicomError:
    """What a parser's error says of a file. pydicom tells of too deep a nesting by an error of its own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, RecursionError):
            return NotDicomError("its sequences are nested too deep")
        cause = cause.__cause__ or cause.__context__
    return NotDicomError(f"its data set is damaged ({type(error).__name__})")


def _header(file: BinaryIO) -> Header:
    file.seek(0)
    if file.read(132)[128:] != b"DICM":
        raise NotDicomError("it has no preamble with DICM: it is no DICOM Part 10 file")
    bounded = Bounded(file, _size(file))
    syntax = _transfer_syntax(bounded)
    source = Inflated(file) if syntax in DEFLATED else bounded
    pixels: list[Pixels] = []

    def at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
        if tag in PIXELS:
            stated = None if length == 0xFFFFFFFF else length
            pixels.append(Pixels(int(tag), source.tell(), vr or "OW", stated))
        return tag in PIXELS

    found = read_dataset(
        source,  # type: ignore[arg-type]
        syntax == ImplicitVRLittleEndian,
        syntax != ExplicitVRBigEndian,
        stop_when=at_pixels,
        defer_size=LARGE,
    )
    elements = elements_of(found)
    missing = any(isinstance(e, RawDataElement) and _beyond(e, source) for e in elements)
    cut_off = missing or source.short or (pixels and _cut_off(pixels[0], source, elements))
    return Header(
        source, syntax, elements, encodings_of(elements), pixels[0] if pixels else None, not cut_off
    )


def _size(file: BinaryIO) -> int:
    here = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(here)
    return size


def _transfer_syntax(file: Bounded) -> str:
    meta = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2)  # type: ignore[arg-type]
    named = {int(e.tag): e.value for e in elements_of(meta)}.get(0x00020010)
    syntax = named.decode("ascii", "replace").strip("\0 ") if isinstance(named, bytes) else ""
    if not syntax:
        raise NotDicomError("its meta information names no transfer syntax")
    return syntax


def elements_of(dataset: Dataset) -> list[Raw]:
    """A data set's elements as they were read, in order of their tags."""
    found = [dataset.get_item(tag, keep_deferred=True) for tag in sorted(dataset.keys())]
    return cast(list[Raw], found)


def encodings_of(elements: Sequence[Raw], parent: Sequence[str] = (default_encoding,)) -> Sequence[str]:
    """The Python encodings of a data set's texts: its own Specific Character Set, else its parent's."""
    for element in elements:
        if element.tag == CHARACTER_SET and isinstance(element.value, bytes):
            names = element.value.decode("ascii", "replace").split("\\")
            return convert_encodings([name.strip("\0 ") for name in names])
    return parent


def _beyond(raw: RawDataElement, file: Bounded) -> bool:
    """Whether a value's end is missing."""
    return raw.length != 0xFFFFFFFF and file.lacks(raw.value_tell + raw.length)


def _cut_off(pixels: Pixels, file: Bounded, elements: Sequence[Raw]) -> bool:
    """Whether pixels end before their stated length, or within their fragments."""
    if pixels.length is not None:
        return file.lacks(pixels.start + pixels.length)
    frames = next((e.value for e in elements if e.tag == FRAMES and isinstance(e.value, bytes)), b"").strip(
        b" \0"
    )
    return not file.has_fragments(pixels.start, int(frames) if frames.isdigit() else 1)
