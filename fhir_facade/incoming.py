"""A request's body as a resource: what was sent, to the last digit. https://hl7.org/fhir/R4/http.html#mime-type"""

from __future__ import annotations

import asyncio
from codecs import BOM_UTF8
from typing import Any

from fhir_facade.content import Receive, Request, body
from fhir_facade.incoming_json import json_object
from fhir_facade.incoming_xml import xml_object
from fhir_facade.outcome import FhirFault
from terminology import definitions

Resource = dict[str, Any]
JSON_TYPES = frozenset({"application/fhir+json", "application/json"})
XML_TYPES = frozenset({"application/fhir+xml", "application/xml"})
#: larger bodies are read beside the other requests
BESIDE = 64 * 1024


async def incoming(request: Request, receive: Receive, limit: int) -> Resource:
    """The resource in the body, numbers with a point as Decimal.

    Raises FhirFault: 415 for what is neither FHIR JSON nor XML, 413 beyond the limit (before the rest is
    read), 400 that says where for what can't be read, or not without loss.
    """
    media = _media_type(request)
    _refuse_announced(request, limit)
    content = await body(receive, limit)
    if len(content) > BESIDE:
        return await asyncio.to_thread(resource_in, content, media)
    return resource_in(content, media)


def resource_in(content: bytes, media: str) -> Resource:
    """The resource that bytes of a media type (without parameters) are; raises FhirFault 400."""
    content = content.removeprefix(BOM_UTF8)
    if not content.strip():
        raise FhirFault(400, "required", "the body is empty: it must hold a resource")
    if media in XML_TYPES:
        return xml_object(content)
    return _checked(json_object(text_of(content)))


def _media_type(request: Request) -> str:
    stated, _, parameters = request.headers.get("content-type", "").partition(";")
    media = stated.strip().lower()
    if media not in JSON_TYPES | XML_TYPES:
        raise _unsupported("a resource is sent as application/fhir+json or application/fhir+xml", "Type")
    for one in parameters.lower().split(";"):
        name, _, value = one.strip().partition("=")
        if name == "charset" and value.strip('"') not in ("utf-8", "utf8"):
            raise _unsupported("a resource's charset is utf-8", "Type")
        if name == "fhirversion" and value.strip('"') not in ("4.0", "4.0.1"):
            raise _unsupported("resources here are of fhirVersion 4.0", "Type")
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("identity", ""):
        raise _unsupported("a body is sent as it is, without Content-Encoding", "Encoding")
    return media


def _unsupported(says: str, header: str) -> FhirFault:
    return FhirFault(415, "not-supported", says, (f"http.Content-{header}",))


def _refuse_announced(request: Request, limit: int) -> None:
    """A body that says itself that it is too long isn't read at all."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:19]) > limit:
        raise FhirFault(413, "too-long", f"the body is longer than {limit} bytes")


def text_of(content: bytes) -> str:
    """Bytes as the text that they are; raises FhirFault 400 where they are no UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as fault:
        before = content[: fault.start]
        line, column = before.count(b"\n") + 1, fault.start - (before.rfind(b"\n") + 1) + 1
        raise FhirFault(400, "structure", f"this is no UTF-8 at line {line}, byte {column}") from None


def _checked(found: Any) -> Resource:
    if not isinstance(found, dict):
        raise FhirFault(400, "structure", "the body is JSON, but no object: a resource is one", ("Resource",))
    stated = found.get("resourceType")
    if stated is None:
        raise FhirFault(400, "required", "resourceType is missing", ("Resource.resourceType",))
    if not isinstance(stated, str) or stated not in definitions.resource_types():
        raise FhirFault(
            400, "not-supported", "resourceType names no resource type of R4", ("Resource.resourceType",)
        )
    return found
