"""Values that are too large for metadata, each by the address that its BulkDataURI says.

https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.4.1.1.5
"""

from __future__ import annotations

import re
from functools import partial
from typing import cast

import numpy as np
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from starlette.responses import Response

from dicomweb.http.acceptable import acceptable, not_acceptable
from dicomweb.http.faults import DicomFault
from dicomweb.http.multipart import Part, whole
from dicomweb.http.routes import Asked
from dicomweb.wado.frames import check_frames, chosen_frames
from dicomweb.wado.part10 import PIXELS, Part10, UnsuitableError, broken
from dicomweb.wado.seen import file_of, handed, recorded, seen, told
from dicomweb.wado.syntaxes import OCTETS

_PATH = re.compile(r"[0-9A-Fa-f]{8}(?:/[1-9][0-9]{0,5}/[0-9A-Fa-f]{8})*")
#: numbers that nobody's value reaches are no range
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
#: bytes of one number of a value, where it isn't one
_WIDTHS = {"OW": 2, "US": 2, "SS": 2, "OL": 4, "OF": 4, "UL": 4, "SL": 4, "FL": 4, "OD": 8, "OV": 8, "FD": 8}


async def bulkdata(asked: Asked) -> Response:
    """A value in little endian; pixel data is answered as the list of all its frames.

    Raises DicomFault 400 for what names no element, 404 for one that isn't there, 406, 416.
    """
    path = asked.request.path_params["bulk"]
    if not _PATH.fullmatch(path):
        raise DicomFault(400, "bulk data is named by a tag, or tag/item/tag…: 8 hexadecimal digits each")
    studies, (found, *_) = await seen(asked)
    if int(path.split("/")[0], 16) in PIXELS:
        check_frames(found, [1])
        return await chosen_frames(asked, studies, found, range(1, (found.frames or 1) + 1))
    multipart = _in_parts(asked)
    opened = await file_of(asked.gateway, found)
    value = await told(found.address, partial(_value, opened, path))
    await recorded(asked, studies, 1)
    if value is None:
        raise DicomFault(404, f"the instance has no element {path}")
    answer = ranged(asked, value, OCTETS)
    handed(asked, size=len(answer.body))
    return _as_part(answer) if multipart else answer


def _as_part(answer: Response) -> Response:
    """The same in a multipart's only part: clients ask for ranges of values so, too."""
    packed = whole(OCTETS, [Part(OCTETS, bytes(answer.body))], answer.status_code)
    for name in ("accept-ranges", "content-range"):
        if name in answer.headers:
            packed.headers[name] = answer.headers[name]
    return packed


def _in_parts(asked: Asked) -> bool:
    """Whether the value is taken in parts; raises DicomFault 406 if it isn't taken at all."""
    for one in acceptable(asked.request):
        if one.takes(OCTETS):
            return one.multipart
    raise not_acceptable(f"{OCTETS}, alone or in multipart/related")


def ranged(asked: Asked, value: bytes, media: str) -> Response:
    """The value, or the range of it that is asked for. https://www.rfc-editor.org/rfc/rfc9110#section-14"""
    headers = {"content-type": media, "accept-ranges": "bytes"}
    stated = _RANGE.fullmatch(asked.request.headers.get("range", ""))
    if not stated or stated.groups() == ("", ""):
        return Response(value, headers=headers)
    first, last = _bounds(stated[1], stated[2], len(value))
    if first > last:
        raise DicomFault(416, "the value ends before that range", {"content-range": f"bytes */{len(value)}"})
    headers["content-range"] = f"bytes {first}-{last}/{len(value)}"
    return Response(value[first : last + 1], 206, headers=headers)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(size - int(last), 0), size - 1 if int(last) else -1
    return int(first), min(int(last), size - 1) if last else size - 1


def _value(opened: Part10, path: str) -> bytes | None:
    """An element's bytes; None where there is none, or it has items instead."""
    *above, last = path.split("/")
    with broken("has an element that can't be read"):
        dataset: Dataset | None = opened.header
        for tag, number in zip(above[::2], above[1::2], strict=True):
            dataset = _item(dataset, int(tag, 16), int(number)) if dataset is not None else None
        if dataset is None or int(last, 16) not in dataset:
            return None
        return _bytes(dataset, int(last, 16), little=opened.syntax.is_little_endian)


def _item(dataset: Dataset, tag: int, number: int) -> Dataset | None:
    items = dataset[tag].value if tag in dataset and dataset[tag].VR == "SQ" else []
    return items[number - 1] if number <= len(items) else None


def _bytes(dataset: Dataset, tag: int, *, little: bool) -> bytes | None:
    element = dataset.get_item(tag)
    vr = str(dataset[tag].VR)
    raw = cast(RawDataElement, element).value if element.is_raw else dataset[tag].value
    if vr == "SQ":
        return None
    if not isinstance(raw, bytes):
        raise UnsuitableError(f"its element {tag:08X} is no bulk data")
    width = _WIDTHS.get(vr[:2], 1)
    if little or width == 1 or len(raw) % width:
        return raw
    return np.frombuffer(raw, f">u{width}").astype(f"<u{width}").tobytes()
