"""$lookup, $validate-code and $subsumes of CodeSystem. https://hl7.org/fhir/R4/codesystem-operations.html"""

from __future__ import annotations

from fhir_facade.content import Response
from fhir_facade.operations.operation import Invocation, Operation, Parameter
from fhir_facade.operations.terminology.asking import addressed, answered, stated_codes
from fhir_facade.outcome import parameter
from fhir_facade.service import Service
from terminology.service.lookup import lookup
from terminology.service.parameters import parameters, said
from terminology.service.source import Resource
from terminology.service.subsumes import subsumes
from terminology.service.validate import in_system, one_of

DEFINITION = "http://hl7.org/fhir/OperationDefinition/"
CODING = Parameter("coding", "Coding", "the code with its system, instead of code and system")
LANGUAGE = Parameter("displayLanguage", "code", "the language of the display that is told")
#: what both $validate-code take besides a code, and tell of it
CHECKED = (
    CODING,
    Parameter("codeableConcept", "CodeableConcept", "several codings, of which one is enough"),
    Parameter("abstract", "boolean", "false: a code that only groups others won't do"),
    LANGUAGE,
    Parameter("result", "boolean", "whether it is", min=1, use="out"),
    Parameter("message", "string", "why not, or what else is to be said", use="out"),
    Parameter("display", "string", "the display that the code has", use="out"),
)


async def _lookup(service: Service, call: Invocation) -> Response:
    """Parameters with what the code's system says of it; 404 for a code that is not known here."""
    given = call.parameters
    [one] = stated_codes(given)
    told = await answered(
        service,
        call,
        lambda resolver: lookup(
            resolver, one.system, one.code, one.version, one.language, given.all("property")
        ),
    )
    return Response(told)


async def _validate_code(service: Service, call: Invocation) -> Response:
    """Parameters: whether the code is one of the system, why not, and its display."""
    given = call.parameters
    sent = await addressed(service, call, "codeSystem")
    codes = stated_codes(given, _system(call, sent))
    verdict = await answered(
        service,
        call,
        lambda resolver: one_of(codes, lambda code: in_system(resolver, code)),
        [sent] if sent else [],
    )
    return Response(verdict.parameters(), served=_served(call, sent))


async def _subsumes(service: Service, call: Invocation) -> Response:
    """Parameters: how the first code lies to the second."""
    given = call.parameters
    sent = await addressed(service, call, "codeSystem")
    system = _system(call, sent) or given.one("system", "")
    (first, own), (second, other) = (_side(call, side, system) for side in ("A", "B"))
    if own != other:
        raise parameter("codingB", "both codes are of one system")
    version = given.one("version", "")
    outcome = await answered(
        service,
        call,
        lambda resolver: subsumes(resolver, own, first, second, version),
        [sent] if sent else [],
    )
    return Response(parameters(said("outcome", outcome, "valueCode")), served=_served(call, sent))


def _system(call: Invocation, sent: Resource | None) -> str:
    """The url of the code system that is asked, '' where only the codes say it."""
    url = sent.get("url") if sent else call.parameters.one("url")
    if sent and not url:
        raise parameter("codeSystem", "a code system that is sent has a url", "required")
    return str(url or "")


def _side(call: Invocation, side: str, system: str) -> tuple[str, str]:
    """(code, system) of one side of $subsumes."""
    coding = call.parameters.one(f"coding{side}") or {}
    code = call.parameters.one(f"code{side}") or coding.get("code")
    own = coding.get("system") or system
    if not isinstance(code, str) or not isinstance(own, str) or not own:
        raise parameter(f"code{side}", f"state code{side} and system, or coding{side}", "required")
    return code, own


def _served(call: Invocation, sent: Resource | None) -> tuple[Resource, ...]:
    """What was read for the answer, for the record of accesses."""
    return (sent,) if sent is not None and call.id is not None else ()


LOOKUP = Operation(
    name="lookup",
    definition=f"{DEFINITION}CodeSystem-lookup",
    documentation="What a code system says of a code: display, designations, definition, properties, and "
    "what is right above and below it. A code that is none is told from one that is not known here.",
    levels=frozenset({"type"}),
    types=frozenset({"CodeSystem"}),
    parameters=(
        Parameter("code", "code", "the code"),
        Parameter("system", "uri", "its code system"),
        Parameter("version", "string", "the version of the code system"),
        CODING,
        LANGUAGE,
        Parameter("property", "code", "a property to tell; all if none is named", max="*"),
        Parameter("name", "string", "the name of the code system", min=1, use="out"),
        Parameter("display", "string", "the display", min=1, use="out"),
    ),
    run=_lookup,
    cost=1,
)

VALIDATE_CODE = Operation(
    name="validate-code",
    definition=f"{DEFINITION}CodeSystem-validate-code",
    documentation="Whether a code is one of a code system, and its display right. Of systems that are here "
    "in part only, a code that is not known is told as such.",
    levels=frozenset({"type", "instance"}),
    types=frozenset({"CodeSystem"}),
    parameters=(
        Parameter("url", "uri", "the code system"),
        Parameter("codeSystem", "CodeSystem", "the code system itself, instead of its url"),
        Parameter("code", "code", "the code"),
        Parameter("version", "string", "the version of the code system"),
        Parameter("display", "string", "a display to be checked"),
        *CHECKED,
    ),
    run=_validate_code,
    cost=1,
)

SUBSUMES = Operation(
    name="subsumes",
    definition=f"{DEFINITION}CodeSystem-subsumes",
    documentation="How two codes of a system with a hierarchy of kinds lie to each other.",
    levels=frozenset({"type", "instance"}),
    types=frozenset({"CodeSystem"}),
    parameters=(
        Parameter("codeA", "code", "the first code"),
        Parameter("codeB", "code", "the second code"),
        Parameter("system", "uri", "their code system"),
        Parameter("version", "string", "the version of the code system"),
        Parameter("codingA", "Coding", "the first code with its system"),
        Parameter("codingB", "Coding", "the second code with its system"),
        Parameter("outcome", "code", "equivalent, subsumes, subsumed-by, not-subsumed", min=1, use="out"),
    ),
    run=_subsumes,
    cost=1,
)
