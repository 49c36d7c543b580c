"""The CapabilityStatement, computed from the mappings: it claims what is served and nothing else.

https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mappers.include import reference_params, reference_types
from mappers.mapping import ResourceMapping, SearchParam
from mappers.parse import COMMON, declared_type
from terminology import definitions
from terminology.systems import KR_CORE

Resource = dict[str, Any]
KR_SERVER = f"{KR_CORE}/CapabilityStatement/krcore-capabilitystatement-server"
_COMMON_URLS = {
    "_id": "http://hl7.org/fhir/SearchParameter/Resource-id",
    "_lastUpdated": "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated",
    "_security": "http://hl7.org/fhir/SearchParameter/Resource-security",
}


def capability_statement(
    mappings: Mapping[str, ResourceMapping], base: str, version: str, date: str, degraded: Sequence[str] = ()
) -> Resource:
    """What this server does at `base`; `degraded`: what the drift check had to take out."""
    described = "FHIR R4 facade over the hospital's CDSS and OpenEMR databases: live rows, no copy."
    if degraded:
        described += " Degraded: " + "; ".join(degraded)
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "publisher": "NeuroNova",
        "kind": "instance",
        "instantiates": [KR_SERVER],
        "software": {"name": "NeuroNova FHIR facade", "version": version},
        "implementation": {"description": described, "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json", "application/fhir+xml", "xml"],
        "rest": [_rest(mappings)],
    }


def _rest(mappings: Mapping[str, ResourceMapping]) -> Resource:
    return {
        "mode": "server",
        "resource": [_resource(m, mappings) for _, m in sorted(mappings.items())],
        "interaction": [{"code": "search-system"}],
        "searchParam": [
            {"name": n, "type": COMMON[n], "definition": _COMMON_URLS[n]} for n in ("_id", "_lastUpdated")
        ],
        "compartment": [
            f"http://hl7.org/fhir/CompartmentDefinition/{code.lower()}"
            for code in definitions.compartment_types()
            if code in mappings
        ],
    }


def _resource(mapping: ResourceMapping, mappings: Mapping[str, ResourceMapping]) -> Resource:
    claimed = list(dict.fromkeys(p.url for part in mapping.parts for p in part.profiles))
    resource: Resource = {
        "type": mapping.resource_type,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{mapping.resource_type}",
        **({"supportedProfile": claimed} if claimed else {}),
        "documentation": mapping.comment
        or " ".join(p.comment for p in mapping.parts if p.comment)
        or "Read only.",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "versioned",
        "readHistory": False,
        "conditionalRead": "full-support",
        "referencePolicy": ["literal", "resolves"],
    }
    if includes := [f"{mapping.resource_type}:{n}" for n in sorted(reference_params(mapping))]:
        resource["searchInclude"] = ["*", *includes]
    if reverse := _reverse(mapping.resource_type, mappings):
        resource["searchRevInclude"] = reverse
    resource["searchParam"] = [_common(n) for n in _common_names(mapping)]
    resource["searchParam"] += [
        search_param(mapping.resource_type, p) for _, p in sorted(mapping.params.items())
    ]
    return resource


def _reverse(resource_type: str, mappings: Mapping[str, ResourceMapping]) -> list[str]:
    return [
        f"{name}:{param}"
        for name, mapping in sorted(mappings.items())
        for param in sorted(reference_params(mapping))
        if resource_type in reference_types(mapping, param)
    ]


def _common_names(mapping: ResourceMapping) -> list[str]:
    names = ["_id"]
    names += ["_lastUpdated"] if any(p.last_updated for p in mapping.parts) else []
    return names + (["_security"] if any(p.security for p in mapping.parts) else [])


def _common(name: str) -> Resource:
    return {"name": name, "type": COMMON[name], "definition": _COMMON_URLS[name]}


def search_param(resource_type: str, param: SearchParam) -> Resource:
    """The claim for one search parameter."""
    definition = definitions.search_parameter(resource_type, param.name)
    claim: Resource = {"name": param.name, "type": declared_type(resource_type, param)}
    if definition:
        claim["definition"] = definition.url
    described = param.description or (definition.description if definition else "")
    if described:
        claim["documentation"] = described
    return claim
