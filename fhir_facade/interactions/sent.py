"""What a write's body holds: a resource, a Bundle of requests, or a patch."""

from __future__ import annotations

from typing import Any

from fhir_facade.content import Receive, Request, body
from fhir_facade.incoming import JSON_TYPES, XML_TYPES, incoming, text_of
from fhir_facade.incoming_json import json_object
from fhir_facade.interactions.bundles.patches import JSON_PATCH, patch_of
from fhir_facade.outcome import FhirFault

Resource = dict[str, Any]
ACCEPTED = f"{JSON_PATCH}, application/fhir+json, application/fhir+xml"


async def resource_sent(request: Request, receive: Receive, limit: int) -> Resource:
    """The resource in the body, or in the Bundle's entry; raises FhirFault as `incoming` does."""
    if request.sent is not None:
        found: Resource = request.sent
        return found
    return await incoming(request, receive, limit)


async def patch_sent(request: Request, receive: Receive, limit: int) -> Any:
    """The patch in the body: an array for a JSON Patch, Parameters for a FHIRPath Patch.

    Raises 415 with Accept-Patch (RFC 5789, 3.1) for any other media type: XML Patch too.
    """
    if request.sent is not None:
        return patch_of(request.sent)
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == JSON_PATCH:
        return json_object(text_of(await body(receive, limit)))
    if media in JSON_TYPES | XML_TYPES:
        return await incoming(request, receive, limit)
    text = f"a patch is sent as {ACCEPTED}"
    raise FhirFault(415, "not-supported", text, ("http.Content-Type",), {"accept-patch": ACCEPTED})
