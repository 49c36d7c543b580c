"""How large an image a compressed frame says it holds: asked before any decoder makes room for it."""

from __future__ import annotations

from struct import unpack_from
from typing import NamedTuple

#: JPEG's and JPEG-LS's markers of a frame header: SOF0 to SOF15 but for DHT, JPG and DAC, and SOF55
_FRAME_HEADERS = (set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}) | {0xF7}
#: markers without a length: TEM, RST0 to RST7, SOI
_BARE = {0x01, *range(0xD0, 0xD9)}
_SIZ = b"\xff\x4f\xff\x51"
#: bytes of SIZ as far as it tells of all components together
_SIZ_LENGTH = 42


class Declared(NamedTuple):
    """Width times height, and samples of each pixel."""

    pixels: int
    samples: int


NOTHING = Declared(0, 0)


def declared(frame: bytes) -> Declared:
    """What a codestream of the JPEG family declares; `NOTHING` where none is found."""
    if frame[:2] == b"\xff\xd8":
        return _of_jpeg(frame)
    start = _start_of_jpeg_2000(frame)
    return _of_jpeg_2000(frame, start) if frame[start : start + 4] == _SIZ else NOTHING


def _start_of_jpeg_2000(frame: bytes) -> int:
    """Where its codestream begins: at once, or in a box of a JP2 file, however long the ones before are.

    https://www.itu.int/rec/T-REC-T.800 (I.4)
    """
    if frame[4:8] != b"jP  ":
        return 0
    at = 0
    while at + 16 <= len(frame):
        length, kind = unpack_from(">I4s", frame, at)
        head = 16 if length == 1 else 8
        if kind == b"jp2c":
            return at + head
        at += max(unpack_from(">Q", frame, at + 8)[0] if length == 1 else length, head)
    return 0


def _of_jpeg_2000(frame: bytes, start: int) -> Declared:
    if len(frame) < start + _SIZ_LENGTH:
        return NOTHING
    right, lower, left, upper = unpack_from(">4I", frame, start + 8)
    (samples,) = unpack_from(">H", frame, start + 40)
    return Declared(max(right - left, 0) * max(lower - upper, 0), samples)


def _of_jpeg(frame: bytes) -> Declared:
    at, end = 2, len(frame) - 9
    while at < end:
        marker = frame[at + 1] if frame[at] == 0xFF else 0
        if marker in _FRAME_HEADERS:
            height, width, samples = unpack_from(">2HB", frame, at + 5)
            return Declared(height * width, samples)
        at += _skipped(frame, at, marker)
    return NOTHING


def _skipped(frame: bytes, at: int, marker: int) -> int:
    """How far the next marker is; what is none is passed over, as decoders do."""
    if marker in (0, 0xFF):
        return 1
    if marker in _BARE:
        return 2
    return 2 + max(int(unpack_from(">H", frame, at + 2)[0]), 2)
