"""What instances say of themselves, in DICOM JSON, from the index: no file is opened.

https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.4.1.1.2
"""

from __future__ import annotations

import gzip
import logging
from typing import NamedTuple

import orjson
from anyio import to_thread
from sqlalchemy import func, select
from starlette.responses import Response

from dicomweb.archives.archive import Address
from dicomweb.http.compression import Packed
from dicomweb.http.faults import DicomFault
from dicomweb.http.routes import Asked
from dicomweb.index.checking import is_dataset
from dicomweb.index.reading import metadata as indexed_metadata
from dicomweb.index.reading import rows
from dicomweb.wado.acceptable import Acceptable, acceptable, not_acceptable
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

    plain: bytes
    packed: bytes
    instances: int
    broken: int = 0


async def metadata(asked: Asked) -> Response:
    """Every instance that the address names, without bulk data. Raises DicomFault 404, 406, 500.

    With those left out that can't be read in the index: 206, and a Warning that says how many.
    """
    if not any(one.takes(JSON) or one.media in _TAKEN for one in _accepted(asked)):
        raise not_acceptable(JSON)
    studies = await visible(asked)
    version = await _version(asked.gateway.database, asked.address.study)
    tag = etag_of("metadata", asked.gateway.base, *asked.address, version)
    bodies = await asked.gateway.recent.get(tag, lambda: _assembled(asked), lambda b: len(b[0]) + len(b[1]))
    if not bodies.instances:
        raise DicomFault(500, UNREADABLE.format(bodies.broken)) if bodies.broken else not_there()
    await recorded(asked, studies, bodies.instances)
    headers = {"content-type": JSON, "etag": tag}
    if unchanged(asked, tag):
        return Response(status_code=304, headers=headers)
    handed(asked, size=len(bodies.plain))
    response = Packed(bodies.plain, bodies.packed, headers)
    if bodies.broken:
        response.status_code = 206
        response.headers["warning"] = f'299 - "{UNREADABLE.format(bodies.broken)}"'
    return response


def _accepted(asked: Asked) -> list[Acceptable]:
    return [a for a in acceptable(asked.request.url.query, asked.request.headers) if not a.multipart]


async def _version(database: Database, study: str) -> tuple[object, ...]:
    """What changes when anything in a study does: when it was last written, and how much is in it."""
    counted = select(func.count()).where(fhir_dicom_instance.c.study == study).scalar_subquery()
    stated = select(fhir_dicom_study.c.updated_at, counted).where(fhir_dicom_study.c.study == study)
    return tuple(str(value) for row in await rows(database, stated) for value in row)


async def _assembled(asked: Asked) -> Bodies:
    found = await indexed_metadata(asked.gateway.database, asked.address)

    def made() -> Bodies:
        linked = [_linked(asked.gateway.base, a, text.encode()) for a, text in found if _is_whole(a, text)]
        body = b"[" + b",".join(linked) + b"]"
        return Bodies(body, gzip.compress(body, 4), len(linked), len(found) - len(linked))

    return await to_thread.run_sync(made)


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
