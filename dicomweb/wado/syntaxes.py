"""Transfer syntaxes: what kind of pixel data each is, its media type, and what can be made of what.

https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.7.3
"""

from __future__ import annotations

from functools import cache

from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

EXPLICIT = str(ExplicitVRLittleEndian)
NATIVE = {
    str(u)
    for u in (
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    )
}
#: what whole instances can be made into, if they aren't stored so; big endian is retired
MADE = {
    EXPLICIT,
    str(ImplicitVRLittleEndian),
    str(RLELossless),
    str(JPEGLSLossless),
    str(JPEG2000Lossless),
}
#: what every compression here takes: the bits allocated to a sample, and how small the shorter side may be
COMPRESSED_BITS, SHORTEST = (8, 16), {str(JPEG2000Lossless): 32}
_JPEG = "1.2.840.10008.1.2.4."
LOSSLESS = NATIVE | {str(RLELossless)} | {_JPEG + n for n in ("57", "70", "80", "90", "92", "201", "202")}
OCTETS = "application/octet-stream"
#: the syntaxes of each media type of pixel data, the default first
MEDIA = {
    "image/jpeg": tuple(_JPEG + n for n in ("70", "50", "51", "57")),
    "image/jls": tuple(_JPEG + n for n in ("80", "81")),
    "image/jp2": tuple(_JPEG + n for n in ("90", "91")),
    "image/jpx": tuple(_JPEG + n for n in ("92", "93")),
    "image/jphc": tuple(_JPEG + n for n in ("201", "202", "203")),
    "image/dicom-rle": (str(RLELossless),),
    "video/mpeg": tuple(_JPEG + n for n in ("100", "101")),
    "video/mp4": tuple(_JPEG + n for n in ("102", "103", "104", "105", "106", "107", "108")),
}
_OF_SYNTAX = {syntax: media for media, all_of_it in MEDIA.items() for syntax in all_of_it}


def media_of(syntax: str) -> str:
    """The media type of one frame as it is stored."""
    return _OF_SYNTAX.get(syntax, OCTETS)


def is_native(syntax: str) -> bool:
    """Whether pixels aren't compressed."""
    return syntax in NATIVE


@cache
def decodable(syntax: str) -> bool:
    """Whether frames of a syntax can be decoded here."""
    try:
        return syntax in NATIVE or get_decoder(UID(syntax)).is_available
    except NotImplementedError:
        return False


@cache
def _encodable(syntax: str) -> bool:
    try:
        return syntax in MADE and (syntax in NATIVE or get_encoder(UID(syntax)).is_available)
    except NotImplementedError:
        return False


def convertible(stored: str, wanted: str) -> bool:
    """Whether an instance can be had in another syntax.

    What was compressed with loss can be had decoded (it says so of itself), never as if it were lossless.
    """
    if stored == wanted:
        return True
    lossy_to_lossless = stored not in LOSSLESS and wanted not in NATIVE
    return not lossy_to_lossless and decodable(stored) and _encodable(wanted)
