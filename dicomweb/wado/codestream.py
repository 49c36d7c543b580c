"""How large an image a compressed frame says it holds: asked before any decoder makes room for it."""

from __future__ import annotations

from struct import unpack_from

#: JPEG's and JPEG-LS's markers of a frame header: SOF0 to SOF15 but for DHT, JPG and DAC, and SOF55
_FRAME_HEADERS = (set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}) | {0xF7}
#: markers without a length: TEM, RST0 to RST7, SOI
_BARE = {0x01, *range(0xD0, 0xD9)}
_SIZ = b"\xff\x4f\xff\x51"


def pixels_of(frame: bytes) -> int:
    """Width times height that a codestream of the JPEG family declares; 0 where none is found."""
    start = frame.find(_SIZ, 0, 4096)
    if start >= 0:
        return _of_jpeg_2000(frame, start)
    return _of_jpeg(frame) if frame[:2] == b"\xff\xd8" else 0


def _of_jpeg_2000(frame: bytes, start: int) -> int:
    if len(frame) < start + 24:
        return 0
    right, lower, left, upper = unpack_from(">4I", frame, start + 8)
    return int(max(right - left, 0) * max(lower - upper, 0))


def _of_jpeg(frame: bytes) -> int:
    at, end = 2, len(frame) - 9
    while at < end:
        if frame[at] != 0xFF:
            return 0
        marker = frame[at + 1]
        if marker in _FRAME_HEADERS:
            height, width = unpack_from(">2H", frame, at + 5)
            return int(height * width)
        at += _skipped(frame, at, marker)
    return 0


def _skipped(frame: bytes, at: int, marker: int) -> int:
    """How far the next marker is."""
    if marker == 0xFF:
        return 1
    if marker in _BARE:
        return 2
    return 2 + max(int(unpack_from(">H", frame, at + 2)[0]), 2)
