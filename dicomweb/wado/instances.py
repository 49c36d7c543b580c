"""Studies, series and instances as Part 10 files. https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.4

Without a transfer syntax the standard's default is meant: Explicit VR Little Endian, but for pixels that were
compressed with loss or can't be decoded here, which come as they are stored (PS3.18 8.7.3.4).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import NamedTuple

from anyio import CancelScope, to_thread
from starlette.responses import Response

from dicomweb.http.acceptable import acceptable, not_acceptable
from dicomweb.http.multipart import Part, streamed
from dicomweb.http.routes import Asked
from dicomweb.http.streaming import Begun, Streamed, begun
from dicomweb.index.reading import IndexedInstance
from dicomweb.wado.archived import Zip
from dicomweb.wado.part10 import PIECE, opened
from dicomweb.wado.seen import fetched, handed, recorded, seen, told
from dicomweb.wado.syntaxes import COMPRESSED_BITS, EXPLICIT, LOSSLESS, NATIVE, SHORTEST, convertible
from dicomweb.wado.transcoding import transcoded

DICOM, ZIP = "application/dicom", "application/zip"
OFFERED = 'multipart/related; type="application/dicom", application/zip, or application/dicom of one instance'


class Form(NamedTuple):
    """How instances are answered: in parts, as a zip or alone, in the first syntax that can be had."""

    media: str
    syntaxes: Sequence[str]

    def syntax_of(self, found: IndexedInstance) -> str:
        """The syntax that an instance is sent in; '' if none of those asked for can be had."""
        stored = found.transfer_syntax
        for asked in self.syntaxes:
            if asked == "*" or (not asked and not _by_default(stored)):
                return stored
            if _to_be_had(found, asked or EXPLICIT):
                return asked or EXPLICIT
        return ""


def _to_be_had(found: IndexedInstance, wanted: str) -> bool:
    """Whether an instance can be had in a syntax, by what is known of it without its file."""
    stored = found.transfer_syntax
    if stored == wanted or wanted in NATIVE or found.frames is None:
        return convertible(stored, wanted)
    shorter = min(found.rows or 0, found.columns or 0)
    fits = found.bits in COMPRESSED_BITS and shorter >= SHORTEST.get(wanted, 1)
    return fits and convertible(stored, wanted)


def _by_default(stored: str) -> bool:
    """Whether an instance is converted for whoever names no syntax."""
    return stored in LOSSLESS and convertible(stored, EXPLICIT)


async def retrieve(asked: Asked) -> Response:
    """The instances that the address names. Raises DicomFault 404, 406.

    With what can't be had as asked for left out: 206, and a Warning that says how many.
    """
    studies, found = await seen(asked)
    form = _form(asked, single=bool(asked.address.instance))
    sent = [(one, form.syntax_of(one)) for one in found]
    had = [(one, syntax) for one, syntax in sent if syntax]
    if not had:
        raise not_acceptable(f"{OFFERED}; of these instances as stored (transfer-syntax=*)")
    await recorded(asked, studies, len(had))
    response = await _answer(asked, form, had)
    if len(had) < len(sent):
        response.status_code = 206
        left = len(sent) - len(had)
        response.headers["warning"] = f'299 - "{left} instances are stored in a way that none asked for fits"'
    return response


def _form(asked: Asked, *, single: bool) -> Form:
    forms: dict[str, list[str]] = {}
    for one in acceptable(asked.request):
        media = ""
        if (one.multipart and one.takes(DICOM)) or one.media in ("*/*", "application/*"):
            media = "multipart/related"
        elif one.media == ZIP or (one.media == DICOM and single):
            media = one.media
        if media:
            forms.setdefault(media, []).append(one.syntax)
    for media, syntaxes in forms.items():
        return Form(media, syntaxes)
    raise not_acceptable(OFFERED)


async def _answer(asked: Asked, form: Form, had: Sequence[tuple[IndexedInstance, str]]) -> Response:
    # The first one is begun before anything is said, so that what is wrong with it has a status; but none
    # for who only asks about it.
    pieces = _bytes_of(asked, *had[0])
    first = Begun(b"", pieces) if asked.request.method == "HEAD" else await begun(pieces)
    if form.media == "multipart/related":
        return streamed(DICOM, _parts(asked, first, had), held=first)
    if form.media == ZIP:
        headers = {"content-type": ZIP, "content-disposition": 'attachment; filename="images.zip"'}
        return Streamed(_zipped(asked, first, had), headers=headers, held=first)
    return Streamed(first, headers={"content-type": _described(had[0][1])})


def _described(syntax: str) -> str:
    return f"{DICOM}; transfer-syntax={syntax}"


async def _parts(
    asked: Asked, first: Begun, had: Sequence[tuple[IndexedInstance, str]]
) -> AsyncGenerator[Part, None]:
    for number, (found, syntax) in enumerate(had):
        body = await begun(_bytes_of(asked, found, syntax)) if number else first
        study, series, instance = found.address
        where = f"{asked.gateway.base}/studies/{study}/series/{series}/instances/{instance}"
        async with aclosing(body):
            yield Part(_described(syntax), body, where)


async def _zipped(
    asked: Asked, first: Begun, had: Sequence[tuple[IndexedInstance, str]]
) -> AsyncGenerator[bytes, None]:
    made = Zip()
    for number, (found, syntax) in enumerate(had):
        body = await begun(_bytes_of(asked, found, syntax)) if number else first
        member = made.added(f"{found.address.series}/{found.address.instance}.dcm", body)
        async with aclosing(body), aclosing(member):
            async for piece in member:
                yield piece
    yield made.end()


async def _bytes_of(asked: Asked, found: IndexedInstance, syntax: str) -> AsyncGenerator[bytes, None]:
    """An instance's bytes; each piece counts as handed out when the next is asked for."""
    file, instances = await fetched(asked.gateway, found), 1
    try:
        pieces: Iterator[bytes] = iter(partial(file.read, PIECE), b"")
        if syntax != found.transfer_syntax:
            pieces = transcoded(await told(found.address, partial(opened, file)), syntax)
        while piece := await told(found.address, partial(next, pieces, b"")):
            yield piece
            handed(asked, instances, size=len(piece))
            instances = 0
    finally:
        with CancelScope(shield=True):
            await to_thread.run_sync(file.close)
