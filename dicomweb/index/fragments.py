"""Encapsulated pixels, followed to their end: each fragment says how long it is.

https://dicom.nema.org/medical/dicom/current/output/html/part05.html#sect_A.4
"""

from __future__ import annotations

from struct import unpack
from typing import BinaryIO

_ITEM, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"


def are_whole(file: BinaryIO, start: int, size: int, frames: int) -> bool:
    """Whether a file of that size has all fragments up to what ends them.

    Some writers leave that out: then there has to be a fragment for each frame.
    """
    at, fragments = start, -1  # the first item is the table of their offsets
    while at < size:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or head[:4] != _ITEM:
            return len(head) == 8 and head[:4] == _DELIMITER
        at += 8 + int(unpack("<I", head[4:])[0])
        fragments += 1
    return at == size and fragments >= frames
