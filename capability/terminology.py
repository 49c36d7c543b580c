"""The TerminologyCapabilities, computed from what is at hand and from the operations that are served.

https://hl7.org/fhir/R4/terminologycapabilities.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from capability.operations import Declared
from mappers.mapping import ResourceMapping

Resource = dict[str, Any]
DESCRIPTION = (
    "R4's own code systems as published, excerpts of others' (fragments, which say nothing of other codes), "
    "the hospital's masters live, the words of its columns and the maps to standard codes, and what clients "
    "write."
)


def terminology_capabilities(
    base: str,
    version: str,
    date: str,
    mappings: Mapping[str, ResourceMapping],
    operations: Sequence[Declared],
) -> Resource:
    """`/metadata?mode=terminology`: the code systems, and what can be asked of them."""
    offered = {one.id: one for one in operations}
    served = mappings.get("CodeSystem")
    found: Resource = {
        "resourceType": "TerminologyCapabilities",
        "status": "active",
        "date": date,
        "publisher": "NeuroNova",
        "description": DESCRIPTION,
        "kind": "instance",
        "software": {"name": "NeuroNova FHIR facade", "version": version},
        "implementation": {"description": "NeuroNova FHIR facade", "url": base},
        "codeSystem": list(_code_systems(served)) if served else [],
    }
    if expand := offered.get("ValueSet-expand"):
        found["expansion"] = _expansion(expand)
        found["codeSearch"] = "all"
    if "ValueSet-validate-code" in offered:
        found["validateCode"] = {"translations": False}
    if "ConceptMap-translate" in offered:
        found["translation"] = {"needsMap": False}
    return {name: value for name, value in found.items() if value != []}


def _code_systems(mapping: ResourceMapping) -> Iterator[Resource]:
    """Each code system that is at hand, once for all of its versions."""
    by_url: dict[str, list[Resource]] = {}
    for entry in mapping.at_hand.entries() if mapping.at_hand else ():
        if entry.head.get("content") in ("complete", "fragment", "example"):
            by_url.setdefault(entry.head["url"], []).append(entry.head)
    for url, heads in sorted(by_url.items()):
        told: Resource = {"uri": url}
        if versions := [head["version"] for head in heads if "version" in head]:
            told["version"] = [{"code": v, "isDefault": n == 0} for n, v in enumerate(versions)]
        kinds = any(h.get("hierarchyMeaning") == "is-a" and h["content"] == "complete" for h in heads)
        yield {**told, "subsumption": kinds}


def _expansion(expand: Declared) -> Resource:
    """How $expand works: flat, by pages, and its parameters as it declares them."""
    return {
        "hierarchical": False,
        "paging": True,
        "incomplete": False,
        "parameter": [{"name": p.name, "documentation": p.documentation} for p in expand.taken],
        "textFilter": "Every word of the filter is in one of the code's displays, or begins the code.",
    }
