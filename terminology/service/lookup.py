"""$lookup: what a code system says of a code. https://hl7.org/fhir/R4/codesystem-operation-lookup.html"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from terminology.service.content import Concept, Content
from terminology.service.parameters import parameters, parted, said
from terminology.service.source import Resolver, TerminologyFault

Resource = dict[str, Any]


def concept_of(resolver: Resolver, system: str, code: str, version: str = "") -> tuple[Content, Concept]:
    """A code of a system; TerminologyFault (404) tells one that is none from one not known here."""
    content = resolver.content(system, version)
    if content is None:
        raise TerminologyFault("not-found", f"the code system {system[:200]} is not here", 404)
    found = content.get(code)
    if found is None:
        why = (
            "has no such code"
            if content.complete
            else "has codes that are not known here; this is one, or none"
        )
        raise TerminologyFault("not-found", f"the code system {system[:200]} {why}", 404)
    return content, found


def lookup(
    resolver: Resolver,
    system: str,
    code: str,
    version: str = "",
    language: str = "",
    wanted: Collection[str] = (),
) -> Resource:
    """Parameters of $lookup; `wanted`: the properties to tell, all if none are named."""
    content, concept = concept_of(resolver, system, code, version)
    return parameters(
        said("name", content.name),
        said("version", content.version),
        said("display", concept.shown(language) or concept.code),
        *(
            _designation(one)
            for one in concept.defined.get("designation", ())
            if _asked("designation", wanted)
        ),
        *_properties(content, concept, wanted),
    )


def _asked(name: str, wanted: Collection[str]) -> bool:
    return not wanted or name in wanted


def _designation(stated: Resource) -> Resource:
    return parted(
        "designation",
        said("language", stated.get("language"), "valueCode"),
        said("use", stated.get("use"), "valueCoding"),
        said("value", stated["value"]),
    )


def _properties(content: Content, concept: Concept, wanted: Collection[str]) -> Iterator[Resource]:
    """Its definition, what is right above and below, its own properties, and whether it is inactive."""
    told: list[tuple[str, str, Any]] = []
    if definition := concept.defined.get("definition"):
        told.append(("definition", "valueString", definition))
    told += [("parent", "valueCode", code) for code in concept.parents]
    told += [("child", "valueCode", code) for code in content.children.get(concept.code, ())]
    own = [one for one in concept.defined.get("property", ()) if one["code"] not in ("parent", "child")]
    told += [(one["code"], *_typed(one)) for one in own]
    if "inactive" not in concept.properties:
        told.append(("inactive", "valueBoolean", concept.inactive))
    for code, kind, value in told:
        if _asked(code, wanted):
            yield parted("property", said("code", code, "valueCode"), said("value", value, kind))


def _typed(stated: Resource) -> tuple[str, Any]:
    return next((name, value) for name, value in stated.items() if name.startswith("value"))
