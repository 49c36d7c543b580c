"""DICOM JSON of a data set: https://dicom.nema.org/medical/dicom/current/output/html/part18.html#chapter_F

Broken values are told as far as they can be: a number that is none as its text, a date as it stands.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from struct import Struct
from typing import Any

from pydicom.charset import decode_bytes
from pydicom.datadict import dictionary_VR, private_dictionary_VR
from pydicom.dataelem import RawDataElement

from dicomweb.index.bounded import NotDicomError
from dicomweb.index.part10 import CHARACTER_SET, LARGE, PIXELS, Header, Raw, elements_of, encodings_of

Json = dict[str, Any]

#: sequences within sequences; real ones have no ten
DEPTH = 50
#: what `BulkDataURI` begins with: relative to the instance, as its `/metadata` is
BULK_DATA = "bulkdata/"
NUMBERS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "SV": "q", "UV": "Q"}
#: binary VRs by the size of their words
BINARY = {"OB": 1, "UN": 1, "OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
PLAIN = frozenset({"AE", "AS", "CS", "DA", "DT", "TM", "UI", "DS", "IS"})
SINGLE = frozenset({"LT", "ST", "UT", "UR"})
DELIMITERS = {0x09, 0x0A, 0x0C, 0x0D, 0x5C}
#: a name's parts may be of different character sets
NAME_DELIMITERS = {*DELIMITERS, 0x5E, 0x3D}
GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
#: what implicit VR leaves open
AMBIGUOUS = {"OB or OW": "OW", "US or OW": "OW", "US or SS or OW": "OW", "US or SS": "US"}
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class _Scope:
    """The data set that an element stands in."""

    path: str
    depth: int
    encodings: Sequence[str]
    creators: Mapping[int, str]
    signed: bool


def dataset_of(header: Header) -> Json:
    """All attributes before the pixels and a reference to those, by tag in rising order."""
    told = _Telling(header).dataset(header.elements, "", 0, header.encodings)
    if header.pixels is not None:
        tag = f"{header.pixels.tag:08X}"
        told[tag] = {"vr": header.pixels.vr, "BulkDataURI": BULK_DATA + tag}
    return told


class _Telling:
    """One file's data sets as JSON."""

    def __init__(self, header: Header) -> None:
        self._header = header

    def dataset(self, elements: Iterable[Raw], path: str, depth: int, encodings: Sequence[str]) -> Json:
        if depth > DEPTH:
            raise NotDicomError("its sequences are nested too deep")
        known = sorted((e for e in elements if _is_told(e.tag)), key=lambda e: e.tag)
        scope = _Scope(path, depth, encodings, _creators(known), _is_signed(known))
        return {f"{int(e.tag):08X}": self._element(e, scope) for e in known}

    def _element(self, element: Raw, scope: _Scope) -> Json:
        path = f"{scope.path}{int(element.tag):08X}"
        if not isinstance(element, RawDataElement):  # a sequence of undefined length is read already
            return self._sequence(element.value, path, scope)
        vr, element = _vr(element, scope)
        if vr in BINARY:
            return _binary(element, vr, path)
        value = element.value if element.value is not None or not element.length else self._left(element)
        if vr == "SQ":
            return self._sequence(self._header.items(element, value or b""), path, scope)
        if element.tag == CHARACTER_SET:
            return {"vr": vr, "Value": ["ISO_IR 192"]}
        return _with_values(vr, _values(vr, value or b"", element.is_little_endian, scope.encodings))

    def _left(self, raw: RawDataElement) -> bytes:
        return self._header.value(raw)

    def _sequence(self, items: Iterable[Any], path: str, scope: _Scope) -> Json:
        told = []
        for number, item in enumerate(items, 1):
            elements = elements_of(item)
            encodings = encodings_of(elements, scope.encodings)
            told.append(self.dataset(elements, f"{path}/{number}/", scope.depth + 1, encodings))
        return {"vr": "SQ", "Value": told} if told else {"vr": "SQ"}


def _is_told(tag: int) -> bool:
    """Neither group lengths, nor what belongs to the file or to padding."""
    return bool(tag & 0xFFFF) and 0x00080000 <= tag < 0xFFFC0000


def _creators(elements: Iterable[Raw]) -> dict[int, str]:
    """Who reserved which private blocks."""
    return {
        int(e.tag): e.value.decode("latin-1").strip("\0 ")
        for e in elements
        if e.tag >> 16 & 1 and 0x10 <= e.tag & 0xFFFF <= 0xFF and isinstance(e.value, bytes)
    }


