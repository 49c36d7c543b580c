"""read: https://hl7.org/fhir/R4/http.html#read"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import Any

from fhir_facade.bundle import subset
from fhir_facade.bygone import Bygone
from fhir_facade.content import Request, Response
from fhir_facade.outages import outages_told
from fhir_facade.outcome import FhirFault, not_found, parameter
from fhir_facade.search_request import Options, Reader, SearchRequest
from fhir_facade.service import Service, refused
from mappers.database import SourceDownError
from mappers.mapping import LOGICAL_ID
from mappers.outage import SUBSETTED
from mappers.reader import Unreadable
from mappers.write.history import Asked, versions


async def read(service: Service, request: Request, resource_type: str, id_text: str) -> Response:
    """The resource; 404 where there is none, 410 where it was deleted, 304 if the client has it already."""
    refuse_no_id(resource_type, id_text)
    _shape(service, request, resource_type)  # what can't be asked is refused before anything is read
    resource = await found(service, resource_type, id_text, strict=request.states_strict)
    return as_answer(service, request, resource)


def as_answer(service: Service, request: Request, resource: dict[str, Any]) -> Response:
    """A resource, or a version of it, as it was asked for; 304 if the client has it already."""
    resource_type = resource["resourceType"]
    shape, headers = _shape(service, request, resource_type), validators(resource)
    if _unchanged(request, headers):
        return Response(None, 304, headers, served=(resource,))
    kept = shape.kept(resource_type)
    shown = subset(resource, kept) if kept is not None else resource
    return Response(shown, 200, headers, served=(resource,))


def refuse_no_id(resource_type: str, text: str) -> None:
    """400 for what can't be an id: https://hl7.org/fhir/R4/datatypes.html#id"""
    if not LOGICAL_ID.fullmatch(text):
        raise FhirFault(400, "value", "an id is 1 to 64 of A-Z a-z 0-9 - .", (f"{resource_type}.id",))


def _shape(service: Service, request: Request, resource_type: str) -> SearchRequest:
    """`_summary` and `_elements` are all that a read takes."""
    if not request.parameters:
        return SearchRequest()
    for name, _ in request.parameters:
        if name not in ("_summary", "_elements"):
            raise parameter(
                name,
                f"a read takes _summary, _elements, _format and _pretty, not {name[:60]!r}",
                "not-supported",
            )
    shape = Reader(service.parser(), [resource_type], Options(), lenient=False).read(request.parameters)
    if shape.summary == "count":
        raise parameter("_summary", "_summary=count is for searches")
    return shape


async def found(service: Service, resource_type: str, id_text: str, *, strict: bool) -> dict[str, Any]:
    """The resource (`strict`: the whole of it), or the fault that says why not: 404 if it may not be seen."""
    if not service.may_read.opens(resource_type):
        raise refused(resource_type, "read")
    try:
        resource = await service.reading.read(resource_type, id_text, strict=strict)
    except SourceDownError:
        raise FhirFault(503, "transient", "the source of this resource can't be asked just now") from None
    if resource is None:
        await _refuse_deleted(service, resource_type, id_text)
        raise not_found(f"there is no {resource_type}/{id_text}")
    if isinstance(resource, Unreadable):
        raise FhirFault(500, "exception", f"the row {resource.source} can't be read: {resource.reason}")
    return resource


async def _refuse_deleted(service: Service, resource_type: str, id_text: str) -> None:
    """Raises 410 for what a client has deleted, to those who could see it by the last that is known of it.

    To others it is what never was: that there was such an id is not theirs to know.
    """
    resolved = service.mappings[resource_type].resolve(id_text)
    if resolved is None or not resolved[0].written_here:
        return
    with outages_told():
        gone = await _deleted(service, resource_type, id_text)
    if gone:
        raise FhirFault(410, "deleted", f"{resource_type}/{id_text} was deleted")


async def _deleted(service: Service, resource_type: str, id_text: str) -> bool:
    conditions = service.may_read.conditions(resource_type)
    kept = await versions(service.reading.database, Asked(resource_type, id_text), 1)
    if conditions is None or not kept or kept[0].method != "DELETE":
        return False
    return await Bygone(service).open_to_who_saw_it(conditions, resource_type, id_text)


def validators(resource: dict[str, Any]) -> dict[str, str]:
    """ETag and Last-Modified of a resource; one that is incomplete has no date of change."""
    meta = resource["meta"]
    headers = {"etag": f'W/"{meta["versionId"]}"', "cache-control": "private, no-cache"}
    if "lastUpdated" in meta and SUBSETTED not in meta.get("tag", ()):
        headers["last-modified"] = _http_date(meta["lastUpdated"])
    return headers


@lru_cache(4096)
def _http_date(instant: str) -> str:
    moment = datetime.fromisoformat(instant).astimezone(UTC)
    return format_datetime(moment.replace(microsecond=0), usegmt=True)


def _unchanged(request: Request, headers: dict[str, str]) -> bool:
    """If-None-Match decides; If-Modified-Since only without it (RFC 9110, 13.1)."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or headers["etag"].removeprefix("W/") in re.findall(r'"[^"]*"', tags)
    since = request.headers.get("if-modified-since")
    if since is None or "last-modified" not in headers:
        return False
    try:
        asked = parsedate_to_datetime(since)
    except ValueError:
        return False
    changed = parsedate_to_datetime(headers["last-modified"])
    return asked.tzinfo is not None and changed - asked < timedelta(seconds=1)
