"""Frames of an instance. https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.4.1.1.3"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from starlette.responses import Response

from dicomweb.http.acceptable import Acceptable, acceptable, not_acceptable
from dicomweb.http.faults import DicomFault
from dicomweb.http.multipart import Part, streamed, whole
from dicomweb.http.routes import Asked
from dicomweb.index.reading import IndexedInstance
from dicomweb.wado.pixels import plain, stored
from dicomweb.wado.seen import content_of, file_of, handed, recorded, seen, told
from dicomweb.wado.syntaxes import EXPLICIT, LOSSLESS, MEDIA, OCTETS, decodable, is_native, media_of

#: bytes of frames that are answered at once; more are sent as they are made
AT_ONCE = 8 * 1024**2
MOST = 10_000


class Chosen(NamedTuple):
    """How frames are answered: in parts or not, the media type and syntax of each, and whether as stored."""

    multipart: bool
    media: str
    syntax: str
    as_stored: bool

    @property
    def described(self) -> str:
        """The media type with its syntax."""
        return f"{self.media}; transfer-syntax={self.syntax}"


async def frames(asked: Asked) -> Response:
    """The frames of a list, in its order: uncompressed unless asked for otherwise, or compressed with loss.

    Raises DicomFault 400 for a list that is none, 404 for a frame that isn't there, 406.
    """
    wanted = listed(asked.request.path_params["frames"])
    studies, (found, *_) = await seen(asked)
    check_frames(found, wanted)
    return await chosen_frames(asked, studies, found, wanted)


async def chosen_frames(
    asked: Asked, studies: Mapping[str, str], found: IndexedInstance, wanted: Sequence[int]
) -> Response:
    """Frames of an instance that the caller may see: as many as it says it has may be none at all."""
    chosen = _choose(asked, found.transfer_syntax, single=len(wanted) == 1)
    tag = etag_of(*content_of(found), wanted, chosen)
    await recorded(asked, studies, 1)
    if unchanged(asked, tag):
        return Response(status_code=304, headers={"etag": tag})
    response = await _answer(asked, found, wanted, chosen)
    response.headers["etag"] = tag
    return response


def listed(text: str) -> list[int]:
    """Numbers of frames, from 1; raises DicomFault 400, or 404 for number 0."""
    stated = text.split(",")
    if not all(n.isascii() and n.isdigit() and len(n) < 10 for n in stated) or len(stated) > MOST:
        raise DicomFault(400, "frames are a list of numbers from 1 up, with commas between them")
    return [int(n) for n in stated]


def check_frames(found: IndexedInstance, wanted: Sequence[int]) -> None:
    """Raises DicomFault 404 for a frame that the instance hasn't."""
    if found.frames is None:
        raise DicomFault(404, "the instance has no pixel data, so no frames")
    if min(wanted) < 1 or max(wanted) > found.frames:
        raise DicomFault(404, f"the instance has the frames 1 to {found.frames}")


def etag_of(*parts: object) -> str:
    """A weak entity tag of what an answer depends on."""
    return f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


def unchanged(asked: Asked, tag: str) -> bool:
    """Whether the client has the answer already."""
    stated = asked.request.headers.get("if-none-match", "")
    named = {one.strip().removeprefix("W/") for one in stated.split(",")}
    return "*" in named or tag.removeprefix("W/") in named


def _choose(asked: Asked, syntax: str, *, single: bool) -> Chosen:
    for accepted in acceptable(asked.request):
        chosen = chosen_for(accepted, syntax, single=single)
        if chosen:
            return chosen
    offered = 'multipart/related; type="application/octet-stream"'
    raise not_acceptable(offered + ("" if is_native(syntax) else f', or type="{media_of(syntax)}" as stored'))


def chosen_for(accepted: Acceptable, syntax: str, *, single: bool) -> Chosen | None:
    """How frames of a syntax fit what is accepted; None: not at all.

    Uncompressed is the default. `transfer-syntax=*` is as stored; so is what only that fits: frames that
    were compressed with loss, for whoever takes anything.
    """
    multipart = accepted.multipart or accepted.media == "*/*"
    if not multipart and not single:
        return None
    as_stored = Chosen(multipart, media_of(syntax), EXPLICIT if is_native(syntax) else syntax, True)
    anything = accepted.takes("image/any") and accepted.takes(OCTETS)
    if accepted.takes(OCTETS) and accepted.syntax in ("*", syntax):
        return as_stored if anything else as_stored._replace(media=OCTETS)
    if anything and not accepted.syntax and (syntax not in LOSSLESS or not decodable(syntax)):
        return as_stored
    if accepted.takes(OCTETS) and accepted.syntax in ("", EXPLICIT) and decodable(syntax):
        return Chosen(multipart, OCTETS, EXPLICIT, False)
    fits = accepted.takes(as_stored.media) and accepted.syntax in ("", "*", syntax)
    return as_stored if fits and syntax in MEDIA.get(as_stored.media, ()) else None


async def _answer(asked: Asked, found: IndexedInstance, wanted: Sequence[int], chosen: Chosen) -> Response:
    first = await frame_of(asked, found, wanted[0], chosen.as_stored)
    if not chosen.multipart:
        handed(asked, frames=1, size=len(first))
        return Response(first, headers={"content-type": chosen.described})
    if len(first) * len(wanted) > AT_ONCE:
        return streamed(chosen.media, _parts(asked, found, wanted, chosen))
    return whole(chosen.media, [part async for part in _parts(asked, found, wanted, chosen)])


async def _parts(
    asked: Asked, found: IndexedInstance, wanted: Sequence[int], chosen: Chosen
) -> AsyncGenerator[Part, None]:
    study, series, instance = found.address
    above = f"{asked.gateway.base}/studies/{study}/series/{series}/instances/{instance}/frames"
    for number in wanted:
        frame = await frame_of(asked, found, number, chosen.as_stored)
        handed(asked, frames=1, size=len(frame))
        yield Part(chosen.described, frame, f"{above}/{number}")


async def frame_of(asked: Asked, found: IndexedInstance, number: int, as_stored: bool) -> bytes:
    """One frame; kept for a while."""

    async def make() -> bytes:
        opened = await file_of(asked.gateway, found)
        work = stored if as_stored else plain
        return await told(found.address, partial(work, opened, number - 1))

    key = ("frame", *content_of(found), number, as_stored)
    return await asked.gateway.recent.get(key, make, len)
