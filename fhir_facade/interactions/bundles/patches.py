"""A patch in a Bundle: a Parameters resource, or a Binary with a JSON Patch in it.

https://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from fhir_facade.incoming_json import json_object
from fhir_facade.outcome import FhirFault

JSON_PATCH = "application/json-patch+json"


def patch_of(resource: dict[str, Any]) -> Any:
    """The patch that an entry's resource holds; raises FhirFault 400 for what holds none."""
    if resource.get("resourceType") != "Binary":
        return resource
    if resource.get("contentType") != JSON_PATCH:
        text = f"a patch in a Binary is {JSON_PATCH}"
        raise FhirFault(400, "not-supported", text, ("Binary.contentType",))
    try:
        return json_object(base64.b64decode(resource.get("data", ""), validate=True).decode())
    except (binascii.Error, UnicodeDecodeError, TypeError):
        raise FhirFault(400, "invalid", "the data is no JSON in base64", ("Binary.data",)) from None
