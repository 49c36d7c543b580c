"""fhir.resources' models: XML for answers, and checks in tests. The only importer of that library.

Its R4 package ended with pydantic 1; R4B has the same elements for the types that are served, and what is
stated is 4.0.1. Validate and dump cost about 0.5 ms a resource, so JSON answers never pass through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast


def model_of(resource_type: str) -> Any:
    """The R4B model class of a resource type; raises LookupError for an unknown one."""
    from fhir.resources.R4B import get_fhir_model_class

    return get_fhir_model_class(resource_type)


def to_xml(resource: Mapping[str, Any], pretty: bool = False) -> bytes:
    """The resource as FHIR XML (https://hl7.org/fhir/R4/xml.html)."""
    model = model_of(resource["resourceType"]).model_validate(_plain(resource))
    return cast(bytes, model.model_dump_xml(pretty_print=pretty))


def _plain(value: Any) -> Any:
    """The same value in the library's terms."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list) else value
