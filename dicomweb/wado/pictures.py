"""Rendered instances and frames, and thumbnails.

https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.4.1.1.4
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from dicomweb.http.acceptable import acceptable, not_acceptable
from dicomweb.http.faults import DicomFault
from dicomweb.http.multipart import Part, whole
from dicomweb.http.routes import Asked
from dicomweb.index.reading import IndexedInstance
from dicomweb.wado.frames import check_frames, listed
from dicomweb.wado.part10 import Part10, broken
from dicomweb.wado.rendering import FORMATS, Look, look_of, rendered, thumbnail_of
from dicomweb.wado.seen import content_of, file_of, handed, recorded, seen, told

T = TypeVar("T")
PDF, PDF_CLASS, PDF_TAG = "application/pdf", "1.2.840.10008.5.1.4.1.1.104.1", 0x00420011
#: frames that may be rendered at once
MOST = 64


async def rendered_instance(asked: Asked) -> Response:
    """An instance's picture: of several frames the representative one, else the first; of a PDF the PDF.

    Raises DicomFault 400, 404, and 406 for what has no picture.
    """
    studies, (found, *_) = await seen(asked)
    if found.sop_class == PDF_CLASS:
        await recorded(asked, studies, 1)
        return await _pdf(asked, found)
    look = look_asked(asked)
    _refuse_without_pixels(found)
    await recorded(asked, studies, 1)
    return Response(await _picture(asked, found, 0, look), headers={"content-type": look.media})


async def rendered_frames(asked: Asked) -> Response:
    """Pictures of frames: one alone, several in parts."""
    wanted = listed(asked.request.path_params["frames"])
    studies, (found, *_) = await seen(asked)
    check_frames(found, wanted)
    if len(wanted) > MOST:
        raise DicomFault(400, f"at most {MOST} frames are rendered at once")
    look = look_asked(asked)
    await recorded(asked, studies, 1)
    pictures = [await _picture(asked, found, number, look) for number in wanted]
    if len(pictures) == 1:
        return Response(pictures[0], headers={"content-type": look.media})
    return whole(look.media, [Part(look.media, picture) for picture in pictures])


async def thumbnail(asked: Asked) -> Response:
    """A small picture of what the address names: of a series the one in its middle."""
    studies, found = await seen(asked)
    shown = _middle(with_pixels(found))
    number = 0
    if "frames" in asked.request.path_params:
        number = listed(asked.request.path_params["frames"])[0]
        check_frames(shown, [number])
    look = thumbnail_of(asked.request.query_params, _media(asked))
    await recorded(asked, studies, 1)
    return Response(await _picture(asked, shown, number, look), headers={"content-type": look.media})


def look_asked(asked: Asked) -> Look:
    """How a request wants its pictures; raises DicomFault 400, 406."""
    return look_of(asked.request.query_params, _media(asked))


def with_pixels(found: Sequence[IndexedInstance]) -> Sequence[IndexedInstance]:
    """Those that can be shown; raises DicomFault 406 where there is none."""
    shown = [one for one in found if one.frames is not None]
    if not shown:
        raise DicomFault(406, "nothing of this has pixels: it can't be shown as a picture")
    return shown


def _middle(found: Sequence[IndexedInstance]) -> IndexedInstance:
    """The middle instance of the first series."""
    series = [one for one in found if one.address.series == found[0].address.series]
    return series[len(series) // 2]


def _refuse_without_pixels(found: IndexedInstance) -> None:
    if found.frames is None:
        raise DicomFault(406, "the instance has no pixels: it can't be shown as a picture")


def _media(asked: Asked) -> str:
    for one in acceptable(asked.request):
        for media in FORMATS:
            if one.takes(media):
                return media
    raise not_acceptable(", ".join(FORMATS))


async def _picture(asked: Asked, found: IndexedInstance, number: int, look: Look) -> bytes:
    """A frame's picture to be answered, as long as its client waits for it."""
    picture = await while_wanted(asked.request, picture_of(asked, found, number, look))
    handed(asked, frames=1, size=len(picture))
    return picture


async def picture_of(asked: Asked, found: IndexedInstance, number: int, look: Look) -> bytes:
    """A frame's picture, kept for a while; number 0 is the representative one."""

    async def make() -> bytes:
        opened = await file_of(asked.gateway, found)
        stated = opened.header.get("RepresentativeFrameNumber")
        index = number - 1 if number else _representative(stated, found)
        return await told(found.address, partial(rendered, opened, index, look))

    key = ("picture", *content_of(found), number, look)
    return await asked.gateway.recent.get(key, make, len)


def _representative(stated: object, found: IndexedInstance) -> int:
    text = str(stated or 1)
    return int(text) - 1 if text.isdigit() and 1 <= int(text) <= (found.frames or 1) else 0


async def while_wanted(request: Request, work: Awaitable[T]) -> T:
    """What work comes to; it is given up when its client goes away."""
    doing = asyncio.ensure_future(work)
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise DicomFault(499, "the client has gone")
        return doing.result()
    finally:
        leaving.cancel()
        doing.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _pdf(asked: Asked, found: IndexedInstance) -> Response:
    if not any(one.takes(PDF) for one in acceptable(asked.request)):
        raise not_acceptable(PDF)
    opened = await file_of(asked.gateway, found)
    document = await told(found.address, partial(_document, opened))
    handed(asked, size=len(document))
    return Response(document, headers={"content-type": PDF})


def _document(opened: Part10) -> bytes:
    with broken("has no document that can be read"):
        return bytes(opened.header[PDF_TAG].value)