def _is_signed(elements: Iterable[Raw]) -> bool:
    """Whether pixels are signed, and with them the values that are told as pixels are."""
    return any(e.tag == 0x00280103 and e.value in (b"\1\0", b"\0\1") for e in elements)


def _vr(raw: RawDataElement, scope: _Scope) -> tuple[str, RawDataElement]:
    """The VR; where the file doesn't know one that the dictionary knows, the element as that reads it."""
    if raw.VR and raw.VR != "UN":
        return raw.VR, raw
    known = _known(int(raw.tag), scope)
    if raw.VR == "UN" and known != "UN":  # its value is implicit VR little endian, wherever it stands
        raw = raw._replace(is_implicit_VR=True, is_little_endian=True)
    if known == "US or SS" and scope.signed:
        return "SS", raw
    return AMBIGUOUS.get(known, known), raw


def _known(tag: int, scope: _Scope) -> str:
    try:
        if not tag >> 16 & 1:
            return dictionary_VR(tag)
        if 0x10 <= tag & 0xFFFF <= 0xFF:
            return "LO"
        return private_dictionary_VR(tag, scope.creators[tag & 0xFFFF0000 | tag >> 8 & 0xFF])
    except KeyError:
        return "UN"


def _binary(raw: RawDataElement, vr: str, path: str) -> Json:
    """Small values inline, in little endian; the others, and all pixels, by reference."""
    if not raw.length or raw.value == b"":
        return {"vr": vr}
    if raw.value is None or len(raw.value) > LARGE or raw.tag in PIXELS:
        return {"vr": vr, "BulkDataURI": BULK_DATA + path}
    value = raw.value if raw.is_little_endian else _swapped(raw.value, BINARY[vr])
    return {"vr": vr, "InlineBinary": base64.b64encode(value).decode()}


def _swapped(value: bytes, width: int) -> bytes:
    return b"".join(value[at : at + width][::-1] for at in range(0, len(value), width))


def _with_values(vr: str, values: list[Any]) -> Json:
    """Empty ones among others are null: https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_F.2.5"""
    return {"vr": vr, "Value": values} if any(v is not None for v in values) else {"vr": vr}


def _values(vr: str, value: bytes, little: bool, encodings: Sequence[str]) -> list[Any]:
    if vr in NUMBERS:
        return _numbers(Struct("><"[little] + NUMBERS[vr]), value)
    if vr == "AT":
        tags = Struct("><"[little] + "HH").iter_unpack(value[: len(value) - len(value) % 4])
        return [f"{group:04X}{element:04X}" for group, element in tags]
    if vr in PLAIN:
        told = _OF_TEXT.get(vr, _text)
        return [told(part.strip("\0 ")) for part in value.decode("latin-1").split("\\")]
    if vr == "PN":
        return [_name(n) for n in _decoded(value, encodings, NAME_DELIMITERS).split("\\")]
    text = _decoded(value, encodings, DELIMITERS)
    if vr in SINGLE:
        return [_text(text.rstrip("\0 "))]
    return [_text(part.strip("\0 ")) for part in text.split("\\")]


def _numbers(struct: Struct, value: bytes) -> list[Any]:
    whole = len(value) - len(value) % struct.size
    return [_finite(number) for (number,) in struct.iter_unpack(value[:whole])]


def _finite(number: float) -> float | str:
    """JSON has no number for the others."""
    return number if isfinite(number) else {"nan": "NaN", "inf": "Infinity"}.get(str(number), "-Infinity")


def _decoded(value: bytes, encodings: Sequence[str], delimiters: set[int]) -> str:
    text = decode_bytes(value, list(encodings), delimiters)
    return text.encode("utf-8", "replace").decode()  # no lone surrogates: they are no text


def _text(text: str) -> str | None:
    return text or None


def _integer(text: str) -> int | str | None:
    return int(text) if _INTEGER.fullmatch(text) else _text(text)


def _decimal(text: str) -> float | str | None:
    if _INTEGER.fullmatch(text):
        return int(text)
    number = float(text) if _DECIMAL.fullmatch(text) else inf
    return number if isfinite(number) else _text(text)


def _name(text: str) -> Json | None:
    groups = (group.strip("\0 ") for group in text.split("="))
    return {kind: group for kind, group in zip(GROUPS, groups, strict=False) if group} or None


_OF_TEXT: dict[str, Callable[[str], Any]] = {"DS": _decimal, "IS": _integer}
