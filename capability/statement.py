"""The CapabilityStatement, computed from the mappings: it claims what is served and nothing else.

https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from capability.describe import usable_parameters
from capability.operations import ANY, Declared, claims
from mappers.include import reference_types
from mappers.mapping import ResourceMapping, SearchParam
from mappers.parse import COMMON, declared_type
from terminology import definitions
from terminology.systems import KR_CORE

Resource = dict[str, Any]
KR_SERVER = f"{KR_CORE}/CapabilityStatement/krcore-capabilitystatement-server"
BULK_DATA = "http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data"
OPEN = "Access control is off: the server listens on the loopback interface only, for whoever is there."
SMART = (
    "SMART App Launch 2.2: scopes v1 and v2, bounded by the user's role; see .well-known/smart-configuration."
)
SEARCHES = (
    "Unknown search parameters are refused (400) unless Prefer: handling=lenient is sent. Searches may chain,"
    " use _has, _include and _revinclude, and be sent by POST to _search."
)
IMAGES = (
    "Images themselves are had by DICOMweb (QIDO-RS, WADO-RS, STOW-RS), with the same tokens, at the address"
    " of Endpoint/dicom-web, to which ImagingStudies refer."
)
OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_READ = [{"code": "read"}]
_COMMON_URLS = {
    "_id": "http://hl7.org/fhir/SearchParameter/Resource-id",
    "_lastUpdated": "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated",
    "_security": "http://hl7.org/fhir/SearchParameter/Resource-security",
}


def capability_statement(
    mappings: Mapping[str, ResourceMapping],
    base: str,
    version: str,
    date: str,
    degraded: Sequence[str] = (),
    authorization: str = "",
    operations: Sequence[Declared] = (),
) -> Resource:
    """What this server does at `base`; `degraded`: what the drift check had to take out.

    `authorization` is the address of the SMART authorization server; empty where access control is off.
    """
    described = "FHIR R4 facade over the hospital's CDSS and OpenEMR databases: live rows, no copy."
    if degraded:
        described += " Degraded: " + "; ".join(degraded)
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "publisher": "NeuroNova",
        "kind": "instance",
        "instantiates": [KR_SERVER, *([BULK_DATA] if any(o.name == "export" for o in operations) else ())],
        "software": {"name": "NeuroNova FHIR facade", "version": version},
        "implementation": {"description": described, "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json", "application/fhir+xml", "xml"],
        "patchFormat": ["application/json-patch+json", "application/fhir+json", "application/fhir+xml"],
        "rest": [_rest(mappings, authorization, operations, base)],
    }


def _smart(authorization: str) -> Resource:
    """Where tokens come from, as clients that don't know `.well-known` look for it."""
    names = ("authorize", "token", "introspect", "revoke")
    addresses = [{"url": name, "valueUri": f"{authorization}/{name}"} for name in names]
    return {
        "extension": [{"url": OAUTH_URIS, "extension": addresses}],
        "cors": True,
        "service": [{"coding": [{"system": SERVICE, "code": "SMART-on-FHIR"}]}],
        "description": SMART,
    }


def _rest(
    mappings: Mapping[str, ResourceMapping], authorization: str, operations: Sequence[Declared], base: str
) -> Resource:
    rest: Resource = {
        "mode": "server",
        "documentation": f"{SEARCHES} {IMAGES}" if "Endpoint" in mappings else SEARCHES,
        "security": _smart(authorization) if authorization else {"cors": True, "description": OPEN},
        "resource": _resources(mappings, operations, base),
        "interaction": [
            {"code": code} for code in ("transaction", "batch", "search-system", "history-system")
        ],
        "searchParam": [
            {"name": n, "type": COMMON[n], "definition": _COMMON_URLS[n]} for n in ("_id", "_lastUpdated")
        ],
        "compartment": [
            f"http://hl7.org/fhir/CompartmentDefinition/{code.lower()}"
            for code in definitions.compartment_types()
            if code in mappings
        ],
    }
    if offered := claims(operations, "", base):
        rest["operation"] = offered
    return rest


