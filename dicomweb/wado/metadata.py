"""What instances say of themselves, in DICOM JSON or XML, from the index: no file is opened.

https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.4.1.1.2
"""

from __future__ import annotations

import gzip
import logging
from collections.abc import Sequence
from typing import NamedTuple

import orjson
from anyio import to_thread
from sqlalchemy import func, select
from starlette.responses import Response

from dicomweb.archives.archive import Address
from dicomweb.http.acceptable import MULTIPART, acceptable, not_acceptable
from dicomweb.http.compression import Packed
from dicomweb.http.faults import DicomFault
from dicomweb.http.multipart import Part, whole
from dicomweb.http.native_model import XML, native_model
from dicomweb.http.routes import Asked
from dicomweb.index.checking import is_dataset
from dicomweb.index.reading import metadata as indexed_metadata
from dicomweb.index.reading import rows
from dicomweb.wado.frames import etag_of, unchanged
from dicomweb.wado.seen import handed, not_there, recorded, visible
from mappers.database import Database
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_study

JSON = "application/dicom+json"
_TAKEN = (JSON, "application/json")
UNREADABLE = "what {} instances say of themselves can't be read in the index just now"
log = logging.getLogger("dicomweb.wado")
_LINK = b'"BulkDataURI":"'


class Bodies(NamedTuple):
    """A body, plain and gzipped; `instances`: how many it tells of, `broken`: of how many it can't."""

    media: str
    plain: bytes
    packed: bytes
    instances: int
    broken: int = 0

    @property
    def size(self) -> int:
        """Bytes of both."""
        return len(self.plain) + len(self.packed)


async def metadata(asked: Asked) -> Response:
    """Every instance that the address names, without bulk data. Raises DicomFault 404, 406, 500.

    With those left out that can't be read in the index: 206, and a Warning that says how many.
    """
    media = _accepted(asked)
    studies = await visible(asked)
    version = await _version(asked.gateway.database, asked.address.study)
    tag = etag_of("metadata", asked.gateway.base, *asked.address, version, media)
    bodies = await asked.gateway.recent.get(tag, lambda: _assembled(asked, media), lambda made: made.size)
    if not bodies.instances:
        raise DicomFault(500, UNREADABLE.format(bodies.broken)) if bodies.broken else not_there()
    await recorded(asked, studies, bodies.instances)
    headers = {"content-type": bodies.media, "etag": tag}
    if unchanged(asked, tag):
        return Response(status_code=304, headers=headers)
    handed(asked, size=len(bodies.plain))
    response = Packed(bodies.plain, bodies.packed, headers)
    if bodies.broken:
        response.status_code = 206
        response.headers["warning"] = f'299 - "{UNREADABLE.format(bodies.broken)}"'
    return response


def _accepted(asked: Asked) -> str:
    """The best of the media types that are accepted: XML comes in parts, one an instance."""
    for one in acceptable(asked.request):
        if one.multipart and one.takes(XML):
            return XML
        if not one.multipart and (one.takes(JSON) or one.media in _TAKEN):
            return JSON
    raise not_acceptable(f'{JSON}, and {MULTIPART}; type="{XML}"')


async def _version(database: Database, study: str) -> tuple[object, ...]:
    """What changes when anything in a study does: when it was last written, and how much is in it."""
    counted = select(func.count()).where(fhir_dicom_instance.c.study == study).scalar_subquery()
    stated = select(fhir_dicom_study.c.updated_at, counted).where(fhir_dicom_study.c.study == study)
    return tuple(str(value) for row in await rows(database, stated) for value in row)


async def _assembled(asked: Asked, media: str) -> Bodies:
    found = await indexed_metadata(asked.gateway.database, asked.address)

    def made() -> Bodies:
        linked = [_linked(asked.gateway.base, a, text.encode()) for a, text in found if _is_whole(a, text)]
        told, body = _in_xml(linked) if media == XML else (JSON, b"[" + b",".join(linked) + b"]")
        return Bodies(told, body, gzip.compress(body, 4), len(linked), len(found) - len(linked))

    return await to_thread.run_sync(made)


def _in_xml(instances: Sequence[bytes]) -> tuple[str, bytes]:
    """The media type with its boundary, and the body."""
    made = whole(XML, [Part(XML, native_model(orjson.loads(one))) for one in instances])
    return made.headers["content-type"], bytes(made.body)


def _is_whole(address: Address, text: str) -> bool:
    """Whether a row's text is what the index writes; the log names the others."""
    try:
        whole = is_dataset(orjson.loads(text))
    except ValueError:
        whole = False
    if not whole:
        log.error("the index's row of the instance %s can't be read: rebuild the index", address.instance)
    return whole


def _linked(base: str, address: Address, text: bytes) -> bytes:
    """With links below the public base: quotation marks within values are escaped, so these are names."""
    study, series, instance = address
    above = f"{base}/studies/{study}/series/{series}/instances/{instance}/"
    return text.replace(_LINK + b"bulkdata/", _LINK + above.encode() + b"bulkdata/")
