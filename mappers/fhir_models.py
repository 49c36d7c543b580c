"""fhir.resources' models, for checks of whole resources. The only importer of that library.

Its R4 package ended with pydantic 1; R4B has the same elements for the types that are served, and what is
stated is 4.0.1. Validating costs about 0.5 ms a resource, so answers never pass through here.
"""

from __future__ import annotations

from typing import Any


def model_of(resource_type: str) -> Any:
    """The R4B model class of a resource type; raises LookupError for an unknown one."""
    from fhir.resources.R4B import get_fhir_model_class

    return get_fhir_model_class(resource_type)
