"""$subsumes: how two codes of a system lie to each other.

https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
"""

from __future__ import annotations

from terminology.service.lookup import concept_of
from terminology.service.source import Resolver, TerminologyFault


def subsumes(resolver: Resolver, system: str, first: str, second: str, version: str = "") -> str:
    """`equivalent`, `subsumes`, `subsumed-by` or `not-subsumed`; raises TerminologyFault."""
    content, one = concept_of(resolver, system, first, version)
    _, other = concept_of(resolver, system, second, version)
    if one.code == other.code:
        return "equivalent"
    if not content.has_kinds:
        raise TerminologyFault("not-supported", f"the hierarchy of {system[:200]} is not one of kinds")
    if not content.complete:
        raise TerminologyFault("not-supported", f"the hierarchy of {system[:200]} is not known here")
    if other.code in content.below(one.code):
        return "subsumes"
    return "subsumed-by" if one.code in content.below(other.code) else "not-subsumed"
