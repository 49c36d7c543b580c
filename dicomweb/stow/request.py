"""A STOW request's instances, received whole before any of them is stored.

https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.5.1
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from starlette.requests import Request

from dicomweb.http.acceptable import acceptable
from dicomweb.http.faults import DicomFault
from dicomweb.http.native_model import XML
from dicomweb.index.bounded import NotDicomError
from dicomweb.index.entry import Entry, entry_of
from dicomweb.stow.multipart import Parts, media_type
from dicomweb.stow.spool import Spool, Spooled

DICOM, RELATED = "application/dicom", "multipart/related"
ANSWERS = ("application/dicom+json", "application/json", XML)
#: instances of a request, and characters of all that is told of them, which are in memory together
MOST_PARTS, MOST_METADATA = 10_000, 256 * 1024**2
_GZIP = zlib.MAX_WBITS | 16


@dataclass(frozen=True)
class Sent:
    """One part; `entry` None: it is no DICOM instance, `fault` says why."""

    file: BinaryIO
    digest: str
    entry: Entry | None = None
    fault: str = ""


def answered_in(request: Request) -> str:
    """The media type that the answer has; raises DicomFault 400, 406."""
    for one in acceptable(request):
        if one.media in ("*/*", "application/*"):
            return ANSWERS[0]
        if one.media in ANSWERS:
            return one.media
    raise DicomFault(406, f"stores are answered in {', '.join(ANSWERS)}")


async def received(request: Request, spool: Spool) -> list[Sent]:
    """All parts. Raises DicomFault 400, 413 or 415: then nothing of the request is stored."""
    media, parameters = media_type(request.headers.get("content-type", ""))
    body = spool.bounded(_body(request))
    if media == DICOM:
        return [await _read(await spool.take(body))]
    if media != RELATED or parameters.get("type", DICOM).lower() != DICOM:
        accepted = f'{RELATED}; type="{DICOM}"; boundary=…, or {DICOM}'
        raise DicomFault(415, f"studies are stored from {accepted}", {"accept": f"{RELATED}, {DICOM}"})
    if "boundary" not in parameters:
        raise DicomFault(400, "the Content-Type names no boundary")
    found = [one async for one in _parts(body, parameters["boundary"], spool)]
    if not found:
        raise DicomFault(400, "the request has no parts: there is nothing to store")
    return found


async def _parts(body: AsyncIterator[bytes], boundary: str, spool: Spool) -> AsyncIterator[Sent]:
    parts, count, told = Parts(body, boundary), 0, 0
    while (fields := await parts.next_part()) is not None:
        count += 1
        if count > MOST_PARTS:
            raise DicomFault(413, f"a request may bring {MOST_PARTS} instances")
        sent = await _part(fields, await spool.take(parts.content()))
        told += len(sent.entry.metadata) if sent.entry else 0
        if told > MOST_METADATA:
            raise DicomFault(413, "what the instances say of themselves is too much: send several requests")
        yield sent
    async for _ in body:
        pass  # what follows is nothing to store, but a gzip's checksum is behind it


async def _part(fields: Mapping[str, str], spooled: Spooled) -> Sent:
    media = media_type(fields.get("content-type", DICOM))[0]
    if media != DICOM:
        return Sent(spooled.file, spooled.digest, fault=f"a part is {media[:64]}, not {DICOM}")
    return await _read(spooled)


async def _read(spooled: Spooled) -> Sent:
    try:
        entry = await asyncio.to_thread(entry_of, spooled.file)
    except NotDicomError as fault:
        return Sent(spooled.file, spooled.digest, fault=str(fault))
    cut_off = "" if entry.whole else "it ends before its last value does"
    return Sent(spooled.file, spooled.digest, entry, cut_off)


async def _body(request: Request) -> AsyncIterator[bytes]:
    """The body, inflated if it comes gzipped."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise DicomFault(415, "a body may be gzipped, or sent as it is")
    chunks = request.stream()
    async for chunk in _inflated(chunks) if encoding == "gzip" else chunks:
        yield chunk


async def _inflated(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """No further than it is read; of several pieces (RFC 1952) all, each whole by its checksum."""
    inflating = zlib.decompressobj(_GZIP)
    async for chunk in chunks:
        while chunk:
            if inflating.eof:
                inflating = zlib.decompressobj(_GZIP)
            try:
                yield inflating.decompress(chunk, 1 << 20)
            except zlib.error:
                raise DicomFault(400, "the body is no gzip") from None
            chunk = inflating.unconsumed_tail or inflating.unused_data
    if not inflating.eof:
        raise DicomFault(400, "the body ends before its gzip does")
