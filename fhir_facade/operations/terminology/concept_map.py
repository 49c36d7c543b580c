"""$translate of ConceptMap. https://hl7.org/fhir/R4/conceptmap-operation-translate.html"""

from __future__ import annotations

from fhir_facade.content import Response
from fhir_facade.operations.operation import Invocation, Operation, Parameter
from fhir_facade.operations.terminology.asking import addressed, answered, stated_codes
from fhir_facade.operations.terminology.code_system import CODING, DEFINITION
from fhir_facade.service import Service
from terminology.service.source import Resolver, Resource, TerminologyFault
from terminology.service.translate import Match, Wish, matches, translated


async def _translate(service: Service, call: Invocation) -> Response:
    """Parameters: whether there is a translation, and each with the map that says so."""
    given, sent = call.parameters, await addressed(service, call, "conceptMap")
    wishes = [
        Wish(
            code.system,
            code.code,
            given.one("source", ""),
            given.one("target", ""),
            given.one("targetsystem", ""),
            given.one("reverse", False),
        )
        for code in stated_codes(given, of_set=True)
    ]

    def question(resolver: Resolver) -> list[Match]:
        maps = [sent] if sent else _maps(resolver, given.one("url", ""), given.one("conceptMapVersion", ""))
        return [match for wish in wishes for match in matches(resolver, maps, wish)]

    found = await answered(service, call, question, [sent] if sent else [])
    served = (sent,) if sent is not None and call.id is not None else ()
    return Response(translated(found), served=served)


def _maps(resolver: Resolver, url: str, version: str) -> list[Resource]:
    """The map that is named, else all of them; raises TerminologyFault (404)."""
    if not url:
        return list(resolver.every("ConceptMap"))
    found = resolver.find("ConceptMap", url, version)
    if found is None:
        raise TerminologyFault("not-found", f"there is no concept map {url[:200]} here", 404)
    return [found]


TRANSLATE = Operation(
    name="translate",
    definition=f"{DEFINITION}ConceptMap-translate",
    documentation="What a code is in another system: the hospital's words and codes in the standards', and "
    "back. What no code list confirms is not told as a translation.",
    levels=frozenset({"type", "instance"}),
    types=frozenset({"ConceptMap"}),
    parameters=(
        Parameter("url", "uri", "the concept map; all that are here if none is named"),
        Parameter("conceptMap", "ConceptMap", "the concept map itself"),
        Parameter("conceptMapVersion", "string", "the version of the concept map"),
        Parameter("code", "code", "the code"),
        Parameter("system", "uri", "its code system"),
        Parameter("version", "string", "the version of the code system"),
        Parameter("source", "uri", "the value set that the code is from"),
        CODING,
        Parameter("codeableConcept", "CodeableConcept", "several codings, all of which are translated"),
        Parameter("target", "uri", "the value set to translate into"),
        Parameter("targetsystem", "uri", "the code system to translate into"),
        Parameter("reverse", "boolean", "true: from the maps' targets to their sources"),
        Parameter("result", "boolean", "whether there is a translation", min=1, use="out"),
        Parameter("message", "string", "why there is none", use="out"),
        Parameter(
            "match",
            documentation="a translation",
            max="*",
            use="out",
            parts=(
                Parameter("equivalence", "code", "how it lies to the code", use="out"),
                Parameter("concept", "Coding", "the translation", use="out"),
                Parameter("source", "uri", "the map that says so", use="out"),
            ),
        ),
    ),
    run=_translate,
)