def _resources(
    mappings: Mapping[str, ResourceMapping], operations: Sequence[Declared], base: str
) -> list[Resource]:
    """The types that are served, those that only operations are about, and the definitions of operations."""
    found = {name: _resource(mapping, mappings) for name, mapping in mappings.items()}
    if operations:
        found.setdefault("OperationDefinition", {"type": "OperationDefinition", "interaction": _READ})
    for name in {t for o in operations for t in o.types if t != ANY}:
        found.setdefault(name, {"type": name})
    for name in found:
        here = _offered(operations, mappings.get(name))
        if name != "OperationDefinition" and (offered := claims(here, name, base)):
            found[name]["operation"] = offered
    return [one for _, one in sorted(found.items())]


def _offered(operations: Sequence[Declared], mapping: ResourceMapping | None) -> list[Declared]:
    """Those of any type, where they change a resource, are for types that clients may write."""
    written = mapping is not None and any(part.written_here for part in mapping.parts)
    return [one for one in operations if written or not (one.affects_state and ANY in one.types)]


def _resource(mapping: ResourceMapping, mappings: Mapping[str, ResourceMapping]) -> Resource:
    claimed = list(dict.fromkeys(p.url for part in mapping.parts for p in part.profiles))
    resource: Resource = {
        "type": mapping.resource_type,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{mapping.resource_type}",
        **({"supportedProfile": claimed} if claimed else {}),
        "documentation": documentation(mapping),
        **_interactions(mapping),
        "referencePolicy": ["literal", "resolves"],
    }
    if includes := [f"{mapping.resource_type}:{n}" for n in _includes(mapping, mappings)]:
        resource["searchInclude"] = ["*", *includes]
    if reverse := _reverse(mapping.resource_type, mappings):
        resource["searchRevInclude"] = reverse
    resource["searchParam"] = [_claim(mapping, n) for n in usable_parameters(mappings, mapping)]
    return resource


def _interactions(mapping: ResourceMapping) -> Resource:
    """What can be done with a type: writing, only where some part of it takes it."""
    written = [p for p in mapping.parts if p.written_here]
    deletable = any(p.upkeep is None or p.upkeep.retired is not None for p in written)
    codes = ["read", "vread", "history-instance", "search-type"]
    codes += ["history-type", "create", "update", "patch"] if written else []
    codes += ["delete"] if deletable else []
    return {
        "interaction": [{"code": code} for code in codes],
        "versioning": "versioned-update" if written else "versioned",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": bool(written),
        "conditionalRead": "full-support",
        "conditionalUpdate": bool(written),
        "conditionalDelete": "single" if deletable else "not-supported",
    }


def documentation(mapping: ResourceMapping) -> str:
    """Where the resources come from, and why some can't be written, in the mapping's own words."""
    said = [mapping.comment] if mapping.comment else [p.comment for p in mapping.parts]
    said += [f"{p.read_only_because}." for p in mapping.parts if p.read_only_because]
    return " ".join(dict.fromkeys(s for s in said if s)) or "Read only."


def _includes(mapping: ResourceMapping, mappings: Mapping[str, ResourceMapping]) -> list[str]:
    """The parameters whose references lead to a type that is served."""
    return [n for n in sorted(mapping.params) if reference_types(mapping, n) & mappings.keys()]


def _reverse(resource_type: str, mappings: Mapping[str, ResourceMapping]) -> list[str]:
    return [
        f"{name}:{param}"
        for name, mapping in sorted(mappings.items())
        for param in sorted(mapping.params)
        if resource_type in reference_types(mapping, param)
    ]


def _claim(mapping: ResourceMapping, name: str) -> Resource:
    if name in COMMON:
        return {"name": name, "type": COMMON[name], "definition": _COMMON_URLS[name]}
    return search_param(mapping.resource_type, mapping.params[name])


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
